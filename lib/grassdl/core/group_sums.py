# SPDX-License-Identifier: GPL-2.0-or-later
"""Sums over groups of cells, such as segments, from parts that are added one after the other.

Memory depends on the number of groups, never on that of cells.
"""

from __future__ import annotations

import numpy as np

from .integer_tables import distinct_places

FEWEST_WAITING = 1 << 16
"""Rows of parts that may always wait to be summed."""


def places_of(ids: np.ndarray, outside: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The groups (int64, ascending) of some cells, and the index of each cell's among them.

    Args:
        ids: Group of each cell, of any shape and an integer type.
        outside: Cells that belong to none, of the same shape; their index is one past the last.
    """
    if not outside.any():
        found, places = distinct_places(ids.ravel())
        return found, places.reshape(ids.shape)
    inside = ~outside
    found, place = distinct_places(ids[inside])
    places = np.full(ids.shape, len(found))
    places[inside] = place
    return found, places


class GroupTally:
    """Sums the rows of parts that belong to the same group.

    Parts wait until they have as many rows as the total. So each row is summed a few times only,
    and memory holds about three times the rows of the result.
    """

    def __init__(self) -> None:
        self._parts: list[tuple[np.ndarray, ...]] = []
        self._total_rows = 0
        self._waiting_rows = 0

    def add(self, ids: np.ndarray, *columns: np.ndarray) -> None:
        """Add a part: ids (groups,) and what is summed for each of them (groups, ...)."""
        self._parts.append((ids, *columns))
        self._waiting_rows += len(ids)
        if self._waiting_rows > max(FEWEST_WAITING, self._total_rows):
            self.total()

    def total(self) -> tuple[np.ndarray, ...]:
        """The ids (groups,), ascending, and the sums of each column (groups, ...) of at least one
        part."""
        ids, *columns = map(np.concatenate, zip(*self._parts, strict=True))
        order = np.argsort(ids, kind="stable")
        ids, *columns = (column[order] for column in (ids, *columns))
        if len(ids):
            first = np.flatnonzero(np.append(True, ids[1:] != ids[:-1]))
            ids, columns = ids[first], [np.add.reduceat(one, first) for one in columns]
        self._parts = [(ids, *columns)]
        self._total_rows, self._waiting_rows = len(ids), 0
        return self._parts[0]
