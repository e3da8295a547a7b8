# SPDX-License-Identifier: GPL-2.0-or-later
"""A map by segment, out of the same row bands as the map by cell.

Two passes: while the row bands are computed, the segments are added up, and class and segment of
every cell are written, five bytes together; then every cell gets the class of its segment.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import fields
from pathlib import Path

import numpy as np

from ...core.classes import NULL_INDEX, UNLABELLED_INDEX
from ...core.group_sums import GroupTally, places_of
from ...core.readers import RowReader
from ...io.atomic import open_cut, sync
from ...io.npy_files import read_npy
from ...io.resume import START_ANEW
from ..decision import Decision, RowBand
from .statistics import SegmentSettings, SegmentSums, SegmentTable, columns_of, segment_table

CODES_NAME = "segments.codes"
"""The class of every cell."""

PLACES_NAME = "segments.places"
"""The place of every cell's segment among those of its row band."""

_PLACE = np.dtype(np.int32)

PART_PREFIX = "segments-"
"""What the files of the row bands' sums begin with, before the number of the first row."""

PART_SUFFIX = ".npy"
"""What they end with: names of maps, whose rows lie in the same folder, may begin like theirs."""

STRIP_CELLS = 1 << 20
"""Cells that the second pass holds at a time."""


class SegmentClassifier:
    """Classifies the segments of a map.

    What each row band adds is written to files of its own, so that a run can be resumed.

    Args:
        segments: The map of segments.
        decision: What becomes of probabilities; of segments' means as of cells'.
        settings: How segments get their class.
        folder: For the files.
        done: Rows that an earlier run finished; what is there of later ones is dropped.
    """

    def __init__(
        self,
        segments: RowReader,
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
        self._codes = open_cut(folder / CODES_NAME, done * segments.cols)
        self._places = open_cut(folder / PLACES_NAME, done * segments.cols * _PLACE.itemsize)
        for row, path in self._parts():
            if row < done:
                self._groups.add(*_arrays(path, len(fields(SegmentSums))))
            else:
                path.unlink()

    def add(self, band: RowBand) -> None:
        """Add the next rows, which hold their probabilities; then they are on disk."""
        ids, outside = self._segments.read(self._row, len(band.null))
        assert band.probabilities is not None
        found, places = places_of(ids, outside | band.null)
        sums = SegmentSums.of_cells(found, places, band.index, band.probabilities, band.features)
        self._groups.add(*vars(sums).values())
        with (self._folder / f"{PART_PREFIX}{self._row:010}{PART_SUFFIX}").open("wb") as part:
            for values in vars(sums).values():
                np.save(part, values)
            sync(part)
        codes = np.where(band.unclassified, np.uint8(UNLABELLED_INDEX), band.index)
        codes[band.null] = NULL_INDEX
        self._codes.write(codes.data)
        sync(self._codes)
        self._places.write(places.astype(_PLACE).data)
        sync(self._places)
        self._row += len(codes)

    def close(self) -> None:
        """Close the files."""
        for file in (self._codes, self._places):
            with suppress(OSError):
                file.close()

    def result(
        self, values: np.ndarray
    ) -> tuple[dict[str, np.ndarray], Iterator[tuple[np.ndarray, np.ndarray]]]:
        """The table of the segments, when all rows are added, and the map by segment.

        Args:
            values: Class values by class index.

        Returns:
            As `statistics.columns_of` and `row_bands` give them.
        """
        table = self.table()
        return columns_of(table, values), self.row_bands(table)

    def table(self) -> SegmentTable:
        """The segments, when all rows are added."""
        sums = SegmentSums(*self._groups.total())
        return segment_table(sums, self._settings, self._decision.index_of)

    def row_bands(self, table: SegmentTable) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """The map by segment from north to south.

        Yields:
            Class index (rows, cols) uint8, and the cells without class (rows, cols): those without
            segment or data, and unclassified ones whose segment has no class either.
        """
        height = max(1, STRIP_CELLS // self._segments.cols)
        parts = self._parts()
        ends = [row for row, _ in parts[1:]] + [self._row]
        with (
            (self._folder / CODES_NAME).open("rb") as codes,
            (self._folder / PLACES_NAME).open("rb") as places,
        ):
            for (first, path), end in zip(parts, ends, strict=True):
                (ids,) = _arrays(path, 1)
                index_of_place = np.append(table.index_of(ids), np.uint8(NULL_INDEX))
                for row in range(first, end, height):
                    shape = min(height, end - row), self._segments.cols
                    own = np.fromfile(codes, np.uint8, shape[0] * shape[1])
                    index = index_of_place[np.fromfile(places, _PLACE, own.size)]
                    index = np.where(index == UNLABELLED_INDEX, own, index).reshape(shape)
                    yield index, (index == NULL_INDEX) | (index == UNLABELLED_INDEX)

    def _parts(self) -> list[tuple[int, Path]]:
        """The files of the row bands' sums, by the first row."""
        paths = sorted(self._folder.glob(f"{PART_PREFIX}*{PART_SUFFIX}"))
        return [(int(path.stem.removeprefix(PART_PREFIX)), path) for path in paths]


def _arrays(path: Path, count: int) -> list[np.ndarray]:
    """The first arrays of a row band's file.

    Raises:
        ValueError: The file is damaged.
    """
    try:
        with path.open("rb") as part:
            found = [read_npy(part, path.stat().st_size) for _ in range(count)]
        if len({one.shape[:1] for one in found}) > 1:
            raise ValueError("its arrays are of different numbers of segments")
    except ValueError as error:
        raise ValueError(f"<{path}> cannot be read, {error}: {START_ANEW}") from None
    return found
