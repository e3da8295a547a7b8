# SPDX-License-Identifier: GPL-2.0-or-later
"""A raster map as labels that are values.

A separate module: it depends on rows of maps and on labels, but not on vector maps.
"""

from __future__ import annotations

import numpy as np

from ...core.label_codes import VALUE_CODES
from .rows import RasterRows, is_null


class ValueRows:
    """The values of a raster map in the process's region, as a `grassdl.core.readers.LabelReader`.

    Args:
        raster: The map, of any type.
        otherwise: Value of cells that are NULL in it; NaN leaves them unlabelled.
    """

    coding = VALUE_CODES

    def __init__(self, raster: str, otherwise: float):
        self._map = RasterRows(raster)
        self.rows, self.cols = self._map.rows, self._map.cols
        self._otherwise = otherwise

    def read(self, row: int, rows: int) -> np.ndarray:
        """Values (rows, cols) float32 of rows `row` to `row + rows`."""
        values = self._map.read(row, rows)
        null = is_null(values)
        with np.errstate(over="ignore", invalid="ignore"):
            found = values.astype(self.coding.dtype)
        found[null] = self._otherwise
        return found

    def close(self) -> None:
        """Close the map."""
        self._map.close()
