# SPDX-License-Identifier: GPL-2.0-or-later
"""Losses of a value, in which unlabelled and NULL pixels have weight 0.

A new loss takes one subclass, its place in `_CLASSES`, and a line in `choices.VALUE_LOSSES`.
"""

from __future__ import annotations

from abc import abstractmethod

import keras
from keras import KerasTensor, ops

HUBER_DELTA = 1.0
"""Standard deviations of the target up to which the Huber loss is quadratic."""


class ValueLoss(keras.losses.Loss):
    """Base of the losses: the mean over the labelled pixels of a batch, 0 without any.

    Args:
        deviation: Standard deviation of the target, by which differences are divided, so that
            learning rates do not depend on its units.
        name: Name of the loss.
    """

    def __init__(self, deviation: float, name: str | None = None):
        super().__init__(name=name)
        self.deviation = deviation

    @abstractmethod
    def per_pixel(self, difference: KerasTensor) -> KerasTensor:
        """The loss of every pixel by its difference in standard deviations."""

    def call(self, y_true: KerasTensor, y_pred: KerasTensor) -> KerasTensor:
        """The loss of a batch, a scalar.

        Args:
            y_true: Values (batch, rows, columns), not finite where not labelled.
            y_pred: Values (batch, rows, columns, 1).
        """
        found = ops.squeeze(y_pred, axis=-1)
        labelled = ops.isfinite(y_true)
        reference = ops.where(labelled, ops.cast(y_true, found.dtype), found)
        losses = self.per_pixel((found - reference) / self.deviation)
        weights = ops.cast(labelled, found.dtype)
        total = ops.sum(weights)
        return ops.sum(losses * weights) / ops.where(total > 0, total, 1)


class Huber(ValueLoss):
    """d^2 / 2 up to `HUBER_DELTA` delta, delta (|d| - delta / 2) beyond: outliers count less.

    Source: Huber 1964, doi 10.1214/aoms/1177703732.
    """

    def per_pixel(self, difference: KerasTensor) -> KerasTensor:
        """See `ValueLoss.per_pixel`."""
        size = ops.abs(difference)
        beyond = HUBER_DELTA * (size - HUBER_DELTA / 2)
        return ops.where(size <= HUBER_DELTA, ops.square(difference) / 2, beyond)


class MeanSquared(ValueLoss):
    """d^2, whose optimum is the conditional mean."""

    def per_pixel(self, difference: KerasTensor) -> KerasTensor:
        """See `ValueLoss.per_pixel`."""
        return ops.square(difference)


class MeanAbsolute(ValueLoss):
    """|d|, whose optimum is the conditional median."""

    def per_pixel(self, difference: KerasTensor) -> KerasTensor:
        """See `ValueLoss.per_pixel`."""
        return ops.abs(difference)


_CLASSES = {"huber": Huber, "mse": MeanSquared, "mae": MeanAbsolute}


def by_name(name: str, deviation: float) -> ValueLoss:
    """A loss by its name in `choices.VALUE_LOSSES`; `deviation` as of `ValueLoss`."""
    return _CLASSES[name](deviation, name=name)
