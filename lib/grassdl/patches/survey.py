# SPDX-License-Identifier: GPL-2.0-or-later
"""The first pass: label codes of all cells."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np

from ..bands import BandReader
from ..classes import NULL_INDEX, UNLABELLED_INDEX
from .counting import strip_rows


class LabelReader(Protocol):
    """Label codes of a grid, some rows at a time."""

    def read(self, row: int, rows: int) -> np.ndarray:
        """Codes (rows, cols) uint8 of rows `row` to `row + rows`; cells without class are
        UNLABELLED_INDEX."""


class CodeArray:
    """Codes that lie in an array, in memory or mapped from a file.

    Args:
        codes: (rows, cols), uint8 or uint16.
    """

    def __init__(self, codes: np.ndarray):
        self.codes = codes
        self.rows, self.cols = codes.shape

    def read(self, row: int, rows: int) -> np.ndarray:
        """See `CodeReader.read`."""
        return np.ascontiguousarray(self.codes[row : row + rows])


def spool_codes(
    bands: BandReader, labels: LabelReader, spool: Path, progress: Callable[[int], None]
) -> tuple[np.ndarray, int]:
    """Write the label code of every cell to a file: class index, NULL or unlabelled.

    Args:
        bands: Cells that are NULL in one of these bands get NULL_INDEX.
        labels: Class indices of the same grid.
        spool: File to write, one byte per cell.
        progress: Called with the number of rows done.

    Returns:
        The codes (rows, cols) uint8, memory-mapped read-only, and how many labelled cells are
        lost because a band is NULL there.
    """
    step = strip_rows(bands.cols)
    lost = 0
    with spool.open("wb") as file:
        for row in range(0, bands.rows, step):
            rows = min(step, bands.rows - row)
            codes = labels.read(row, rows)
            _, null = bands.read(row, rows)
            lost += int((codes[null] != UNLABELLED_INDEX).sum())
            codes[null] = NULL_INDEX
            file.write(codes.data)
            progress(row + rows)
    return np.memmap(spool, np.uint8, "r", shape=(bands.rows, bands.cols)), lost
