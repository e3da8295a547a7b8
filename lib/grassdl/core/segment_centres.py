# SPDX-License-Identifier: GPL-2.0-or-later
"""The centre of each segment of a map: its centroid, or the cell of it that is closest to that.

Memory depends on the number of segments, never on that of cells.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .group_sums import GroupTally, places_of
from .readers import RowReader

STRIP_CELLS = 1 << 20
"""Cells of the map that are read at a time."""


def central_cells(segments: RowReader) -> tuple[np.ndarray, np.ndarray]:
    """The central cell of every segment, by two passes over the map.

    Args:
        segments: Ids, and cells that belong to no segment.

    Returns:
        Ids (segments,) int64, ascending, and row and column (segments, 2) int64 of that cell of
        each which is closest to the mean of its cells' centres; of several the first by row and
        column.
    """
    ids, means = centroids(segments)
    closest = np.full(len(ids), np.inf)
    cells = np.zeros((len(ids), 2), np.int64)
    for row, found, places in _strips(segments):
        rows, cols = np.nonzero(places < len(found))
        where = np.searchsorted(ids, found)[places[rows, cols]]
        own = np.stack([rows + row, cols], axis=-1)
        squares = np.square(own + 0.5 - means[where]).sum(axis=-1)
        order = np.lexsort((squares, where))
        first = order[np.flatnonzero(np.diff(where[order], prepend=-1))]
        nearer = first[squares[first] < closest[where[first]]]
        closest[where[nearer]] = squares[nearer]
        cells[where[nearer]] = own[nearer]
    return ids, cells


def centroids(segments: RowReader) -> tuple[np.ndarray, np.ndarray]:
    """The centroid of every segment.

    Args:
        segments: Ids, and cells that belong to no segment.

    Returns:
        Ids (segments,) int64, ascending, and row and column (segments, 2) of the mean of its cells'
        centres, in cells from the upper left corner.
    """
    tally = GroupTally()
    for row, found, places in _strips(segments):
        rows, cols = np.nonzero(places < len(found))
        where = places[rows, cols]
        weights = (None, rows + row + 0.5, cols + 0.5)
        counts = [np.bincount(where, one, minlength=len(found)) for one in weights]
        tally.add(found.astype(np.int64), np.stack(counts, axis=-1).astype(np.float64))
    ids, sums = tally.total()
    return ids, sums[:, 1:] / sums[:, :1]


def _strips(segments: RowReader) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """First row, ids and the index of each cell's among them, of strips from top to bottom."""
    height = max(1, STRIP_CELLS // segments.cols)
    for row in range(0, segments.rows, height):
        yield row, *places_of(*segments.read(row, min(height, segments.rows - row)))
