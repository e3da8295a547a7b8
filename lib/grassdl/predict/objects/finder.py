# SPDX-License-Identifier: GPL-2.0-or-later
"""The map of objects, from the same row bands as the map of classes.

While row bands are computed, two bytes of each cell are written: its class and the probability of
border. Then strips of them are read three times: to number the connected areas of each strip, to
grow them over the border, and to give those that are large enough their final numbers. Memory
depends on the width of the map and the number of objects.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...core.connected_areas import ConnectedAreas
from ...io.atomic import open_cut, sync
from ..decision import RowBand
from .growth import grown, halo_of
from .settings import ObjectSettings

CODES_NAME = "objects.codes"
"""The class of every cell that is or may become part of an object."""

BARRIER_NAME = "objects.barrier"
"""Its probability of border, see `RowBand.barrier`."""

SEEDS_NAME = "objects.seeds"
"""Numbers of connected areas, strip by strip."""

GROWN_NAME = "objects.grown"
"""Numbers of objects before the small ones are dropped."""

_NUMBER = np.dtype(np.int32)

STRIP_CELLS = 1 << 20
"""Cells that are held at a time, without those around them."""


@dataclass(frozen=True)
class FoundObjects:
    """The objects of a map.

    Attributes:
        classes: Class index of each object, by its number from 1; the first element has no meaning.
        rows: Numbers (rows, cols) int32 from north to south, 0 for no object.
    """

    classes: np.ndarray
    rows: Iterator[np.ndarray]


class ObjectFinder:
    """Finds the objects of a map from its row bands.

    Args:
        settings: How objects are found.
        folder: For the files.
        cols: Columns of the map.
        done: Rows that an earlier run finished; later ones are dropped.
    """

    def __init__(self, settings: ObjectSettings, folder: Path, cols: int, done: int = 0):
        self._settings = settings
        self._folder = folder
        self._cols = cols
        self._rows = done
        names = CODES_NAME, BARRIER_NAME
        self._files = [open_cut(folder / name, done * cols) for name in names]

    def add(self, band: RowBand) -> None:
        """Add the next rows, with object codes and barrier; then they are on disk."""
        assert band.object_code is not None and band.barrier is not None
        for file, values in zip(self._files, (band.object_code, band.barrier), strict=True):
            file.write(np.ascontiguousarray(values).data)
            sync(file)
        self._rows += len(band.null)

    def close(self) -> None:
        """Close the files."""
        for file in self._files:
            with suppress(OSError):
                file.close()

    def result(self) -> FoundObjects:
        """The objects, when all rows are added."""
        cells, codes, first = self._grow(self._number_seeds())
        kept = np.flatnonzero(cells >= self._settings.minsize)
        kept = kept[kept > 0]
        # Numbered by the objects' first cells, so that numbers do not depend on strips.
        kept = kept[np.argsort(first[kept])]
        final = np.zeros(len(cells), _NUMBER)
        final[kept] = np.arange(1, len(kept) + 1)
        classes = np.concatenate([[0], codes[kept].astype(np.int64) - 1])
        return FoundObjects(classes, self._final_rows(final))

    def _number_seeds(self) -> np.ndarray:
        """Write the numbers of all connected areas, and return the area from 1 on of each number,
        0 of 0."""
        areas = ConnectedAreas()
        with (self._folder / SEEDS_NAME).open("wb") as file:
            for row, rows in self._strips():
                codes = self._read(CODES_NAME, np.uint8, row, rows)
                codes[self._read(BARRIER_NAME, np.uint8, row, rows) > 0] = 0
                file.write(areas.add(codes).astype(_NUMBER).data)
        return np.concatenate([[0], areas.finish()[0] + 1]).astype(_NUMBER)

    def _grow(self, area_of: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Write the objects with the border that they grow over; cells, class code and first cell
        of each."""
        number = int(area_of.max()) + 1
        cells = np.zeros(number, np.int64)
        codes_of = np.zeros(number, np.uint8)
        first = np.full(number, self._rows * self._cols, np.int64)
        halo = halo_of(self._settings.reach)
        with (self._folder / GROWN_NAME).open("wb") as file:
            for row, rows in self._strips():
                top, end = max(0, row - halo), min(self._rows, row + rows + halo)
                seeds = area_of[self._read(SEEDS_NAME, _NUMBER, top, end - top)]
                codes = self._read(CODES_NAME, np.uint8, top, end - top)
                barrier = self._read(BARRIER_NAME, np.uint8, top, end - top)
                found = grown(seeds, codes, barrier, self._settings.reach)
                core = slice(row - top, row - top + rows)
                found, codes = found[core].ravel(), codes[core].ravel()
                file.write(found.astype(_NUMBER, copy=False).data)
                cells += np.bincount(found, minlength=number)
                codes_of[found] = codes
                places = np.flatnonzero(found)
                np.minimum.at(first, found[places], places + row * self._cols)
        return cells, codes_of, first

    def _final_rows(self, final: np.ndarray) -> Iterator[np.ndarray]:
        for row, rows in self._strips():
            yield final[self._read(GROWN_NAME, _NUMBER, row, rows)]

    def _strips(self) -> Iterator[tuple[int, int]]:
        height = max(1, STRIP_CELLS // self._cols)
        for row in range(0, self._rows, height):
            yield row, min(height, self._rows - row)

    def _read(self, name: str, dtype: np.dtype | type, row: int, rows: int) -> np.ndarray:
        offset = row * self._cols * np.dtype(dtype).itemsize
        path = self._folder / name
        return np.fromfile(path, dtype, rows * self._cols, offset=offset).reshape(rows, -1)
