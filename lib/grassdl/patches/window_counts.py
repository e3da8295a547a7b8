# SPDX-License-Identifier: GPL-2.0-or-later
"""Numbers of cells of every code in square windows: one pass over the region, strip by strip."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..core.integer_tables import distinct
from ..core.readers import CodeReader

STRIP_CELLS = 4_000_000
"""Cells of one map that are read at a time."""

WINDOW_NS = 2000.0
"""Time to count the codes of one window, besides that of its cells, in nanoseconds."""

WINDOW_CELL_NS = 2.0
"""Time to count one cell of a window."""

TABLE_CELL_NS = 3.5
"""Time to enter one cell into a summed-area table."""


def strip_rows(cols: int) -> int:
    """How many rows of `cols` cells to read at a time."""
    return max(1, STRIP_CELLS // max(cols, 1))


def strips(reader: CodeReader) -> Iterator[tuple[int, np.ndarray]]:
    """The first row and the codes of every strip, from top to bottom."""
    step = strip_rows(reader.cols)
    for row in range(0, reader.rows, step):
        yield row, reader.read(row, min(step, reader.rows - row))


def count_codes(
    reader: CodeReader,
    positions: np.ndarray,
    size: int,
    number: int,
    margin: tuple[int, int] = (0, 0),
) -> np.ndarray:
    """Cells of every code by window.

    Every row is read at most once, whatever the order, number and overlap of the windows.

    Args:
        reader: The codes.
        positions: Upper left cells (n, 2) of patches.
        size: Edge of a patch in cells.
        number: Codes below it are counted.
        margin: Rows and columns that the window reaches beyond the patch on each side; windows
            are clipped at the grid's edge.

    Returns:
        (n, number) int32.
    """
    counts = np.zeros((len(positions), number), np.int32)
    order = np.argsort(positions[:, 0], kind="stable")
    tops, bottoms = clipped(positions[order, 0], size, margin[0], reader.rows)
    lefts, rights = clipped(positions[order, 1], size, margin[1], reader.cols)
    step = strip_rows(reader.cols)
    for row in range(0, reader.rows, step):
        stop = min(row + step, reader.rows)
        first, last = bottoms.searchsorted(row, "right"), tops.searchsorted(stop, "left")
        if first == last:
            continue
        part = slice(first, last)
        windows = np.stack([tops, bottoms, lefts, rights], axis=1)[part]
        windows[:, :2] = windows[:, :2].clip(row, stop) - row
        counts[order[part]] += _count_in_strip(reader.read(row, stop - row), windows, number)
    return counts


def clipped(
    starts: np.ndarray, size: int, margin: int, cells: int
) -> tuple[np.ndarray, np.ndarray]:
    """First cells, and cells after the last, of windows along one axis of `cells` cells."""
    return np.maximum(starts - margin, 0), np.minimum(starts + size + margin, cells)


def _count_in_strip(codes: np.ndarray, windows: np.ndarray, number: int) -> np.ndarray:
    """Counts (n, number) in windows (n, 4) of top, bottom, left, right; by the faster method."""
    areas = (windows[:, 1] - windows[:, 0]) * (windows[:, 3] - windows[:, 2])
    by_window = len(windows) * WINDOW_NS + int(areas.sum()) * WINDOW_CELL_NS
    if by_window <= codes.size * TABLE_CELL_NS:
        return _count_by_window(codes, windows, number)
    bits = int(areas.max()).bit_length()
    per_table = 64 // bits
    # Finding the codes that occur takes the time of a table.
    present = distinct(codes) if number > 2 * per_table else np.arange(number)
    present = present[present < number]
    tables = -(-len(present) // per_table)
    if by_window <= tables * codes.size * TABLE_CELL_NS:
        return _count_by_window(codes, windows, number)
    return _count_by_table(codes, windows, number, present, bits)


def _count_by_window(codes: np.ndarray, windows: np.ndarray, number: int) -> np.ndarray:
    counts = np.empty((len(windows), number), np.int32)
    for place, (top, bottom, left, right) in enumerate(windows.tolist()):
        window = codes[top:bottom, left:right].ravel()
        counts[place] = np.bincount(window, minlength=number)[:number]
    return counts


def _count_by_table(
    codes: np.ndarray, windows: np.ndarray, number: int, present: np.ndarray, bits: int
) -> np.ndarray:
    """Counts from summed-area tables (Crow 1984) that hold several codes each.

    A code takes `bits` bits of a cell's 64, enough for the largest window. Sums of the table
    overflow, but unsigned arithmetic is exact modulo 2^64, and what is left of four of them,
    the sum over the window, fits.
    """
    counts = np.zeros((len(windows), number), np.int32)
    top, bottom, left, right = windows.T
    table = np.zeros((codes.shape[0] + 1, codes.shape[1] + 1), np.uint64)
    sums_of_row = np.empty(codes.shape[1], np.uint64)
    per_table = 64 // bits
    for start in range(0, len(present), per_table):
        chosen = present[start : start + per_table]
        shifts = np.arange(len(chosen), dtype=np.uint64) * np.uint64(bits)
        weights = np.zeros(np.iinfo(codes.dtype).max + 1, np.uint64)
        weights[chosen] = np.uint64(1) << shifts
        for row, line in enumerate(codes):
            np.cumsum(weights[line], out=sums_of_row)
            np.add(table[row, 1:], sums_of_row, out=table[row + 1, 1:])
        sums = table[bottom, right] - table[top, right] - table[bottom, left] + table[top, left]
        counts[:, chosen] = sums[:, None] >> shifts & np.uint64(2**bits - 1)
    return counts
