# SPDX-License-Identifier: GPL-2.0-or-later
"""Metrics of a value over labelled pixels, accumulated over the batches of an epoch."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import keras
from keras import KerasTensor, ops


class ValueMetric(keras.metrics.Metric):
    """Base of the metrics: adds up differences and references, in standard deviations from the
    mean, so that float32 holds them.

    Args:
        mean, deviation: Of the target.
        name: Name of the metric.
    """

    def __init__(self, mean: float, deviation: float, name: str):
        super().__init__(name=name)
        self.mean, self.deviation = mean, deviation
        # Count, sum of squared differences, sum and sum of squares of the reference.
        self.sums = self.add_weight(shape=(4,), initializer="zeros", name="sums", dtype="float32")

    def update_state(
        self, y_true: KerasTensor, y_pred: KerasTensor, sample_weight: KerasTensor | None = None
    ) -> None:
        """Add the pixels of a batch.

        Args:
            y_true: Values (batch, rows, columns), not finite where not labelled.
            y_pred: Values (batch, rows, columns, 1).
            sample_weight: Not supported: all pixels count alike.
        """
        found = ops.cast(ops.squeeze(y_pred, axis=-1), "float32")
        labelled = ops.isfinite(y_true)
        reference = ops.where(labelled, ops.cast(y_true, "float32"), self.mean)
        known = ops.cast(labelled, "float32")
        difference = known * (found - reference) / self.deviation
        scaled = (reference - self.mean) / self.deviation
        parts = [known, ops.square(difference), scaled, ops.square(scaled)]
        self.sums.assign_add(ops.stack([ops.sum(one) for one in parts]))

    @abstractmethod
    def result(self) -> KerasTensor:
        """The figure; 0 without labelled pixels."""

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {"mean": self.mean, "deviation": self.deviation, "name": self.name}


class Rmse(ValueMetric):
    """The same figure as `value_accuracy.rmse`."""

    def __init__(self, mean: float, deviation: float, name: str = "rmse"):
        super().__init__(mean, deviation, name)

    def result(self) -> KerasTensor:
        """See `ValueMetric.result`."""
        return self.deviation * ops.sqrt(self.sums[1] / ops.maximum(self.sums[0], 1))


class R2(ValueMetric):
    """The same figure as `value_accuracy.r2`; 0 for a constant reference."""

    def __init__(self, mean: float, deviation: float, name: str = "r2"):
        super().__init__(mean, deviation, name)

    def result(self) -> KerasTensor:
        """See `ValueMetric.result`."""
        count = ops.maximum(self.sums[0], 1)
        spread = self.sums[3] - ops.square(self.sums[2]) / count
        return ops.where(spread > 0, 1 - self.sums[1] / ops.where(spread > 0, spread, 1), 0)
