# SPDX-License-Identifier: GPL-2.0-or-later
"""Layers by which a network attends to some of the dates of a series."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import KerasTensor, layers, ops

from .argmax_pooling import PACKAGE

LONGEST_DAYS = 1000
"""Days that the slowest wave of `WithDays` tells apart (Garnot and Landrieu 2021)."""

MISSING = -1e4
"""Score of a date without any cell, whose attention is exactly 0 thereby in any precision."""

LEAST = 1e-3
"""Attention that a date has at least where it was observed, though a coarser cell gave it none."""

TINY = 1e-5


@keras.saving.register_keras_serializable(PACKAGE)
class WithDays(layers.Layer):
    """Features of dates, plus waves of their days, by which early and late ones differ.

    Source: the positional encoding of Vaswani et al. 2017, by days instead of places.

    Args:
        days: Day of each date.
    """

    def __init__(self, days: Sequence[int], **settings: Any):
        super().__init__(**settings)
        self.days = list(days)

    def call(self, features: Sequence[KerasTensor]) -> list[KerasTensor]:
        """The features (batch, rows, columns, channels) of each date, changed."""
        channels = features[0].shape[-1]
        periods = LONGEST_DAYS ** (2 * (np.arange(channels) // 2) / channels)
        phases = np.array(self.days)[:, None] / periods
        waves = np.where(np.arange(channels) % 2, np.cos(phases), np.sin(phases))
        return [
            one + ops.cast(ops.convert_to_tensor(wave.astype(np.float32)), one.dtype)
            for one, wave in zip(features, waves, strict=True)
        ]

    def compute_output_shape(
        self, shapes: Sequence[tuple[int | None, ...]]
    ) -> list[tuple[int | None, ...]]:
        """The shapes of the features."""
        return list(shapes)

    def get_config(self) -> dict[str, Any]:
        """What makes the layer again."""
        return {**super().get_config(), "days": self.days}


@keras.saving.register_keras_serializable(PACKAGE)
class DateAttention(layers.Layer):
    """The share of each date in what is seen of all, by scores; a date that is missing has none.

    Args:
        dates: Number of dates.
    """

    def __init__(self, dates: int, **settings: Any):
        super().__init__(**settings)
        self.dates = dates

    def call(self, given: Sequence[KerasTensor]) -> KerasTensor:
        """Attention (batch, rows, columns, dates x heads), date after date, of scores (batch, rows,
        columns, heads) of each date, and of the shares of the cells that were observed (batch,
        rows, columns, 1), if any are given. The heads of all dates add up to 1."""
        scores = list(given[: self.dates])
        for place, share in enumerate(given[self.dates :]):
            known = ops.log(ops.maximum(share, ops.cast(TINY, share.dtype)))
            scores[place] += ops.where(share > 0, known, ops.full_like(share, MISSING))
        return ops.concatenate(ops.unstack(ops.softmax(ops.stack(scores), axis=0), self.dates), -1)

    def get_config(self) -> dict[str, Any]:
        """What makes the layer again."""
        return {**super().get_config(), "dates": self.dates}


@keras.saving.register_keras_serializable(PACKAGE)
class AttendedDates(layers.Layer):
    """Features of all dates in one, by attention; each head has its part of the channels.

    Args:
        dates: Number of dates.
    """

    def __init__(self, dates: int, **settings: Any):
        super().__init__(**settings)
        self.dates = dates

    def call(self, given: Sequence[KerasTensor]) -> KerasTensor:
        """Features (batch, rows, columns, channels) of attention (batch, rows, columns, dates x
        heads), the features of each date, and the shares of cells that were observed (batch, rows,
        columns, 1), if any are given: dates get no attention where they are missing."""
        attention, features = given[0], given[1 : 1 + self.dates]
        weights = ops.split(attention, self.dates, axis=-1)
        shares = given[1 + self.dates :]
        if shares:
            weights = [(one + LEAST) * share for one, share in zip(weights, shares, strict=True)]
            total = ops.maximum(sum(weights), ops.cast(TINY, weights[0].dtype))
            weights = [one / total for one in weights]
        repeats = features[0].shape[-1] // weights[0].shape[-1]
        return sum(
            ops.repeat(weight, repeats, axis=-1) * one
            for weight, one in zip(weights, features, strict=True)
        )

    def get_config(self) -> dict[str, Any]:
        """What makes the layer again."""
        return {**super().get_config(), "dates": self.dates}
