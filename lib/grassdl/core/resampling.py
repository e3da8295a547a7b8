# SPDX-License-Identifier: GPL-2.0-or-later
"""Resampling of a map to another grid, one axis after the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

NEAREST: Final = "nearest"
BILINEAR: Final = "bilinear"
BICUBIC: Final = "bicubic"
AVERAGE: Final = "average"
METHODS = (NEAREST, BILINEAR, BICUBIC, AVERAGE)

SAME = 1e-6
"""Positions and sizes, in cells of the map, that differ by less are equal."""

CLOSED = 0.01
"""Tolerance in cells within which the columns of a map span 360 degrees; such a map has no edge."""


def effective_method(method: str, ratios: tuple[float, float]) -> str:
    """The method that is effective between two grids.

    Interpolation would skip cells where the wanted ones are larger than the map's, so the map is
    averaged there; where they are not larger, the average is replaced by the nearest cell.

    Args:
        method: One of `METHODS`.
        ratios: Height and width of a wanted cell in cells of the map.
    """
    coarser = max(ratios) > 1 + SAME
    if method in (BILINEAR, BICUBIC):
        return AVERAGE if coarser else method
    return method if coarser else NEAREST


@dataclass(frozen=True)
class Axis:
    """The rows, or columns, of a grid in coordinates of a map.

    Attributes:
        offset: Start of the grid, in cells of the map from its first edge.
        ratio: Size of a cell of the grid in cells of the map.
        source_cells: Number of cells of the map.
        around: Period of the positions in cells of the map, 360 degrees of longitude; None if they
            are not periodic.
    """

    offset: float
    ratio: float
    source_cells: int
    around: float | None = None

    def taps(self, method: str, first: int, count: int) -> Taps:
        """The cells of the map, with weights, from which those of the grid are computed.

        Args:
            method: "bilinear", "bicubic" or "average".
        """
        cells = np.arange(first, first + count)
        if method == AVERAGE:
            return self._overlaps(cells)
        centres = self._turned(self.offset + (cells + 0.5) * self.ratio, 0.5)
        inside = (centres >= 0) & (centres <= self.source_cells) | self._is_closed
        place = centres - 0.5
        # Rounding must not change the neighbours of a cell on the map's own grid.
        nearest = np.round(place)
        place = np.where(np.abs(place - nearest) < SAME, nearest, place)
        start = np.floor(place).astype(np.int64)
        part = place - start
        if method == BILINEAR:
            weights, reach = [1 - part, part], (0, 2)
        else:
            weights, reach = _cubic_weights(part), (-1, 3)
        index = start[:, None] + np.arange(*reach)
        return Taps(self._within(index), np.stack(weights, axis=1), inside)

    def _overlaps(self, cells: np.ndarray) -> Taps:
        """The cells of the map, weighted by the length that each shares with a cell of the grid."""
        low = self._turned(self.offset + cells * self.ratio, self.ratio)
        high = low + self.ratio
        start = np.floor(low + SAME).astype(np.int64)
        index = start[:, None] + np.arange(int(np.ceil(self.ratio)) + 1)
        shared = np.minimum(index + 1, high[:, None]) - np.maximum(index, low[:, None])
        covered = (index >= 0) & (index < self.source_cells) | self._is_closed
        weights = np.where(covered, shared, 0)
        weights[weights < SAME] = 0
        return Taps(self._within(index), weights, np.any(weights, axis=1))

    @property
    def _is_closed(self) -> bool:
        """Whether the last cell of the map is the neighbour of the first."""
        return self.around is not None and abs(self.around - self.source_cells) < CLOSED

    def _turned(self, places: np.ndarray, before: float) -> np.ndarray:
        """Positions in cells of the map, wrapped by whole turns to begin `before` cells before
        it."""
        return places if self.around is None else (places + before) % self.around - before

    def _within(self, index: np.ndarray) -> np.ndarray:
        """Indices of cells within the map: the outermost ones are repeated beyond its edge."""
        if self._is_closed:
            return index % self.source_cells
        return index.clip(0, self.source_cells - 1)


def _cubic_weights(part: np.ndarray) -> list[np.ndarray]:
    """Cubic convolution with a = -1/2 (Keys 1981), as r.resamp.interp does it."""
    square, cube = part**2, part**3
    return [
        (-cube + 2 * square - part) / 2,
        (3 * cube - 5 * square + 2) / 2,
        (-3 * cube + 4 * square + part) / 2,
        (cube - square) / 2,
    ]


@dataclass(frozen=True)
class Taps:
    """Cells of a map along one axis, with weights, for each of n cells of a grid.

    Attributes:
        index: Cells of the map (n, k).
        weights: Their weights (n, k).
        inside: Cells of the grid that the map covers, (n,).
    """

    index: np.ndarray
    weights: np.ndarray
    inside: np.ndarray

    @property
    def span(self) -> tuple[int, int]:
        """First cell of the map that is needed, and how many from there."""
        if not self.inside.any():
            return 0, 0
        needed = self.index[self.inside]
        return int(needed.min()), int(needed.max() - needed.min()) + 1


def resample(values: np.ndarray, first_row: int, rows: Taps, cols: Taps, method: str) -> np.ndarray:
    """Values of a map on another grid.

    Interpolation gives NULL where one of the neighbours is NULL, as r.resamp.interp does; the
    outermost cells are repeated at the map's edge, so that no rim is lost. The average is that of
    the cells that are not NULL, weighted by area, as r.resamp.stats -w does it.

    Args:
        values: All columns of the map's rows from `first_row` on, float64, NaN where NULL.
        first_row: The first of these rows.
        rows, cols: As `Axis.taps` gives them.
        method: "bilinear", "bicubic" or "average".

    Returns:
        (rows, columns) float32, NaN where NULL.
    """
    covered = rows.inside[:, None] & cols.inside
    result = np.full(covered.shape, np.nan, np.float32)
    inner = Taps(rows.index[rows.inside] - first_row, rows.weights[rows.inside], rows.inside)
    outer = Taps(cols.index[cols.inside], cols.weights[cols.inside], cols.inside)
    if method == AVERAGE:
        valid = ~np.isnan(values)
        total = _weighted(np.where(valid, values, 0), inner, outer)
        area = _weighted(valid.astype(np.float64), inner, outer)
        found = np.divide(total, area, out=np.full(area.shape, np.nan), where=area > SAME**2)
    else:
        found = _weighted(values, inner, outer)
    result[covered] = found.ravel()
    return result


def _weighted(values: np.ndarray, rows: Taps, cols: Taps) -> np.ndarray:
    across = sum(
        values[:, cols.index[:, k]] * cols.weights[:, k] for k in range(cols.index.shape[1])
    )
    return sum(
        across[rows.index[:, k]] * rows.weights[:, k, None] for k in range(rows.index.shape[1])
    )
