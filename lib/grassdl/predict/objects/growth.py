# SPDX-License-Identifier: GPL-2.0-or-later
"""Objects grow over the border between them: a watershed that is the same for every tiling."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

HIGHEST = 255
"""Highest barrier of a cell."""


def halo_of(reach: int) -> int:
    """Rows around a strip that it depends on when objects grow by `reach` cells."""
    return 2 * reach


def grown(seeds: np.ndarray, codes: np.ndarray, barrier: np.ndarray, reach: int) -> np.ndarray:
    """Assign cells of the border to the objects that reach them over the lowest barrier.

    A cell of the border belongs to the seed with the path to it, of at most `reach` steps over
    cells of its class that share edges, whose highest barrier is the lowest; of several such to
    that with the fewest steps, then to that from the north, west, east and south. This is the
    watershed by flooding as an image foresting transform (Falcao et al. 2004, IEEE TPAMI 26(1),
    doi 10.1109/TPAMI.2004.1261076) with paths of limited length. Such paths may cut each other off:
    cells that are not joined to their seed by `reach` steps within their object belong to none. So
    a cell depends on cells at most `halo_of(reach)` away, and a strip with that many rows around it
    gives the same result as the whole map.

    Args:
        seeds: Number of each cell's object from 1 (rows, cols); 0 for none.
        codes: Class code (rows, cols); of the border that of the class behind it.
        barrier: Probability of border as 1 to HIGHEST (rows, cols) uint8; 0 off the border.
        reach: Steps; 0 returns the seeds.

    Returns:
        Number of each cell's object (rows, cols).
    """
    numbers, cost = seeds, np.where(seeds > 0, 0, HIGHEST + 1).astype(np.int16)
    open_to = (barrier > 0) & (codes > 0)
    for _ in range(reach):
        before, cost_before = numbers, cost
        numbers, cost = before.copy(), cost_before.copy()
        for here, there in _sides():
            way = np.maximum(cost_before[there], barrier[here])
            better = open_to[here] & (codes[here] == codes[there]) & (before[there] > 0)
            better &= way < cost[here]
            numbers[here][better] = before[there][better]
            cost[here][better] = way[better]
    return np.where(_joined(numbers, seeds > 0, reach), numbers, 0)


def _joined(numbers: np.ndarray, seeds: np.ndarray, reach: int) -> np.ndarray:
    """Cells that at most `reach` steps over cells of their own number join to a seed."""
    found = seeds
    for _ in range(reach):
        before, found = found, found.copy()
        for here, there in _sides():
            found[here] |= before[there] & (numbers[here] == numbers[there])
    return found


def _sides() -> Iterator[tuple[tuple[slice, slice], tuple[slice, slice]]]:
    """Cells that have a neighbour in the north, west, east and south, and that neighbour."""
    all_of, but_first, but_last = slice(None), slice(1, None), slice(None, -1)
    yield (but_first, all_of), (but_last, all_of)
    yield (all_of, but_first), (all_of, but_last)
    yield (all_of, but_last), (all_of, but_first)
    yield (but_last, all_of), (but_first, all_of)
