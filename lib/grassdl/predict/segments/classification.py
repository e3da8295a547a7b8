# SPDX-License-Identifier: GPL-2.0-or-later
"""A map of classes by segment: class and segment of every cell are written, five bytes together."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import IO

import numpy as np

from ...core.classes import NULL_INDEX, UNLABELLED_INDEX, ClassScheme
from ...core.readers import RowReader
from ...io.atomic import sync
from ..decision import Decision, RowBand
from .segment_pass import Columns, MapRows, SegmentPass
from .statistics import SegmentSettings, SegmentSums, SegmentTable, columns_of, segment_table

CODES_NAME = "segments.codes"
"""The class of every cell."""


class SegmentClassifier(SegmentPass):
    """Classifies the segments of a map.

    Args:
        segments, folder, done: See `SegmentPass`.
        decision: Decides on probabilities of cells, and on the means of segments.
        settings: How segments get their class.
    """

    sums = len(fields(SegmentSums))

    def __init__(
        self,
        segments: RowReader,
        decision: Decision,
        settings: SegmentSettings,
        folder: Path,
        done: int = 0,
    ):
        super().__init__(segments, folder, done)
        self._decision = decision
        self._settings = settings
        self._codes = self._opened(CODES_NAME, 1)

    @property
    def _files(self) -> list[IO[bytes]]:
        return [self._codes, self._places]

    def sums_of(self, ids: np.ndarray, places: np.ndarray, band: RowBand) -> list[np.ndarray]:
        """See `SegmentPass.sums_of`."""
        assert band.probabilities is not None
        sums = SegmentSums.of_cells(ids, places, band.index, band.probabilities, band.features)
        return list(vars(sums).values())

    def add(self, band: RowBand) -> None:
        """Add the next rows, which hold their probabilities; then they are on disk."""
        super().add(band)
        codes = np.where(band.unclassified, np.uint8(UNLABELLED_INDEX), band.index)
        codes[band.null] = NULL_INDEX
        self._codes.write(codes.data)
        sync(self._codes)

    def result(self, target: ClassScheme) -> tuple[Columns, MapRows]:
        """See `SegmentPass.result`; as `statistics.columns_of` and `row_bands` give them."""
        table = self.table()
        return columns_of(table, target.values), self.row_bands(table)

    def table(self) -> SegmentTable:
        """The segments, when all rows are added."""
        sums = SegmentSums(*self._groups.total())
        return segment_table(sums, self._settings, self._decision.index_of)

    def row_bands(self, table: SegmentTable) -> MapRows:
        """The map by segment from north to south.

        Yields:
            Class index (rows, cols) uint8, and the cells without class (rows, cols): those without
            segment or data, and unclassified ones whose segment has no class either.
        """
        with (self._folder / CODES_NAME).open("rb") as codes:
            for ids, places in self._pieces():
                index_of_place = np.append(table.index_of(ids), np.uint8(NULL_INDEX))
                own = np.fromfile(codes, np.uint8, places.size).reshape(places.shape)
                index = index_of_place[places]
                index = np.where(index == UNLABELLED_INDEX, own, index)
                yield index, (index == NULL_INDEX) | (index == UNLABELLED_INDEX)
