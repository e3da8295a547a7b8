# SPDX-License-Identifier: GPL-2.0-or-later
"""Metrics over labelled pixels, accumulated over the batches of an epoch."""

from __future__ import annotations

from typing import Any

import keras
from keras import KerasTensor, ops


class MeanIoU(keras.metrics.Metric):
    """Mean intersection over union of the classes, over the labelled pixels of all batches.

    The same figure as `accuracy.mean_iou`: the mean runs over the classes that have pixels in the
    reference or in the prediction.

    Args:
        classes: Number of classes K; label codes from K on are unlabelled.
        name: Name of the metric.
    """

    def __init__(self, classes: int, name: str = "mean_iou"):
        super().__init__(name=name)
        self.classes = classes
        # float32 counts pixels exactly to 1.7e7 per cell, and to 1e-7 of it beyond; int32, the
        # widest integer of JAX, would overflow in large datasets.
        self.counts = self.add_weight(
            shape=(classes * classes,), initializer="zeros", name="counts", dtype="float32"
        )

    def update_state(
        self, y_true: KerasTensor, y_pred: KerasTensor, sample_weight: KerasTensor | None = None
    ) -> None:
        """Count the pixels of a batch.

        Args:
            y_true: Label codes (batch, rows, columns).
            y_pred: Probabilities (batch, rows, columns, K).
            sample_weight: Not supported: all pixels count alike.
        """
        reference = ops.reshape(ops.cast(y_true, "int32"), (-1,))
        predicted = ops.reshape(ops.cast(ops.argmax(y_pred, axis=-1), "int32"), (-1,))
        labelled = reference < self.classes
        cells = predicted * self.classes + ops.where(labelled, reference, 0)
        # A sum by segments has a fixed shape, so unlike ops.bincount it compiles on any backend.
        counted = ops.segment_sum(
            ops.cast(labelled, "float32"), cells, num_segments=self.classes * self.classes
        )
        self.counts.assign_add(counted)

    def result(self) -> KerasTensor:
        """The mean over the classes that have pixels in either; 0 without labelled pixels."""
        table = ops.reshape(self.counts, (self.classes, self.classes))  # rows = predicted
        both = ops.diagonal(table)
        either = ops.sum(table, axis=0) + ops.sum(table, axis=1) - both
        occurs = either > 0
        iou = both / ops.where(occurs, either, 1)
        return ops.sum(iou) / ops.maximum(ops.sum(ops.cast(occurs, iou.dtype)), 1)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {"classes": self.classes, "name": self.name}
