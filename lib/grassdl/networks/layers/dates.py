# SPDX-License-Identifier: GPL-2.0-or-later
"""Layers of networks that process the dates of their bands separately."""

from __future__ import annotations

from typing import Any

import keras
from keras import KerasTensor, layers, ops

from .argmax_pooling import PACKAGE

WHOLE = 0.999
"""Least share of a cell that counts as observed."""


class LayerOfDates(layers.Layer):
    """A layer that is given the number of dates.

    Args:
        dates: Number of dates.
    """

    def __init__(self, dates: int, **settings: Any):
        super().__init__(**settings)
        self.dates = dates

    def get_config(self) -> dict[str, Any]:
        """The arguments of the layer."""
        return {**super().get_config(), "dates": self.dates}


@keras.saving.register_keras_serializable(PACKAGE)
class DatesApart(LayerOfDates):
    """Splits the bands of all dates, date after date, into those of each date.

    Args:
        dates: Number of dates.
    """

    def call(self, pixels: KerasTensor) -> list[KerasTensor]:
        """For each date (batch, rows, columns, bands) of (batch, rows, columns, dates x bands)."""
        return ops.split(pixels, self.dates, axis=-1)


@keras.saving.register_keras_serializable(PACKAGE)
class LastBand(layers.Layer):
    """The last band of a date, which in a series is 1 where the date was observed."""

    def call(self, pixels: KerasTensor) -> KerasTensor:
        """(batch, rows, columns, 1) of (batch, rows, columns, bands)."""
        return pixels[..., -1:]


@keras.saving.register_keras_serializable(PACKAGE)
class WhereObserved(LayerOfDates):
    """Sets the bands of a series to their means where their date is missing.

    The last band of each date is 1 where it was observed; cells that are observed only in part,
    after interpolation, count as missing.

    Args:
        dates: Number of dates.
    """

    def call(self, pixels: KerasTensor) -> KerasTensor:
        """Normalised pixels (batch, rows, columns, dates x bands), 0 where missing."""
        shown = []
        for one in ops.split(pixels, self.dates, axis=-1):
            observed = ops.cast(one[..., -1:] > WHOLE, one.dtype)
            # Not a product, which would keep values that are not finite.
            values = ops.where(observed > 0, one[..., :-1], ops.zeros_like(one[..., :-1]))
            shown += [values, observed]
        return ops.concatenate(shown, axis=-1)

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """The shape of the pixels."""
        return shape


@keras.saving.register_keras_serializable(PACKAGE)
class AbsoluteDifference(layers.Layer):
    """Absolute difference of two tensors of features."""

    def call(self, first: KerasTensor, second: KerasTensor) -> KerasTensor:
        """|first - second|, both of the same shape."""
        return ops.absolute(first - second)

    def compute_output_shape(
        self, first_shape: tuple[int | None, ...], second_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        """The shape of either."""
        return first_shape
