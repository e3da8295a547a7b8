# SPDX-License-Identifier: GPL-2.0-or-later
"""Matches each band to the training's mean and deviation, for imagery unlike the training's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np

from ..core.band_statistics import BandStatistics
from ..core.bands import Band
from ..core.dates import present_cells, shared_statistics
from ..core.readers import RowReader, empty_layers
from ..model.card import ModelCard
from .tiling.axis import Axis

STRIP_CELLS = 1_000_000
"""Cells that are read together for the statistics."""


def statistics_of(
    bands: Sequence[Band], reader: RowReader, rows: Axis, cols: Axis
) -> list[BandStatistics]:
    """Statistics of each band over the cells of the output that have data in all bands; of a series
    at the band's date.

    Args:
        bands: The bands.
        reader: Their cells `rows.input` by `cols.input`.
        rows, cols: The tiling, as `tiling.axis` plans it.

    Raises:
        ValueError: No cell has data.
    """
    inside = rows.wanted.relative_to(rows.input.start)
    across = cols.wanted.relative_to(cols.input.start)
    step = max(1, STRIP_CELLS // reader.cols)
    strips = range(inside.start, inside.stop, step)
    parts = [
        _of_strip(bands, *reader.read(row, min(step, inside.stop - row)), across) for row in strips
    ]
    found = [reduce(BandStatistics.merge, band) for band in zip(*parts, strict=True)]
    if not any(one.count for one in found):
        raise ValueError("No cell of the region has data in all bands: nothing to classify")
    return found


def _of_strip(
    bands: Sequence[Band], values: np.ndarray, null: np.ndarray, across: slice
) -> list[BandStatistics]:
    values, known = values[:, across], ~null[:, across]
    runs = present_cells(bands, values, known)
    return [BandStatistics.of(band) for run, there in runs for band in values[there][:, run].T]


@dataclass(frozen=True)
class Adjustment:
    """Linear change of each band that gives it the training's mean and deviation.

    (value - mean of the maps) / deviation of the maps * deviation of the model + mean of the model,
    of which the network's first layer makes (value - mean of the maps) / deviation of the maps.

    Attributes:
        names: Names of the bands.
        mean, deviation: Of the maps, (bands,) float64.
        model_mean, model_deviation: Of the training, (bands,) float64.
    """

    names: list[str]
    mean: np.ndarray
    deviation: np.ndarray
    model_mean: np.ndarray
    model_deviation: np.ndarray

    @classmethod
    def of(
        cls, card: ModelCard, names: Sequence[str], statistics: Sequence[BandStatistics]
    ) -> Adjustment:
        """The adjustment of bands of these names and statistics to a model.

        Raises:
            ValueError: A band has the same value everywhere.
        """
        for name, one in zip(names, statistics, strict=True):
            if not one.deviation:
                raise ValueError(
                    f"Band <{name}> has the value {one.minimum:g} in all of the region: "
                    "normalization=maps needs values that differ; enlarge the region or leave it "
                    "out"
                )
        return cls(
            list(names),
            np.array([one.mean for one in statistics]),
            np.array([one.deviation for one in statistics]),
            np.array(card.mean),
            np.array(card.deviation),
        )

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Values (rows, cols, bands) as they would be in the training's imagery, float32."""
        adjusted = empty_layers(values.shape, np.float32)
        scale = self.model_deviation / self.deviation
        for place in range(len(self.names)):
            # In float32 a band of small deviation far from 0 would lose its last digits.
            band = values[..., place].astype(np.float64)
            band -= self.mean[place]
            band *= scale[place]
            band += self.model_mean[place]
            adjusted[..., place] = band
        return adjusted

    def lines(self) -> list[str]:
        """A line per band for the user and the history of the maps."""
        figures = zip(
            self.names, self.mean, self.deviation, self.model_mean, self.model_deviation,
            strict=True,
        )  # fmt: skip
        return [
            f"Band {name}: mean {mean:.6g} and deviation {deviation:.6g} of the maps matched to "
            f"{model_mean:.6g} and {model_deviation:.6g} of the model"
            for name, mean, deviation, model_mean, model_deviation in figures
        ]


@dataclass(frozen=True)
class AdjustedReader:
    """A `RowReader` whose values are adjusted."""

    reader: RowReader
    adjustment: Adjustment

    @property
    def rows(self) -> int:
        """See `RowReader`."""
        return self.reader.rows

    @property
    def cols(self) -> int:
        """See `RowReader`."""
        return self.reader.cols

    @property
    def dtype(self) -> np.dtype:
        """See `RowReader`."""
        return np.dtype(np.float32)

    def read(self, row: int, rows: int) -> tuple[np.ndarray, np.ndarray]:
        """See `RowReader.read`; values where NULL have no meaning."""
        values, null = self.reader.read(row, rows)
        return self.adjustment(values), null


def adjusted(
    reader: RowReader,
    names: Sequence[str],
    card: ModelCard,
    rows: Axis,
    cols: Axis,
    report: Callable[[str], None],
) -> AdjustedReader:
    """Bands brought to the mean and deviation of a model's training.

    Args:
        reader: The bands of the cells `rows.input` by `cols.input`.
        names: Their names.
        card: Card of the model.
        rows, cols: The tiling, as `tiling.axis` plans it.
        report: Takes a line per band.

    Raises:
        ValueError: No cell has data, or a band has the same value everywhere.
    """
    statistics = shared_statistics(card.bands, statistics_of(card.bands, reader, rows, cols))
    adjustment = Adjustment.of(card, names, statistics)
    for line in adjustment.lines():
        report(line)
    return AdjustedReader(reader, adjustment)
