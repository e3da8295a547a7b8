# SPDX-License-Identifier: GPL-2.0-or-later
"""The first pass: label codes of all cells, and what every candidate patch holds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np

from ..bands import BandReader
from ..classes import NULL_INDEX, UNLABELLED_INDEX

STRIP_CELLS = 4_000_000
"""Cells of one band that are read at a time."""


class LabelReader(Protocol):
    """Label codes of a grid, some rows at a time."""

    def read(self, row: int, rows: int) -> np.ndarray:
        """Codes (rows, cols) uint8 of rows `row` to `row + rows`; cells without class are
        UNLABELLED_INDEX."""


def strip_rows(cols: int, least: int = 1) -> int:
    """How many rows of `cols` cells to read at a time, at least `least`."""
    return max(least, STRIP_CELLS // max(cols, 1))


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


def count_classes(codes: np.ndarray, positions: np.ndarray, size: int, classes: int) -> np.ndarray:
    """Pixels of every class by patch.

    Args:
        codes: Label codes (rows, cols) uint8.
        positions: Upper left cells (n, 2).
        size: Edge of a patch in cells.
        classes: Number of classes.

    Returns:
        (n, classes) int64; cells that are NULL or unlabelled are in none of them.
    """
    counts = np.zeros((len(positions), classes), np.int64)
    for place in np.lexsort((positions[:, 1], positions[:, 0])):
        row, col = positions[place]
        patch = codes[row : row + size, col : col + size]
        counts[place] = np.bincount(patch.ravel(), minlength=classes)[:classes]
    return counts
