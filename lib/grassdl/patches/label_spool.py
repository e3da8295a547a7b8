# SPDX-License-Identifier: GPL-2.0-or-later
"""The first pass: the label code of every cell, kept in a scratch file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..core.classes import NULL_INDEX, UNLABELLED_INDEX
from ..core.integer_tables import distinct
from ..core.readers import BandReader, CodeReader
from ..runtime.workers import Workers

Ranges = dict[str, tuple[int, int]]
"""Lowest and highest value by map."""


@dataclass(frozen=True)
class CodeSpool:
    """Label codes of all cells of a region in a file, one byte per cell, as a `CodeReader`.

    Attributes:
        path: The file.
        rows, cols: Size of the region in cells.
        index_of: What to read instead of each code of the file, (256,) uint8; None for the codes
            themselves.
    """

    path: Path
    rows: int
    cols: int
    index_of: np.ndarray | None = None

    def read(self, row: int, rows: int) -> np.ndarray:
        """Codes (rows, cols) uint8 of rows `row` to `row + rows`."""
        count = rows * self.cols
        codes = np.fromfile(self.path, np.uint8, count, offset=row * self.cols)
        return (codes if self.index_of is None else self.index_of[codes]).reshape(rows, -1)

    def write(self, row: int, codes: np.ndarray) -> None:
        """Keep the codes (rows, cols) of rows from `row` on."""
        with self.path.open("r+b") as file:
            file.seek(row * self.cols)
            file.write(codes.data)


@dataclass(frozen=True)
class Survey:
    """Reads labels, looks for NULL, and keeps the codes: a `grassdl.runtime.workers.Work`.

    A job is a first row and a number of rows.

    Attributes:
        bands: Cells that are NULL in one of these bands get NULL_INDEX.
        labels: Codes of the same grid; UNLABELLED_INDEX where there is no label.
        spool: Takes the codes.
    """

    bands: BandReader
    labels: CodeReader
    spool: CodeSpool

    def read(self, job: tuple[int, int]) -> tuple[np.ndarray, np.ndarray, Ranges]:
        """Label codes, which cells are NULL, and the ranges of maps whose metadata do not give
        them."""
        return self.labels.read(*job), *self.bands.scan(*job)

    def write(
        self, job: tuple[int, int], cells: tuple[np.ndarray, np.ndarray, Ranges]
    ) -> tuple[int, np.ndarray, int, Ranges]:
        """Keep the codes; how many rows, what labels, how many labelled cells lost to NULL, and
        the ranges."""
        codes, null, ranges = cells
        present, lost = distinct(codes), 0
        if null.any():
            lost = int((codes[null] != UNLABELLED_INDEX).sum())
            codes[null] = NULL_INDEX
        self.spool.write(job[0], codes)
        return len(codes), present[present < NULL_INDEX], lost, ranges


@dataclass(frozen=True)
class Surveyed:
    """What the first pass has found.

    Attributes:
        codes: The label code of every cell, NULL_INDEX where a band is NULL.
        present: Label codes that occur, ascending, also where a band is NULL.
        lost: Labelled cells that are lost because a band is NULL there.
    """

    codes: CodeSpool
    present: np.ndarray
    lost: int


def spool_codes(
    bands: BandReader,
    labels: CodeReader,
    path: Path,
    strip_cells: int,
    workers: Workers,
    progress: Callable[[int], None],
) -> Surveyed:
    """Write the code of every cell to a file: that of its label, NULL or unlabelled.

    Args:
        bands: See `Survey`; it learns the ranges that were found.
        labels: See `Survey`.
        path: File to write.
        strip_cells: Cells to hold at a time, roughly.
        workers: Do it.
        progress: Called with the number of rows done.
    """
    spool = CodeSpool(path, bands.rows, bands.cols)
    path.touch()
    step = max(1, strip_cells // bands.cols)
    jobs = [(row, min(step, bands.rows - row)) for row in range(0, bands.rows, step)]
    done = lost = 0
    present = np.zeros(0, np.int64)
    ranges: Ranges = {}
    for rows, present_there, lost_there, found in workers.run(Survey(bands, labels, spool), jobs):
        done += rows
        present = np.union1d(present, present_there)
        lost += lost_there
        for name, (low, high) in found.items():
            lowest, highest = ranges.get(name, (low, high))
            ranges[name] = min(lowest, low), max(highest, high)
        progress(done)
    bands.learn(ranges)
    return Surveyed(spool, present, lost)
