# SPDX-License-Identifier: GPL-2.0-or-later
"""Row bands out of probabilities that an earlier run wrote, without the network."""

from __future__ import annotations

from ..core.readers import RowReader
from .decision import Decision, RowBands

STRIP_CELLS = 1 << 20
"""Cells that are decided on at a time."""


def stored_bands(reader: RowReader, decision: Decision, done: int = 0) -> RowBands:
    """Decide on stored probabilities from north to south.

    Args:
        reader: The probabilities, a layer for each class.
        decision: What becomes of them.
        done: Rows that are left out.

    Yields:
        Row bands that follow each other and cover the others.
    """
    height = max(1, STRIP_CELLS // reader.cols)
    for row in range(done, reader.rows, height):
        probabilities, null = reader.read(row, min(height, reader.rows - row))
        band = decision.empty(*null.shape)
        decision.decide(band, (slice(None), slice(None)), probabilities, null)
        yield band
