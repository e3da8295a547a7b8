# SPDX-License-Identifier: GPL-2.0-or-later
"""Means over the squares of a region, accumulated row by row."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..dataset.windows import Windows

MOST_SQUARES = 2_000_000
"""Squares whose sums are held in memory."""


@dataclass(frozen=True)
class SquareGrid:
    """Squares without gaps from the upper left corner of a region, as far as whole ones fit.

    Attributes:
        rows, cols: Cells of the region.
        size: Edge of a square in cells.
    """

    rows: int
    cols: int
    size: int

    def check(self) -> None:
        """Refuse a region with no square, or with too many of them.

        Raises:
            ValueError: It has none, or too many.
        """
        if not self.down * self.across:
            raise ValueError(
                f"The region of {self.rows} x {self.cols} cells is smaller than a square of "
                f"{self.size} x {self.size}: use a smaller size, or a larger region (g.region)"
            )
        if self.down * self.across > MOST_SQUARES:
            raise ValueError(
                f"The region holds {self.down * self.across} squares of {self.size} x {self.size} "
                f"cells, at most {MOST_SQUARES} are compared: use a larger size, or a smaller "
                "region (g.region)"
            )

    @property
    def down(self) -> int:
        """Number of rows of squares."""
        return self.rows // self.size

    @property
    def across(self) -> int:
        """Number of columns of squares."""
        return self.cols // self.size

    def touched_by(self, windows: Windows) -> np.ndarray:
        """Which squares (down, across) share cells with windows of the region."""
        touched = np.zeros((self.down, self.across), bool)
        for top, bottom, left, right in windows.edges.tolist():
            rows = slice(top // self.size, -(-bottom // self.size))
            touched[rows, left // self.size : -(-right // self.size)] = True
        return touched


class SquareSums:
    """Sums of some layers over the cells of each square that have data.

    Args:
        grid: The squares.
        layers: Number of layers.

    Attributes:
        cells: Cells with data of each square (down, across).
    """

    def __init__(self, grid: SquareGrid, layers: int):
        self._grid = grid
        self._total = np.zeros((grid.down, grid.across, layers))
        self.cells = np.zeros((grid.down, grid.across), np.int64)

    def add(self, row: int, values: np.ndarray, null: np.ndarray) -> None:
        """Add rows of the region.

        Args:
            row: The first of them.
            values: Of each layer (rows, cols, layers); of any value where `null`.
            null: Cells without data (rows, cols).
        """
        grid = self._grid
        across = np.s_[: grid.down * grid.size - row, : grid.across * grid.size]
        known = ~null[across]
        if row >= grid.down * grid.size or not len(known):
            return
        squares = (row + np.arange(len(known))) // grid.size
        by_square = (len(known), grid.across, grid.size)
        np.add.at(self.cells, squares, known.reshape(by_square).sum(axis=2))
        for layer in range(values.shape[-1]):
            cells = np.where(known, values[..., layer][across], 0.0)
            np.add.at(self._total[..., layer], squares, cells.reshape(by_square).sum(axis=2))

    @property
    def means(self) -> np.ndarray:
        """Mean of each layer over each square (down, across, layers); 0 without data."""
        return self._total / np.maximum(self.cells, 1)[..., None]
