# SPDX-License-Identifier: GPL-2.0-or-later
"""Small areas of a class map, given to their largest neighbours."""

from __future__ import annotations

import heapq
from collections.abc import Iterable

import numpy as np


def touching(areas: np.ndarray, small: np.ndarray) -> np.ndarray:
    """Pairs of areas that share an edge of a cell, one of them small at least.

    Args:
        areas: Area of every cell (rows, cols); 0 where there is none.
        small: Whether an area is small, by its number (areas + 1,) bool.

    Returns:
        Different pairs (n, 2) int64, the lower number first, sorted.
    """
    sides = [(areas[:, :-1], areas[:, 1:]), (areas[:-1], areas[1:])]
    pairs = [np.stack([one.ravel(), other.ravel()], axis=-1) for one, other in sides]
    found = np.concatenate(pairs).astype(np.int64)
    found.sort(axis=-1)
    lower, higher = found.T
    kept = (lower != higher) & (lower > 0) & (small[lower] | small[higher])
    return np.unique(found[kept], axis=0)


def merged(
    cells: np.ndarray, classes: np.ndarray, pairs: Iterable[tuple[int, int]], minsize: int
) -> np.ndarray:
    """Give areas of fewer than `minsize` cells to neighbours until none is left.

    The smallest comes first. It goes to the largest of its neighbours and takes its class, whereby
    it joins that one with other neighbours of this class. An area without neighbours stays.

    Args:
        cells: Cells of each area, by its number from 1 (areas + 1,).
        classes: Class of each area; neighbours differ.
        pairs: Neighbours, as `touching` gives them for areas of fewer than `minsize` cells.
        minsize: Least number of cells.

    Returns:
        The area that each area now belongs to, of the classes that this one had (areas + 1,).
    """
    merging = _Merging(cells, classes, pairs)
    queue = [(int(cells[area]), area) for area in merging.neighbours if cells[area] < minsize]
    heapq.heapify(queue)
    while queue:
        size, area = heapq.heappop(queue)
        if merging.owner(area) != area or merging.cells[area] != size:
            continue
        winner = merging.give_away(area)
        if winner is not None and merging.cells[winner] < minsize:
            heapq.heappush(queue, (merging.cells[winner], winner))
    return merging.owners()


class _Merging:
    """Areas that become parts of others: a union-find structure."""

    def __init__(
        self, cells: np.ndarray, classes: np.ndarray, pairs: Iterable[tuple[int, int]]
    ) -> None:
        self.cells = cells.tolist()
        self._classes = classes.tolist()
        self._owner = list(range(len(self.cells)))
        self.neighbours: dict[int, set[int]] = {}
        for one, other in pairs:
            self.neighbours.setdefault(int(one), set()).add(int(other))
            self.neighbours.setdefault(int(other), set()).add(int(one))

    def owner(self, area: int) -> int:
        """The area that an area is part of by now."""
        while self._owner[area] != area:
            self._owner[area] = self._owner[self._owner[area]]
            area = self._owner[area]
        return area

    def owners(self) -> np.ndarray:
        """The owner of every area."""
        return np.array([self.owner(area) for area in range(len(self._owner))])

    def give_away(self, area: int) -> int | None:
        """Give an area to its largest neighbour, which is told; None if it has no neighbour."""
        around = self._around(area)
        if not around:
            return None
        winner = max(around, key=lambda one: (self.cells[one], -one))
        alike = {one for one in around if self._classes[one] == self._classes[winner]}
        for one in (area, *(alike - {winner})):
            self._join(one, winner)
        return winner

    def _around(self, area: int) -> set[int]:
        """The neighbours as they are by now."""
        found = {self.owner(one) for one in self.neighbours.get(area, ())}
        found.discard(area)
        return found

    def _join(self, area: int, winner: int) -> None:
        self._owner[area] = winner
        self.cells[winner] += self.cells[area]
        self.neighbours.setdefault(winner, set()).update(self.neighbours.pop(area, ()))
