# SPDX-License-Identifier: GPL-2.0-or-later
"""Losses in which unlabelled and NULL pixels weigh nothing."""

from __future__ import annotations

from abc import abstractmethod

import keras
from keras import KerasTensor, ops


class LabelledPixelsLoss(keras.losses.Loss):
    """Base of the losses: the mean of a loss per pixel over the labelled pixels of a batch.

    A pixel counts as labelled if its code is a class, 0 to K - 1; the codes `NULL_INDEX` and
    `UNLABELLED_INDEX` are none. A batch without labelled pixels has the loss 0 and no gradient.
    A subclass tells the loss of each pixel in `per_pixel`.
    """

    @abstractmethod
    def per_pixel(self, reference: KerasTensor, probabilities: KerasTensor) -> KerasTensor:
        """The loss of every pixel.

        Args:
            reference: Class indices (batch, rows, columns), int32, all of them classes.
            probabilities: (batch, rows, columns, K).

        Returns:
            Finite losses (batch, rows, columns).
        """

    def call(self, y_true: KerasTensor, y_pred: KerasTensor) -> KerasTensor:
        """The mean loss of a batch, a scalar.

        Args:
            y_true: Label codes (batch, rows, columns).
            y_pred: Probabilities (batch, rows, columns, K).
        """
        codes = ops.cast(y_true, "int32")
        labelled = codes < y_pred.shape[-1]
        # Any class will do for the others: their loss must only be finite to be weighed with 0.
        losses = self.per_pixel(ops.where(labelled, codes, 0), y_pred)
        weights = ops.cast(labelled, losses.dtype)
        return ops.sum(losses * weights) / ops.maximum(ops.sum(weights), 1)


class CrossEntropy(LabelledPixelsLoss):
    """Minus the logarithm of the probability of the reference class, in nats."""

    def __init__(self, name: str = "cross_entropy"):
        super().__init__(name=name)

    def per_pixel(self, reference: KerasTensor, probabilities: KerasTensor) -> KerasTensor:
        """-log p of the reference class, with p at least Keras' epsilon (1e-7)."""
        return ops.sparse_categorical_crossentropy(reference, probabilities)
