# SPDX-License-Identifier: GPL-2.0-or-later
"""Sums of cells by segment, from the same row bands as the map by cell.

Two passes: while the row bands are computed, cells are summed by segment, and the segment of every
cell is written; then every cell gets the result of its segment.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, ClassVar

import numpy as np

from ...core.group_sums import GroupTally, places_of
from ...core.readers import RowReader
from ...io.atomic import open_cut, sync
from ...io.npy_files import read_npy
from ...io.resume import START_ANEW

PLACES_NAME = "segments.places"
"""File of the index of every cell's segment among those of its row band."""

_PLACE = np.dtype(np.int32)

PART_PREFIX = "segments-"
"""Prefix of the files of the row bands' sums, before the number of the first row."""

PART_SUFFIX = ".npy"
"""Their suffix: files of maps in the same folder may have the same prefix."""

STRIP_CELLS = 1 << 20
"""Cells that the second pass holds at a time."""

Columns = dict[str, np.ndarray]
"""The table of the segments, by names that a database takes for columns."""

MapRows = Iterator[tuple[np.ndarray, np.ndarray]]
"""Rows of the map by segment: class index or value (rows, cols), and cells without (rows, cols)."""


class SegmentPass(ABC):
    """Sums the cells of each segment of a map.

    The sums of each row band are written to a file, so that a run can be resumed.

    Args:
        segments: The map of segments.
        folder: For the files.
        done: Rows that an earlier run finished; later ones are dropped.

    Attributes:
        sums: How many arrays `sums_of` gives, the ids of the segments among them.
    """

    sums: ClassVar[int]

    def __init__(self, segments: RowReader, folder: Path, done: int):
        self._segments = segments
        self._folder = folder
        self._groups = GroupTally()
        self._row = done
        self._places = self._opened(PLACES_NAME, _PLACE.itemsize)
        for row, path in self._parts():
            if row < done:
                self._groups.add(*arrays_of(path, self.sums))
            else:
                path.unlink()

    def _opened(self, name: str, cell_bytes: int) -> IO[bytes]:
        """A file to append to, with `cell_bytes` for each cell of the finished rows."""
        return open_cut(self._folder / name, self._row * self._segments.cols * cell_bytes)

    @property
    def _files(self) -> list[IO[bytes]]:
        """The open files."""
        return [self._places]

    @abstractmethod
    def sums_of(self, ids: np.ndarray, places: np.ndarray, band: Any) -> list[np.ndarray]:
        """The ids, and what is summed of each segment (segments, ...), of the cells of a row band.

        Args:
            ids: Segments, ascending.
            places: Index of each cell's segment among them (rows, cols); past the last for cells
                without segment or without data.
            band: The row band.
        """

    @abstractmethod
    def result(self, target: Any) -> tuple[Columns, MapRows]:
        """The table of the segments, when all rows are added, and the map by segment.

        Args:
            target: That of the model.
        """

    def add(self, band: Any) -> None:
        """Add the next rows; then they are on disk."""
        ids, outside = self._segments.read(self._row, len(band.null))
        found, places = places_of(ids, outside | band.null)
        sums = self.sums_of(found, places, band)
        self._groups.add(*sums)
        with (self._folder / f"{PART_PREFIX}{self._row:010}{PART_SUFFIX}").open("wb") as part:
            for values in sums:
                np.save(part, values)
            sync(part)
        self._places.write(places.astype(_PLACE).data)
        sync(self._places)
        self._row += len(band.null)

    def close(self) -> None:
        """Close the files."""
        for file in self._files:
            with suppress(OSError):
                file.close()

    def _pieces(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """For pieces of all rows, the ids of segments and the index (rows, cols) of each cell's
        among them."""
        cols = self._segments.cols
        height = max(1, STRIP_CELLS // cols)
        parts = self._parts()
        ends = [row for row, _ in parts[1:]] + [self._row]
        with (self._folder / PLACES_NAME).open("rb") as places:
            for (first, path), end in zip(parts, ends, strict=True):
                (ids,) = arrays_of(path, 1)
                for row in range(first, end, height):
                    rows = min(height, end - row)
                    yield ids, np.fromfile(places, _PLACE, rows * cols).reshape(rows, cols)

    def _parts(self) -> list[tuple[int, Path]]:
        """The files of the row bands' sums, by the first row."""
        paths = sorted(self._folder.glob(f"{PART_PREFIX}*{PART_SUFFIX}"))
        return [(int(path.stem.removeprefix(PART_PREFIX)), path) for path in paths]


def arrays_of(path: Path, count: int) -> list[np.ndarray]:
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
