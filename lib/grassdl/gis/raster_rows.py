# SPDX-License-Identifier: GPL-2.0-or-later
"""Rows of raster maps as NumPy arrays, through the GRASS C library.

The library keeps one region and mask per process, and all its calls belong in one thread.
"""

from __future__ import annotations

import ctypes

import grass.lib.gis as libgis
import grass.lib.raster as libraster
import numpy as np

_DTYPES = {
    libraster.CELL_TYPE: np.dtype(np.int32),
    libraster.FCELL_TYPE: np.dtype(np.float32),
    libraster.DCELL_TYPE: np.dtype(np.float64),
}
_NULL_CELL = np.iinfo(np.int32).min


class RasterRows:
    """Reads a raster map on the region's grid (nearest neighbour), honouring the mask.

    Args:
        name: Name of an existing raster map, with or without @mapset.
    """

    def __init__(self, name: str):
        libgis.G_gisinit("i.dl")
        self._file = libraster.Rast_open_old(name, "")
        self._type = libraster.Rast_get_map_type(self._file)
        self.dtype = _DTYPES[self._type]
        self.rows = libraster.Rast_window_rows()
        self.cols = libraster.Rast_window_cols()

    def read(self, row: int, rows: int) -> np.ndarray:
        """Rows `row` to `row + rows` (rows, cols) in the map's own type; see `is_null`."""
        values = np.empty((rows, self.cols), self.dtype)
        address, width = values.ctypes.data, values.strides[0]
        for place in range(rows):
            target = ctypes.c_void_p(address + place * width)
            libraster.Rast_get_row(self._file, target, row + place, self._type)
        return values

    def close(self) -> None:
        """Close the map."""
        libraster.Rast_close(self._file)


def is_null(values: np.ndarray) -> np.ndarray:
    """Which cells, as `RasterRows` reads them, are NULL.

    So are infinite values and those beyond float32, which would poison statistics and networks.
    """
    if values.dtype.kind == "f":
        return ~(np.abs(values) <= np.finfo(np.float32).max)
    return values == _NULL_CELL
