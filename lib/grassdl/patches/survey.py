# SPDX-License-Identifier: GPL-2.0-or-later
"""The first pass: the label code of every cell, kept in a scratch file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..bands import BandReader
from ..classes import NULL_INDEX, UNLABELLED_INDEX
from .counting import CodeReader


@dataclass(frozen=True)
class CodeSpool:
    """Label codes of all cells of a region in a file, one byte per cell, as a `CodeReader`.

    Attributes:
        path: The file.
        rows, cols: Size of the region in cells.
    """

    path: Path
    rows: int
    cols: int

    def read(self, row: int, rows: int) -> np.ndarray:
        """Codes (rows, cols) uint8 of rows `row` to `row + rows`."""
        count = rows * self.cols
        return np.fromfile(self.path, np.uint8, count, offset=row * self.cols).reshape(rows, -1)


def spool_codes(
    bands: BandReader,
    labels: CodeReader,
    path: Path,
    strip_cells: int,
    progress: Callable[[int], None],
) -> tuple[CodeSpool, int]:
    """Write the label code of every cell to a file: class index, NULL or unlabelled.

    Args:
        bands: Cells that are NULL in one of these bands get NULL_INDEX.
        labels: Class indices of the same grid; UNLABELLED_INDEX where there is none.
        path: File to write.
        strip_cells: Cells to hold at a time, roughly.
        progress: Called with the number of rows done.

    Returns:
        The codes, and how many labelled cells are lost because a band is NULL there.
    """
    step = max(1, strip_cells // bands.cols)
    lost = 0
    with path.open("wb") as file:
        for row in range(0, bands.rows, step):
            rows = min(step, bands.rows - row)
            codes = labels.read(row, rows)
            null = bands.null(row, rows)
            if null.any():
                lost += int((codes[null] != UNLABELLED_INDEX).sum())
                codes[null] = NULL_INDEX
            file.write(codes.data)
            progress(row + rows)
    return CodeSpool(path, bands.rows, bands.cols), lost
