# SPDX-License-Identifier: GPL-2.0-or-later
"""Connected areas of maps that are read in strips of rows: cells of one code that share an edge."""

from __future__ import annotations

import numpy as np

from .integer_tables import distinct


class ConnectedAreas:
    """Connected areas of a map that is read in strips from top to bottom.

    An area has a number in every strip; the numbers of areas that touch across strips are joined at
    the end. So memory depends on the number of areas and the width, not on the height.
    """

    def __init__(self) -> None:
        self._last_numbers: np.ndarray | None = None
        self._last_codes: np.ndarray
        self._sizes: list[np.ndarray] = []
        self._joins: list[np.ndarray] = []
        self._number = 0

    def add(self, codes: np.ndarray) -> np.ndarray:
        """Number the areas of the next strip (rows, cols), a mask or codes.

        Returns:
            Numbers (rows, cols) int64, counted from 1 over all strips; 0 where the code is 0.
        """
        from scipy.ndimage import label

        numbers = np.zeros(codes.shape, np.int64)
        for code in distinct(codes):
            if not code:
                continue
            own = codes == code
            found, count = label(own, output=np.int64)
            self._sizes.append(np.bincount(found.ravel(), minlength=count + 1)[1:])
            numbers[own] = found[own] + self._number
            self._number += count
        if self._last_numbers is not None:
            touching = (self._last_codes == codes[0]) & (codes[0] > 0)
            pairs = np.stack([self._last_numbers[touching], numbers[0][touching]], axis=1)
            self._joins.append(np.unique(pairs, axis=0))
        self._last_numbers, self._last_codes = numbers[-1], codes[-1]
        return numbers

    def finish(self) -> tuple[np.ndarray, np.ndarray]:
        """The area (from 0 on) of every number (from 1 on), and the cells of every area."""
        joins = np.concatenate([np.zeros((0, 2), np.int64), *self._joins]) - 1
        area_of = joined(self._number, joins)
        cells = np.concatenate([np.zeros(0, np.int64), *self._sizes])
        areas = int(area_of.max()) + 1 if len(area_of) else 0
        return area_of, np.bincount(area_of, cells, minlength=areas).astype(np.int64)


def joined(number: int, pairs: np.ndarray) -> np.ndarray:
    """The component (from 0 on) of each of some things that are joined by pairs (n, 2),
    (number,)."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    ones = np.ones(len(pairs), bool)
    graph = coo_array((ones, (pairs[:, 0], pairs[:, 1])), shape=(number, number))
    group_of: np.ndarray = connected_components(graph, directed=False)[1]
    return group_of
