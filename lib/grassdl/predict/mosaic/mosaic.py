# SPDX-License-Identifier: GPL-2.0-or-later
"""The output as row bands from north to south."""

from __future__ import annotations

from collections.abc import Callable

from ..cell_decision import CellDecision, RowBands
from ..tiling.axis import Axis, Span
from .blending import blended_bands, blended_rows
from .exact import exact_bands, exact_rows
from .windows import Windows

TILINGS: dict[
    str,
    tuple[Callable[[Windows, CellDecision, int, int], RowBands], Callable[[Axis], list[Span]]],
] = {
    "exact": (exact_bands, exact_rows),
    "blend": (blended_bands, blended_rows),
}
"""The ways to join tiles, by the value of the option `tiling`, and the rows that steps finish."""

EMPTY_CELLS = 1_000_000
"""Cells per row band beyond the frame."""


def first_step(rows: Axis, tiling: str, done: int) -> int:
    """Number of the first step that finishes rows after `done` ones."""
    spans = TILINGS[tiling][1](rows)
    next_row = rows.output.start + done
    return next((n for n, span in enumerate(spans) if span.stop > next_row), len(spans))


def row_bands(
    windows: Windows, decision: CellDecision, tiling: str, done: int = 0, stop: int | None = None
) -> RowBands:
    """Compute the output from north to south.

    Memory holds the windows of one row of tiles and their results, however many rows there are.

    Args:
        windows: The tiling of at least one tile, as `tiling.axis` plans it for `tiling`.
        decision: Turns results into row bands.
        tiling: One of `TILINGS`.
        done: Finished rows of an earlier run, which are left out: all of its finished row bands.
        stop: The row at which to stop, where a step ends; None for the last one.

    Yields:
        Row bands that follow each other and cover these rows and all columns of the output; NULL
        where it lies beyond the frame.
    """
    rows, width = windows.rows, len(windows.cols.output)
    bands, _ = TILINGS[tiling]
    height = max(1, EMPTY_CELLS // width)
    stop = len(rows.output) if stop is None else stop
    next_row, last_row = rows.output.start + done, rows.output.start + stop
    yield from decision.empty_bands(min(rows.wanted.start, last_row) - next_row, width, height)
    first, end = first_step(rows, tiling, done), first_step(rows, tiling, stop)
    if first < end:
        yield from bands(windows, decision, first, end)
    yield from decision.empty_bands(last_row - max(rows.wanted.stop, next_row), width, height)
