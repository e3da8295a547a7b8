# SPDX-License-Identifier: GPL-2.0-or-later
"""The cells of a region that lie in patches, also of another region or resolution."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from .seen import Places


@dataclass(frozen=True)
class Windows:
    """Rectangles of cells of a region.

    Attributes:
        edges: First and last row, first and last column of each (n, 4), last ones exclusive.
        cols: Columns of the region.
    """

    edges: np.ndarray
    cols: int

    @classmethod
    def of(cls, places: Iterable[Places], region: Mapping[str, Any]) -> Windows:
        """The cells whose centres lie in places; places outside the region are dropped."""
        edges = [np.zeros((0, 4), int), *(_edges(one, region) for one in places)]
        return cls(np.concatenate(edges), region["cols"])

    def __len__(self) -> int:
        return len(self.edges)

    def contains(self, row: int, rows: int) -> np.ndarray:
        """Which cells (rows, cols) of rows `row` to `row + rows` lie in one of the windows."""
        found = np.zeros((rows, self.cols), bool)
        here = self.edges[(self.edges[:, 0] < row + rows) & (self.edges[:, 1] > row)]
        for top, bottom, left, right in here.tolist():
            found[max(top - row, 0) : bottom - row, left:right] = True
        return found

    def contains_cells(self, rows: np.ndarray, cols: np.ndarray) -> np.ndarray:
        """Which of some cells (n,), given by row and column, lie in one of the windows."""
        found = np.zeros(len(rows), bool)
        for top, bottom, left, right in self.edges.tolist():
            found |= (rows >= top) & (rows < bottom) & (cols >= left) & (cols < right)
        return found


def _edges(places: Places, region: Mapping[str, Any]) -> np.ndarray:
    half = places.size / 2
    east, north = places.everywhere.T
    rows = [(region["north"] - north + side * half[1]) / region["nsres"] for side in (-1, 1)]
    cols = [(east - region["west"] + side * half[0]) / region["ewres"] for side in (-1, 1)]
    edges = np.ceil(np.stack([*rows, *cols], axis=-1) - 0.5).astype(int)
    edges = np.clip(edges, 0, [region["rows"]] * 2 + [region["cols"]] * 2)
    return edges[(edges[:, 0] < edges[:, 1]) & (edges[:, 2] < edges[:, 3])]
