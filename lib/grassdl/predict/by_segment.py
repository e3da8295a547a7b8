# SPDX-License-Identifier: GPL-2.0-or-later
"""A map by segment, out of the same row bands as the map by cell.

Two passes: while the row bands are computed, the segments are added up and the class of every
cell is kept, a byte each; then every cell gets the class of its segment.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Protocol

import numpy as np

from ..classes import NULL_INDEX, UNLABELLED_INDEX
from ..groups import GroupTally
from .decision import Decision, RowBand
from .segments import SegmentSettings, SegmentSums, SegmentTable, segment_table

STRIP_CELLS = 1 << 20
"""Cells that the second pass holds at a time."""


class SegmentReader(Protocol):
    """Gives rows of a map of segments on the grid of the output."""

    rows: int
    cols: int

    def read(self, row: int, rows: int) -> tuple[np.ndarray, np.ndarray]:
        """Ids (rows, cols) of an integer type, and the cells without segment (rows, cols)."""


@dataclass
class BySegment:
    """Classifies the segments of a map.

    Attributes:
        segments: The map of segments.
        decision: What becomes of probabilities; of segments' means as of cells'.
        settings: How segments get their class.
        codes: A scratch file for the classes of cells.
    """

    segments: SegmentReader
    decision: Decision
    settings: SegmentSettings
    codes: Path
    _groups: GroupTally = field(init=False, default_factory=GroupTally)
    _file: BinaryIO = field(init=False)
    _row: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self._file = self.codes.open("wb")

    def add(self, band: RowBand) -> None:
        """Add the next rows, which hold their probabilities."""
        ids, outside = self.segments.read(self._row, len(band.null))
        sums = SegmentSums.of_cells(ids, outside | band.null, band.index, band.probabilities)
        self._groups.add(*vars(sums).values())
        codes = np.where(band.unclassified, np.uint8(UNLABELLED_INDEX), band.index)
        codes[band.null] = NULL_INDEX
        self._file.write(codes.astype(np.uint8).data)
        self._row += len(codes)

    def watched(self, bands: Iterable[RowBand]) -> Iterator[RowBand]:
        """The bands as they are, each added before it is passed on."""
        for band in bands:
            self.add(band)
            yield band

    def table(self) -> SegmentTable:
        """The segments, when all rows are added."""
        self._file.close()
        return segment_table(
            SegmentSums(*self._groups.total()), self.settings, self.decision.index_of
        )

    def row_bands(self, table: SegmentTable) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """The map by segment from north to south.

        Yields:
            Class index (rows, cols) uint8, and the cells without class (rows, cols): those without
            segment or data, and those without class that keep it, since their segment has none.
        """
        height = max(1, STRIP_CELLS // self.segments.cols)
        with self.codes.open("rb") as file:
            for row in range(0, self._row, height):
                ids, outside = self.segments.read(row, min(height, self._row - row))
                own = np.fromfile(file, np.uint8, ids.size).reshape(ids.shape)
                index = table.index_of(ids)
                index = np.where(index == UNLABELLED_INDEX, own, index)
                yield index, outside | (own == NULL_INDEX) | (index == UNLABELLED_INDEX)
