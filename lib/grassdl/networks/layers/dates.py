# SPDX-License-Identifier: GPL-2.0-or-later
"""Layers of networks that treat the dates of their bands separately."""

from __future__ import annotations

from typing import Any

import keras
from keras import KerasTensor, layers, ops

from .argmax_pooling import PACKAGE


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
