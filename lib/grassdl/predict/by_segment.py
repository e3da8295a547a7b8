# SPDX-License-Identifier: GPL-2.0-or-later
"""A map by segment, out of the same row bands as the map by cell.

Two passes: while the row bands are computed, the segments are added up and the class of every
cell is kept, a byte each; then every cell gets the class of its segment.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import Protocol

import numpy as np

from ..classes import NULL_INDEX, UNLABELLED_INDEX
from ..files import sync
from ..groups import GroupTally
from .decision import Decision, RowBand
from .segments import SegmentSettings, SegmentSums, SegmentTable, segment_table

CODES_NAME = "segments.codes"
"""Holds the class of every cell."""

PART_PREFIX = "segments-"
"""What the files of the row bands' sums begin with, before the number of the first row."""

_FIELDS = [one.name for one in fields(SegmentSums)]

STRIP_CELLS = 1 << 20
"""Cells that the second pass holds at a time."""


class SegmentReader(Protocol):
    """Gives rows of a map of segments on the grid of the output."""

    rows: int
    cols: int

    def read(self, row: int, rows: int) -> tuple[np.ndarray, np.ndarray]:
        """Ids (rows, cols) of an integer type, and the cells without segment (rows, cols)."""


class BySegment:
    """Classifies the segments of a map.

    What each row band adds is kept in files of its own, so that a run can be gone on with.

    Args:
        segments: The map of segments.
        decision: What becomes of probabilities; of segments' means as of cells'.
        settings: How segments get their class.
        folder: For the files.
        done: Rows that an earlier run finished; what is there of later ones is dropped.
    """

    def __init__(
        self,
        segments: SegmentReader,
        decision: Decision,
        settings: SegmentSettings,
        folder: Path,
        done: int = 0,
    ):
        self._segments = segments
        self._decision = decision
        self._settings = settings
        self._folder = folder
        self._groups = GroupTally()
        self._row = done
        self._codes = (folder / CODES_NAME).open("ab")
        self._codes.truncate(done * segments.cols)
        for path in sorted(folder.glob(f"{PART_PREFIX}*")):
            if int(path.stem.removeprefix(PART_PREFIX)) < done:
                with np.load(path) as part:
                    self._groups.add(*(part[name] for name in _FIELDS))
            else:
                path.unlink()

    def add(self, band: RowBand) -> None:
        """Add the next rows, which hold their probabilities; then they are on disk."""
        ids, outside = self._segments.read(self._row, len(band.null))
        counted = (band.index, band.probabilities, band.features)
        sums = SegmentSums.of_cells(ids, outside | band.null, *counted)
        self._groups.add(*vars(sums).values())
        with (self._folder / f"{PART_PREFIX}{self._row:010}.npz").open("wb") as part:
            np.savez(part, **vars(sums))
            sync(part)
        codes = np.where(band.unclassified, np.uint8(UNLABELLED_INDEX), band.index)
        codes[band.null] = NULL_INDEX
        self._codes.write(codes.astype(np.uint8).data)
        sync(self._codes)
        self._row += len(codes)

    def close(self) -> None:
        """Close the file."""
        with suppress(OSError):
            self._codes.close()

    def table(self) -> SegmentTable:
        """The segments, when all rows are added."""
        sums = SegmentSums(*self._groups.total())
        return segment_table(sums, self._settings, self._decision.index_of)

    def row_bands(self, table: SegmentTable) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """The map by segment from north to south.

        Yields:
            Class index (rows, cols) uint8, and the cells without class (rows, cols): those without
            segment or data, and those without class that keep it, since their segment has none.
        """
        height = max(1, STRIP_CELLS // self._segments.cols)
        with (self._folder / CODES_NAME).open("rb") as file:
            for row in range(0, self._row, height):
                ids, outside = self._segments.read(row, min(height, self._row - row))
                own = np.fromfile(file, np.uint8, ids.size).reshape(ids.shape)
                index = table.index_of(ids)
                index = np.where(index == UNLABELLED_INDEX, own, index)
                yield index, outside | (own == NULL_INDEX) | (index == UNLABELLED_INDEX)
