# SPDX-License-Identifier: GPL-2.0-or-later
"""Exact tiling: the cores of the tiles join to the network run once over the whole."""

from __future__ import annotations

from ..cell_decision import CellDecision, RowBands
from ..tiling.axis import Axis, Span
from .windows import Windows


def exact_rows(rows: Axis) -> list[Span]:
    """The rows of the output that each step finishes."""
    return [step.core.clipped(rows.wanted) for step in rows.cores]


def exact_bands(windows: Windows, decision: CellDecision, first: int, end: int) -> RowBands:
    """Compute the rows of the output within the frame.

    Args:
        windows: A tiling by `axis.plan_axis`.
        decision: Turns results into row bands.
        first, end: Number of the first step whose rows are wanted, and of the one after the last.

    Yields:
        One row band for each step.
    """
    rows, cols = windows.rows, windows.cols
    band = None
    for tile, result in windows.computed(first, end, lambda step: step.core):
        covered = tile.step.core.clipped(rows.wanted)
        if band is None:
            band = decision.empty(len(covered), len(cols.output))
        if result is not None:
            in_window = covered.relative_to(tile.step.window.start)
            across = tile.across.core.clipped(cols.wanted)
            decision.decide(
                band,
                (slice(None), across.relative_to(cols.output.start)),
                result[in_window, across.relative_to(tile.across.window.start)],
                tile.null[in_window, across.relative_to(cols.input.start)],
            )
        if tile.is_last:
            finished, band = band, None
            yield finished
            del finished
