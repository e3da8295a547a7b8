# SPDX-License-Identifier: GPL-2.0-or-later
"""The first pass: the label of every cell is stored in a scratch file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..core.classes import NO_STRATUM
from ..core.label_codes import CLASS_CODES, LabelCodes
from ..core.readers import BandReader, LabelReader
from ..core.target import ByTarget, Target
from ..runtime.workers import Workers

Ranges = dict[str, tuple[int, int]]
"""Lowest and highest value by map."""


@dataclass(frozen=True)
class CodeSpool:
    """Labels of all cells of a region in a file, as a `LabelReader`.

    Attributes:
        path: The file.
        rows, cols: Size of the region in cells.
        index_of: Label by code of the file, (256,) uint8; None if the codes are the labels.
        coding: How labels are stored in it.
    """

    path: Path
    rows: int
    cols: int
    index_of: np.ndarray | None = None
    coding: LabelCodes = CLASS_CODES

    def read(self, row: int, rows: int) -> np.ndarray:
        """Labels (rows, cols) of rows `row` to `row + rows`."""
        count, offset = rows * self.cols, self._offset(row)
        labels = np.fromfile(self.path, self.coding.dtype, count, offset=offset)
        return (labels if self.index_of is None else self.index_of[labels]).reshape(rows, -1)

    def write(self, row: int, labels: np.ndarray) -> None:
        """Store the labels (rows, cols) of rows from `row` on."""
        with self.path.open("r+b") as file:
            file.seek(self._offset(row))
            file.write(labels.data)

    def sample(self, most: int) -> np.ndarray:
        """Labels of at most `most` cells, every n-th of those that have one."""
        if not self.rows * self.cols:
            return np.zeros(0, self.coding.dtype)
        cells = np.memmap(self.path, self.coding.dtype, "r")
        found = cells[:: -(-len(cells) // most)]
        return np.array(found[self.coding.is_labelled(found)])

    def _offset(self, row: int) -> int:
        return row * self.cols * self.coding.dtype.itemsize


@dataclass(frozen=True)
class CountedLabels:
    """The class of `Target.counted` of every cell, as a `CodeReader`.

    Attributes:
        labels: The labels.
        target: Their target.
    """

    labels: LabelReader
    target: Target

    @property
    def rows(self) -> int:
        """Number of rows."""
        return self.labels.rows

    @property
    def cols(self) -> int:
        """Number of columns."""
        return self.labels.cols

    def read(self, row: int, rows: int) -> np.ndarray:
        """Codes (rows, cols) uint8 of rows `row` to `row + rows`."""
        return self.target.counted_codes(self.labels.read(row, rows))


@dataclass(frozen=True)
class LabelStrata:
    """The same classes as a `StratumReader`: cells without label belong to no stratum.

    Attributes:
        counted: The classes that cells are counted in.
    """

    counted: CountedLabels

    @property
    def rows(self) -> int:
        """Number of rows."""
        return self.counted.rows

    @property
    def cols(self) -> int:
        """Number of columns."""
        return self.counted.cols

    @property
    def categories(self) -> list[str]:
        """Names of the strata."""
        return self.counted.target.counted.labels

    def read(self, row: int, rows: int) -> np.ndarray:
        """Strata (rows, cols) uint16 of rows `row` to `row + rows`."""
        codes = self.counted.read(row, rows)
        return np.where(CLASS_CODES.is_labelled(codes), codes.astype(np.uint16), NO_STRATUM)


_USUAL_STRATA: ByTarget[Callable[[CountedLabels], LabelStrata | None]] = ByTarget(
    classes=lambda _: None, value=LabelStrata
)


def usual_strata(counted: CountedLabels) -> LabelStrata | None:
    """The strata if no map of them is given: ranges of values; None for the blocks."""
    return _USUAL_STRATA.of(counted.target)(counted)


@dataclass(frozen=True)
class Survey:
    """Reads labels, finds NULL, and stores the codes: a `grassdl.runtime.workers.Work`.

    A job is a first row and a number of rows.

    Attributes:
        bands: Cells that are NULL in one of these bands get the code for it.
        labels: Of the same grid.
        spool: Takes the labels.
    """

    bands: BandReader
    labels: LabelReader
    spool: CodeSpool

    def read(self, job: tuple[int, int]) -> tuple[np.ndarray, np.ndarray, Ranges]:
        """Labels, which cells are NULL, and the ranges of maps whose metadata do not give them
        reliably."""
        return self.labels.read(*job), *self.bands.scan(*job)

    def write(
        self, job: tuple[int, int], cells: tuple[np.ndarray, np.ndarray, Ranges]
    ) -> tuple[int, np.ndarray, int, Ranges]:
        """Store the labels; returns the number of rows, the labels that occur, the number of
        labelled cells lost to NULL, and the ranges."""
        labels, null, ranges = cells
        present = self.labels.coding.present(labels)
        lost = self.labels.coding.lost(labels, null)
        self.spool.write(job[0], labels)
        return len(labels), present, lost, ranges


@dataclass(frozen=True)
class Surveyed:
    """The results of the first pass.

    Attributes:
        codes: The label of every cell.
        present: Label codes that occur, ascending, also where a band is NULL.
        lost: Number of labelled cells that are left out because a band is NULL there.
    """

    codes: CodeSpool
    present: np.ndarray
    lost: int

    def sample(self, most: int) -> np.ndarray:
        """See `CodeSpool.sample`."""
        return self.codes.sample(most)


def spool_codes(
    bands: BandReader,
    labels: LabelReader,
    path: Path,
    strip_cells: int,
    workers: Workers,
    progress: Callable[[int], None],
) -> Surveyed:
    """Write the label of every cell to a file, including NULL and unlabelled cells.

    Args:
        bands: See `Survey`; the ranges found are passed to its `learn`.
        labels: See `Survey`.
        path: File to write.
        strip_cells: Cells to hold at a time, roughly.
        workers: The processes that run it.
        progress: Called with the number of rows done.
    """
    spool = CodeSpool(path, bands.rows, bands.cols, coding=labels.coding)
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
