# SPDX-License-Identifier: GPL-2.0-or-later
"""Rows of raster maps as NumPy arrays, through the GRASS C library.

The library keeps one region and mask per process, and must be called in one thread.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import grass.lib.gis as libgis
import grass.lib.raster as libraster
import numpy as np

_DTYPES: dict[int, np.dtype] = {
    libraster.CELL_TYPE: np.dtype(np.int32),
    libraster.FCELL_TYPE: np.dtype(np.float32),
    libraster.DCELL_TYPE: np.dtype(np.float64),
}
_NULL_CELL = np.iinfo(np.int32).min


class RasterRows:
    """Reads a raster map on the region's grid (nearest neighbour), with the mask applied.

    Args:
        name: Name of an existing raster map, with or without @mapset.
    """

    _open: ClassVar[set[RasterRows]] = set()

    def __init__(self, name: str):
        self._name = name
        self._file: int | None = None
        self._type = libraster.Rast_get_map_type(self._opened())
        self._flags_tell_null = self._type == libraster.CELL_TYPE and not _is_virtual(name)
        self.dtype = _DTYPES[self._type]
        self.rows = libraster.Rast_window_rows()
        self.cols = libraster.Rast_window_cols()

    def __getstate__(self) -> dict[str, Any]:
        """State for another process, in which the copy opens the map itself."""
        return {**self.__dict__, "_file": None}

    def _opened(self) -> int:
        if self._file is None:
            libgis.G_gisinit("i.dl")
            self._file = libraster.Rast_open_old(self._name, "")
            self._open.add(self)
        return self._file

    def read(self, row: int, rows: int) -> np.ndarray:
        """Rows `row` to `row + rows` (rows, cols) in the map's own type; see `is_null`."""
        values = np.empty((rows, self.cols), self.dtype)
        _read_rows(libraster.Rast_get_row, self._opened(), values, row, self._type)
        return values

    def null(self, row: int, rows: int) -> np.ndarray:
        """Which cells of some rows (rows, cols) are NULL; faster than reading them."""
        if not self._flags_tell_null:
            return is_null(self.read(row, rows))
        file = self._opened()
        flags = np.empty((rows, self.cols), bool)
        for place in range(rows):
            target = ctypes.cast(flags[place].ctypes.data, ctypes.POINTER(ctypes.c_char))
            libraster.Rast_get_null_value_row(file, target, row + place)
        return flags

    def close(self) -> None:
        """Close the map; it is opened again if it is read."""
        if self._file is not None:
            libraster.Rast_close(self._file)
            self._file = None
            self._open.discard(self)

    @classmethod
    def close_all(cls) -> None:
        """Close all maps: the library accepts another grid only while none is open."""
        for one in list(cls._open):
            one.close()


class MapRows:
    """One raster map in the region as a `grassdl.core.readers.RowReader`.

    Args:
        name: Name of an existing raster map, with or without @mapset.
    """

    def __init__(self, name: str):
        self._map = RasterRows(name)
        self.rows, self.cols, self.dtype = self._map.rows, self._map.cols, self._map.dtype

    def read(self, row: int, rows: int) -> tuple[np.ndarray, np.ndarray]:
        """Rows `row` to `row + rows` (rows, cols), and which of their cells are NULL."""
        values = self._map.read(row, rows)
        return values, is_null(values)

    def close(self) -> None:
        """Close the map; it is opened again if it is read."""
        self._map.close()


class SourceRows:
    """Reads a raster map on its own grid, for any region and without the mask.

    Args:
        name: Name of an existing raster map, with or without @mapset.
    """

    def __init__(self, name: str):
        libgis.G_gisinit("i.dl")
        self._name = name
        self._grid = libgis.struct_Cell_head()
        libraster.Rast_get_cellhd(name, "", ctypes.byref(self._grid))
        self.rows, self.cols = self._grid.rows, self._grid.cols

    def read(self, row: int, rows: int) -> np.ndarray:
        """Rows of the map (rows, cols) as float64, NaN where NULL; see `is_null`."""
        libgis.G_gisinit("i.dl")
        values = np.empty((rows, self.cols), np.float64)
        with _window(self._grid):
            file = libraster.Rast_open_old(self._name, "")
            _read_rows(libraster.Rast_get_row_nomask, file, values, row, libraster.DCELL_TYPE)
            libraster.Rast_close(file)
        values[is_null(values)] = np.nan
        return values


@contextmanager
def _window(grid: libgis.struct_Cell_head) -> Iterator[None]:
    """Make the library read on another grid than the process's region."""
    RasterRows.close_all()
    region = libgis.struct_Cell_head()
    libraster.Rast_get_window(ctypes.byref(region))
    libraster.Rast_set_window(ctypes.byref(grid))
    try:
        yield
    finally:
        libraster.Rast_set_window(ctypes.byref(region))


def _read_rows(
    get_row: Callable[..., object], file: int, values: np.ndarray, first: int, cell_type: int
) -> None:
    address, width = values.ctypes.data, values.strides[0]
    for place in range(len(values)):
        get_row(file, ctypes.c_void_p(address + place * width), first + place, cell_type)


def _is_virtual(name: str) -> bool:
    """Whether a map is a mosaic of r.buildvrt, whose own NULL flags are not valid."""
    return _has_file(name, "vrt")


def is_foreign(name: str) -> bool:
    """Whether a map's cells are those of other maps (r.buildvrt) or of a file (r.external)."""
    return _has_file(name, "vrt") or _has_file(name, "gdal")


def _has_file(name: str, kind: str) -> bool:
    plain, _, mapset = name.partition("@")
    return bool(libgis.G_find_file2_misc("cell_misc", kind, plain, mapset))


def is_null(values: np.ndarray) -> np.ndarray:
    """Which cells, as `RasterRows` reads them, are NULL.

    So are infinite values and those beyond float32, which make statistics and networks fail.
    """
    if values.dtype.kind == "f":
        return ~(np.abs(values) <= np.finfo(np.float32).max)
    return values == _NULL_CELL
