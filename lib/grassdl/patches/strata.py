# SPDX-License-Identifier: GPL-2.0-or-later
"""Drawing positions from every stratum: a category of a map, or a block of the region."""

from __future__ import annotations

import numpy as np

from ..core.classes import NO_STRATUM
from ..core.readers import CodeReader
from ..core.text import listed
from .candidates import Candidates, distinct
from .window_counts import strips


def draw_from_map(
    strata: CodeReader, rows: np.ndarray, cols: np.ndarray, most: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cells at random from every stratum of a map, without replacement.

    The first pass counts the cells of the strata, the second finds those whose numbers, row by
    row, were drawn. So all cells of a rare stratum can be drawn, and strips may have any height.

    Args:
        strata: Stratum of every cell.
        rows: Rows that cells may lie in, ascending.
        cols: Columns that cells may lie in, ascending.
        most: Most cells to draw, over all strata.
        rng: Source of all randomness.

    Returns:
        Cells (n, 2), for each the index of its stratum among those found, and the strata found.

    Raises:
        ValueError: No cell has a stratum.
    """
    sizes = np.zeros(NO_STRATUM + 1, np.int64)
    for row, codes in strips(strata):
        sizes += np.bincount(_of_cells(row, codes, rows, cols)[1].ravel(), minlength=len(sizes))
    found = np.flatnonzero(sizes[:NO_STRATUM])
    if not found.size:
        raise ValueError(
            "The strata hold no category where patches may lie: check the map and the region"
        )
    each = max(1, most // len(found))
    drawn = [distinct(size, min(size, each), rng) for size in sizes[found].tolist()]
    groups = np.repeat(np.arange(len(found)), [len(one) for one in drawn])
    cells = _cells_of_numbers(strata, rows, cols, found[groups], np.concatenate(drawn))
    return cells, groups, found


def _of_cells(
    row: int, codes: np.ndarray, rows: np.ndarray, cols: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Those of `rows` that lie in a strip, and the codes of its cells in `rows` and `cols`."""
    inside = rows[np.searchsorted(rows, row) : np.searchsorted(rows, row + len(codes))]
    return inside, codes[inside - row][:, cols]


def _cells_of_numbers(
    strata: CodeReader, rows: np.ndarray, cols: np.ndarray, wanted: np.ndarray, numbers: np.ndarray
) -> np.ndarray:
    """The cells (n, 2) that are the `numbers`-th, row by row, of the strata `wanted`."""
    cells = np.empty((len(wanted), 2), np.int64)
    passed = np.zeros(NO_STRATUM + 1, np.int64)
    for row, codes in strips(strata):
        inside, chosen = _of_cells(row, codes, rows, cols)
        chosen = chosen.ravel()
        sizes = np.bincount(chosen, minlength=len(passed))
        local = numbers - passed[wanted]
        here = np.flatnonzero((local >= 0) & (local < sizes[wanted]))
        passed += sizes
        if not here.size:
            continue
        by_stratum = np.argsort(chosen, kind="stable")
        first = np.cumsum(sizes) - sizes
        places = by_stratum[first[wanted[here]] + local[here]]
        cells[here, 0] = inside[places // len(cols)]
        cells[here, 1] = cols[places % len(cols)]
    return cells


def draw_from_blocks(
    rows: np.ndarray, cols: np.ndarray, block_size: int, most: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, list[tuple[int, int]]]:
    """Positions at random from every block, without replacement.

    Args:
        rows: Rows that positions may have, ascending.
        cols: Columns that positions may have, ascending.
        block_size: Edge of a block in cells.
        most: Most positions to draw, over all blocks.
        rng: Source of all randomness.

    Returns:
        Positions (n, 2), for each the index of its block among those that have any, and the
        rows and columns of these blocks.
    """
    down, across = _runs(rows // block_size), _runs(cols // block_size)
    each = max(1, most // (len(down) * len(across)))
    positions, groups = [], []
    blocks: list[tuple[int, int]] = []
    for block_rows in down:
        for block_cols in across:
            width = block_cols.stop - block_cols.start
            possible = (block_rows.stop - block_rows.start) * width
            drawn = distinct(possible, min(possible, each), rng)
            place = block_rows.start + drawn // width, block_cols.start + drawn % width
            groups.append(np.full(len(drawn), len(blocks)))
            positions.append(np.stack([rows[place[0]], cols[place[1]]], axis=-1))
            row, col = (positions[-1][0] // block_size).tolist()
            blocks.append((row, col))
    return np.concatenate(positions), np.concatenate(groups), blocks


def _runs(blocks: np.ndarray) -> list[slice]:
    """Slices of equal numbers."""
    edges = [0, *(np.flatnonzero(np.diff(blocks)) + 1).tolist(), len(blocks)]
    return [slice(a, b) for a, b in zip(edges, edges[1:], strict=False)]


def deal(number: int, strata: int, rng: np.random.Generator) -> np.ndarray:
    """Number of patches of every stratum: equal numbers, the remainder at random."""
    wanted = np.full(strata, number // strata)
    wanted[rng.permutation(strata)[: number % strata]] += 1
    return wanted


def few_note(candidates: Candidates, chosen: np.ndarray) -> str | None:
    """A sentence about the strata with fewer patches than wanted, or None."""
    wanted = candidates.wanted
    given = np.bincount(candidates.groups[chosen], minlength=len(wanted))
    short = np.flatnonzero(given < wanted)
    if not short.size:
        return None
    short_of = [f"{candidates.names[one]} ({given[one]} of {wanted[one]})" for one in short]
    return f"Strata that gave fewer patches than wanted: {listed(short_of)}"
