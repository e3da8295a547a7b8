# SPDX-License-Identifier: GPL-2.0-or-later
"""Exact tiling: the cores of the tiles join to the network run once over the whole."""

from __future__ import annotations

from collections.abc import Iterator

from .decision import Decision, RowBand
from .windows import Windows


def exact_bands(windows: Windows, decision: Decision) -> Iterator[RowBand]:
    """Compute the rows of the output that the frame has.

    Args:
        windows: A tiling by `tiles.plan_axis`.
        decision: What becomes of the probabilities.

    Yields:
        One row band for each row of tiles.
    """
    rows, cols = windows.rows, windows.cols
    for step in rows.cores:
        covered = step.core.clipped(rows.wanted)
        in_window = covered.relative_to(step.window.start)
        band = decision.empty(len(covered), len(cols.output))
        values, null = windows.read(step)
        for tile in cols.cores:
            across = tile.core.clipped(cols.wanted)
            core_null = null[in_window, across.relative_to(cols.input.start)]
            if core_null.all():
                continue
            result = windows.compute(values, step, tile)
            place = (slice(None), across.relative_to(cols.output.start))
            core = result[in_window, across.relative_to(tile.window.start)]
            decision.decide(band, place, core, core_null)
        yield band
