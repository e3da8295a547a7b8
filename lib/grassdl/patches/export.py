# SPDX-License-Identifier: GPL-2.0-or-later
"""The second pass: patches are written into the dataset, one strip of rows after the other."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from ..core.readers import BandReader, LabelReader
from ..dataset.footprints import Footprint, write_footprints
from ..dataset.manifest import SPLITS, Manifest
from ..dataset.writer import PatchSetWriter, WrittenPart
from ..io.folders import check_disk
from ..runtime.workers import Workers
from .plan import Plan


@dataclass(frozen=True)
class StripJob:
    """Patches that lie in one strip of rows, in the order of their rows.

    Attributes:
        positions: Upper left cells (n, 2).
        splits: Index in `SPLITS` (n,).
        first: Index of the strip's first patch in each split, (3,).
        folds: Fold (n,) uint8; 0 for none.
    """

    positions: np.ndarray
    splits: np.ndarray
    first: np.ndarray
    folds: np.ndarray

    @property
    def top(self) -> int:
        """The strip's first row."""
        return int(self.positions[0, 0])

    def bottom(self, size: int) -> int:
        """The row after the strip's last, for patches of some size."""
        return int(self.positions[-1, 0]) + size


@dataclass(frozen=True)
class PatchCutter:
    """Cuts patches and writes them, strip by strip: a `grassdl.runtime.workers.Work`.

    Attributes:
        reader: The bands of the grid.
        labels: Of the same grid.
        writer: Takes the patches.
        strip_cells: Cells in memory at once, of a strip and of its patches, which may
            overlap; a strip has the rows of a patch at least.
    """

    reader: BandReader
    labels: LabelReader
    writer: PatchSetWriter
    strip_cells: int

    def read(self, job: StripJob) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """The maps and the labels of a strip."""
        rows = job.bottom(self.writer.size) - job.top
        return self.reader.planes(job.top, rows), self.labels.read(job.top, rows)

    def write(
        self, job: StripJob, strip: tuple[dict[str, np.ndarray], np.ndarray]
    ) -> list[WrittenPart]:
        """Cut the patches of a strip and write them."""
        size, (planes, every_label) = self.writer.size, strip
        # The cells that are NULL are known from the first pass.
        values = self.reader.stack(planes, self.labels.coding.is_null(every_label))
        parts, first = [], job.first.copy()
        for place, positions, folds in self._portions(job):
            corners = positions - (job.top, 0)
            images = _cut(values, corners, size)
            labels = self.writer.target.only_labelled(_cut(every_label, corners, size))
            split, place_in_split = SPLITS[place], int(first[place])
            parts.append(self.writer.write(split, place_in_split, positions, images, labels, folds))
            first[place] += len(positions)
        return parts

    def _portions(self, job: StripJob) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
        """Split, positions and folds of runs of patches that are cut at once."""
        step = max(1, self.strip_cells // self.writer.size**2)
        for place in range(len(SPLITS)):
            members = np.flatnonzero(job.splits == place)
            for start in range(0, len(members), step):
                run = members[start : start + step]
                yield place, job.positions[run], job.folds[run]


def _cut(cells: np.ndarray, corners: np.ndarray, size: int) -> np.ndarray:
    """Squares (n, size, size, ...) of an array (rows, cols, ...) by their upper left cells."""
    cut = np.empty((len(corners), size, size, *cells.shape[2:]), cells.dtype)
    for place, (row, col) in enumerate(corners):
        cut[place] = cells[row : row + size, col : col + size]
    return cut


def strip_jobs(cutter: PatchCutter, plan: Plan) -> list[StripJob]:
    """The plan's patches, which are sorted by row, by strip."""
    rows = plan.positions[:, 0]
    step = max(1, cutter.strip_cells // cutter.reader.cols - cutter.writer.size + 1)
    jobs, start = [], 0
    first = np.zeros(len(SPLITS), np.int64)
    while start < len(rows):
        stop = int(np.searchsorted(rows, rows[start] + step))
        members = slice(start, stop)
        of_patches = plan.positions[members], plan.splits[members]
        jobs.append(StripJob(*of_patches, first, plan.folds[members]))
        first = first + np.bincount(plan.splits[members], minlength=len(SPLITS))
        start = stop
    return jobs


def expected_seconds(cutter: PatchCutter, plan: Plan, nprocs: int) -> float:
    """Expected time of the export, from a trial with the strip in the middle.

    Args:
        cutter: The trial is written to the folder of its writer.
        plan: The patches.
        nprocs: How many processes will cut.
    """
    jobs = strip_jobs(cutter, plan)
    trial = jobs[len(jobs) // 2]
    cutter.writer.folder.mkdir()
    cutter.writer.create()
    begin = time.perf_counter()
    cutter.write(trial, cutter.read(trial))
    per_patch = (time.perf_counter() - begin) / len(trial.positions)
    return per_patch * len(plan.positions) / min(nprocs, len(jobs))


def write_dataset(
    cutter: PatchCutter, plan: Plan, workers: Workers, progress: Callable[[int], None]
) -> Manifest:
    """Write patches, manifest and footprints.

    Args:
        cutter: Cuts and writes the patches.
        plan: The patches.
        workers: The processes that run it.
        progress: Called with the number of patches done.

    Raises:
        ValueError: The disk has too little free space.
    """
    writer, export = cutter.writer, cutter.writer.export
    check_disk(writer.folder.parent, writer.bytes_needed, "the dataset")
    writer.create()
    results = workers.run(cutter, strip_jobs(cutter, plan))
    _, labelled_edge = writer.target.labelled_part(export.size)
    footprints = _footprints(plan, labelled_edge)
    write_footprints(
        writer.folder, footprints, writer.target.counted, export.size, export.region, export.crs
    )
    parts, done = [], 0
    for written in results:
        parts += written
        done += sum(len(part.digests) for part in written)
        progress(done)
    return writer.finish(parts)


def _footprints(plan: Plan, labelled_edge: int) -> list[Footprint]:
    shares = plan.counts / labelled_edge**2
    index = np.zeros(len(SPLITS), np.int64)
    footprints = []
    patches = zip(plan.positions, plan.splits, shares, plan.folds, strict=True)
    for (row, col), split, share, fold in patches:
        place = SPLITS[split], int(index[split]), int(row), int(col)
        footprints.append(Footprint(*place, share, int(fold)))
        index[split] += 1
    return footprints
