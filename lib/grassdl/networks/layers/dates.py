# SPDX-License-Identifier: GPL-2.0-or-later
"""Layers of networks that treat the dates of their bands separately."""

from __future__ import annotations

from typing import Any

import keras
from keras import KerasTensor, layers, ops

from .argmax_pooling import PACKAGE

WHOLE = 0.999
"""Share of a cell from which on it counts as observed."""


@keras.saving.register_keras_serializable(PACKAGE)
class DatesApart(layers.Layer):
    """The bands of each date, out of those of all dates, date after date.

    Args:
        dates: Number of dates.
    """

    def __init__(self, dates: int, **settings: Any):
        super().__init__(**settings)
        self.dates = dates

    def call(self, pixels: KerasTensor) -> list[KerasTensor]:
        """For each date (batch, rows, columns, bands) of (batch, rows, columns, dates x bands)."""
        return ops.split(pixels, self.dates, axis=-1)

    def get_config(self) -> dict[str, Any]:
        """What makes the layer again."""
        return {**super().get_config(), "dates": self.dates}


@keras.saving.register_keras_serializable(PACKAGE)
class LastBand(layers.Layer):
    """The last band of a date, which tells of a series where it was observed."""

    def call(self, pixels: KerasTensor) -> KerasTensor:
        """(batch, rows, columns, 1) of (batch, rows, columns, bands)."""
        return pixels[..., -1:]


@keras.saving.register_keras_serializable(PACKAGE)
class WhereObserved(layers.Layer):
    """Bands of a series as if at their means where their date is missing.

    The last band of each date is 1 where it was observed; interpolated cells that are so in part
    only are missing, too.

    Args:
        dates: Number of dates.
    """

    def __init__(self, dates: int, **settings: Any):
        super().__init__(**settings)
        self.dates = dates

    def call(self, pixels: KerasTensor) -> KerasTensor:
        """Normalised pixels (batch, rows, columns, dates x bands) with 0 where missing."""
        shown = []
        for one in ops.split(pixels, self.dates, axis=-1):
            observed = ops.cast(one[..., -1:] > WHOLE, one.dtype)
            # Not a product, by which what is beyond all numbers would stay.
            values = ops.where(observed > 0, one[..., :-1], ops.zeros_like(one[..., :-1]))
            shown += [values, observed]
        return ops.concatenate(shown, axis=-1)

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """The shape of the pixels."""
        return shape

    def get_config(self) -> dict[str, Any]:
        """What makes the layer again."""
        return {**super().get_config(), "dates": self.dates}


@keras.saving.register_keras_serializable(PACKAGE)
class AbsoluteDifference(layers.Layer):
    """How far features differ, whichever are larger."""

    def call(self, first: KerasTensor, second: KerasTensor) -> KerasTensor:
        """|first - second|, both of the same shape."""
        return ops.absolute(first - second)

    def compute_output_shape(
        self, first_shape: tuple[int | None, ...], second_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        """The shape of either."""
        return first_shape
