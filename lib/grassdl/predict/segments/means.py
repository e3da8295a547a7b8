# SPDX-License-Identifier: GPL-2.0-or-later
"""A map of mean values by segment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ...core.readers import RowReader
from ..value_decision import ValueBand, ValueDecision
from .segment_pass import Columns, MapRows, SegmentPass
from .statistics import SegmentSettings, summed


class SegmentMeans(SegmentPass):
    """Averages values over the segments of a map.

    Args:
        segments, folder, done: See `SegmentPass`.
        decision: Of values.
        settings: Not used for values.
    """

    sums = 4

    def __init__(
        self,
        segments: RowReader,
        decision: ValueDecision,
        settings: SegmentSettings,
        folder: Path,
        done: int = 0,
    ):
        super().__init__(segments, folder, done)

    def sums_of(self, ids: np.ndarray, places: np.ndarray, band: ValueBand) -> list[np.ndarray]:
        """See `SegmentPass.sums_of`: cells, sums of values and squares, and of features."""
        flat, number = places.ravel(), len(ids)
        cells = np.bincount(flat, minlength=number)[:number]
        values = np.stack([band.value, np.square(band.value, dtype=np.float64)], axis=-1)
        features = band.features
        if features is None:
            features = np.empty((*places.shape, 0), np.float32)
        return [ids, cells, summed(flat, number, values), summed(flat, number, features)]

    def result(self, target: Any) -> tuple[Columns, MapRows]:
        """See `SegmentPass.result`: of each segment its cells, mean value and standard deviation,
        and the means of its features."""
        ids, cells, sums, features = self._groups.total()
        mean, square = (sums / cells[:, np.newaxis]).T
        columns = {
            "cat": ids,
            "cells": cells,
            "mean": mean,
            "deviation": np.sqrt(np.maximum(square - mean**2, 0)),
            **{f"feat_{place}": one / cells for place, one in enumerate(features.T, start=1)},
        }
        return columns, self._row_bands(ids, mean.astype(np.float32))

    def _row_bands(self, every: np.ndarray, mean: np.ndarray) -> MapRows:
        for ids, places in self._pieces():
            of_place = np.append(mean[np.searchsorted(every, ids)], np.float32(np.nan))
            values = of_place[places]
            yield values, np.isnan(values)
