# SPDX-License-Identifier: GPL-2.0-or-later
"""Layers of temporal attention: a network weights the dates of a series."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import KerasTensor, layers, ops

from .argmax_pooling import PACKAGE
from .dates import LayerOfDates

LONGEST_DAYS = 1000
"""Base of the periods of `WithDays` in days / 2 pi: an upper bound (Garnot and Landrieu 2021)."""

MISSING = -1e4
"""Score of a date without observed cells, whose attention thus is exactly 0 in any precision."""

LEAST = 1e-3
"""Least attention to a date where it was observed, though a coarser cell gave it none."""

TINY = 1e-5


@keras.saving.register_keras_serializable(PACKAGE)
class WithDays(layers.Layer):
    """Positional encoding: adds sines and cosines of the day of each date to its features.

    Source: Vaswani et al. 2017, with days in place of positions.

    Args:
        days: Days from the first date to each.
    """

    def __init__(self, days: Sequence[int], **settings: Any):
        super().__init__(**settings)
        self.days = list(days)

    def call(self, features: Sequence[KerasTensor]) -> list[KerasTensor]:
        """The features (batch, rows, columns, channels) of each date, plus its encoding."""
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
        """The arguments of the layer."""
        return {**super().get_config(), "days": self.days}


@keras.saving.register_keras_serializable(PACKAGE)
class DateAttention(LayerOfDates):
    """Attention to the dates: the softmax of their scores over the dates; a missing date has 0.

    Args:
        dates: Number of dates.
    """

    def call(self, given: Sequence[KerasTensor]) -> KerasTensor:
        """The attention of each head to each date.

        Args:
            given: Scores (batch, rows, columns, heads) of each date, then, if dates may be missing,
                the share of observed cells (batch, rows, columns, 1) of each.

        Returns:
            (batch, rows, columns, dates x heads), date after date; that of a head adds up to 1 over
            the dates.
        """
        scores = list(given[: self.dates])
        for place, share in enumerate(given[self.dates :]):
            known = ops.log(ops.maximum(share, ops.cast(TINY, share.dtype)))
            scores[place] += ops.where(share > 0, known, ops.full_like(share, MISSING))
        return ops.concatenate(ops.unstack(ops.softmax(ops.stack(scores), axis=0), self.dates), -1)


@keras.saving.register_keras_serializable(PACKAGE)
class AttendedDates(LayerOfDates):
    """Mean of the features of all dates, weighted by attention; each head weights its own channels.

    Args:
        dates: Number of dates.
    """

    def call(self, given: Sequence[KerasTensor]) -> KerasTensor:
        """The weighted mean of the features.

        Args:
            given: Attention (batch, rows, columns, dates x heads); features (batch, rows, columns,
                channels) of each date; and, if dates may be missing, the share of observed cells
                (batch, rows, columns, 1) of each: a date gets no attention where it is missing.

        Returns:
            (batch, rows, columns, channels).
        """
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
