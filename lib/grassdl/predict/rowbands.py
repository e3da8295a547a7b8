# SPDX-License-Identifier: GPL-2.0-or-later
"""The class map, one band of rows after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from .blending import blended_bands
from .decision import Decision, RowBand
from .exact import exact_bands
from .windows import Windows

TILINGS: dict[str, Callable[[Windows, Decision], Iterator[RowBand]]] = {
    "exact": exact_bands,
    "blend": blended_bands,
}
"""The ways to join tiles, by the value of the option `tiling`."""


def row_bands(windows: Windows, decision: Decision, tiling: str) -> Iterator[RowBand]:
    """Compute the output from north to south.

    Memory holds the windows of one row of tiles and their results, however many rows there are.

    Args:
        windows: The tiling of at least one tile, as `tiles` plans it for `tiling`.
        decision: What becomes of the probabilities.
        tiling: One of `TILINGS`.

    Yields:
        Row bands that follow each other and cover all rows and columns of the output; NULL where
        it lies beyond the frame.
    """
    rows, width = windows.rows, len(windows.cols.output)
    height = len(rows.cores[0].core)
    yield from decision.empty_bands(rows.wanted.start - rows.output.start, width, height)
    yield from TILINGS[tiling](windows, decision)
    yield from decision.empty_bands(rows.output.stop - rows.wanted.stop, width, height)
