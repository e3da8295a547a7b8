# SPDX-License-Identifier: GPL-2.0-or-later
"""Choosing patches that share no cell with each other."""

from __future__ import annotations

import numpy as np

from .candidates import FIT, Examined

NEIGHBOURS = [(down, right) for down in (-1, 0, 1) for right in (-1, 0, 1)]


def spread_fit(examined: Examined, places: np.ndarray, wanted: int, size: int) -> np.ndarray:
    """Indices of good candidates of which no two patches share a cell, the first that do so.

    Taken at random one after the other, patches fill a free area to 56 % at most (the jamming
    limit of squares, Brosilow et al. 1991): if more are wanted, fewer are returned.

    Args:
        examined: The candidates; those that may be taken are examined.
        places: Indices of the candidates to choose from, in order of preference.
        wanted: At most this many are taken.
        size: Edge of a patch in cells.
    """
    positions = examined.candidates.positions
    taken = _Taken(size)
    chosen: list[int] = []
    tried = 0
    while len(chosen) < wanted and tried < len(places):
        # At least as many again as before, so that there are few rounds.
        new = places[tried : tried + max(wanted, tried)]
        tried += len(new)
        new = new[taken.far_from(positions[new])]
        examined.examine(new)
        for place in new[examined.verdicts[new] == FIT].tolist():
            if len(chosen) < wanted and taken.add(*positions[place].tolist()):
                chosen.append(place)
    return np.array(chosen, np.int64)


class _Taken:
    """Patches none of which shares a cell with another.

    In a raster of squares of a patch's size, at most one begins in each square, and those that
    share cells begin in the same square or in neighbours of it.

    Args:
        size: Edge of a patch in cells.
    """

    def __init__(self, size: int):
        self._size = size
        self._by_square: dict[tuple[int, int], tuple[int, int]] = {}

    def add(self, row: int, col: int) -> bool:
        """Take a patch; False if it shares a cell with one that is taken."""
        size = self._size
        square = row // size, col // size
        for down, right in NEIGHBOURS:
            other = self._by_square.get((square[0] + down, square[1] + right))
            if other and abs(other[0] - row) < size and abs(other[1] - col) < size:
                return False
        self._by_square[square] = row, col
        return True

    def far_from(self, positions: np.ndarray) -> np.ndarray:
        """Which patches (n, 2) share no cell with those taken, (n,) bool."""
        free = np.ones(len(positions), bool)
        if not self._by_square:
            return free
        taken = np.array(sorted(self._by_square.items()))[:, 1]
        squares = _keys(taken // self._size)
        for offset in NEIGHBOURS:
            wanted = _keys(positions // self._size + offset)
            place = np.minimum(np.searchsorted(squares, wanted), len(squares) - 1)
            near = (np.abs(taken[place] - positions) < self._size).all(axis=1)
            free &= ~(near & (squares[place] == wanted))
        return free


def _keys(squares: np.ndarray) -> np.ndarray:
    """Numbers in the order of rows and columns (n, 2), which may be -1."""
    return (squares[:, 0] + 1 << 32) + squares[:, 1] + 1
