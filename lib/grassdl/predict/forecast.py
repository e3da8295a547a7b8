# SPDX-License-Identifier: GPL-2.0-or-later
"""The number of cells to compute, estimated before the start."""

from __future__ import annotations

import math

import numpy as np

from ..core.readers import NullReader
from .tiling.axis import Axis, Core

SAMPLED_ROWS = 200
"""Rows that are sampled, which takes about a second for any region."""


def cells_with_data(reader: NullReader, rows: Axis, cols: Axis, first: int = 0) -> int:
    """Cells of the windows that are not skipped as empty, estimated from some of their rows.

    Args:
        reader: The bands of the cells `rows.input` by `cols.input`.
        rows, cols: The tiling, as `tiling.axis` plans it.
        first: Number of the first step that is computed.

    Returns:
        The number, extrapolated from a sample of the steps if they are many.
    """
    steps = rows.cores[first:]
    sampled = steps[:: math.ceil(len(steps) / SAMPLED_ROWS) or 1]
    cells = 0
    for step in sampled:
        found = np.zeros(len(cols.cores), bool)
        for row in _some_rows(step, rows, SAMPLED_ROWS // len(sampled)):
            has_data = ~reader.null(row - rows.input.start, 1)[0]
            found |= [has_data[_inside(tile, cols)].any() for tile in cols.cores]
        widths = np.array([len(tile.window) for tile in cols.cores])
        cells += len(step.window) * int(widths[found].sum())
    return round(cells * len(steps) / max(len(sampled), 1))


def _some_rows(step: Core, rows: Axis, number: int) -> list[int]:
    """Some rows of a step, evenly spaced, counted from the frame's first."""
    wanted = step.core.clipped(rows.wanted)
    number = min(number, len(wanted))
    return [wanted.start + (2 * place + 1) * len(wanted) // (2 * number) for place in range(number)]


def _inside(tile: Core, cols: Axis) -> slice:
    return tile.core.clipped(cols.wanted).relative_to(cols.input.start)
