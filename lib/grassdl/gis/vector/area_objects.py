# SPDX-License-Identifier: GPL-2.0-or-later
"""The areas of a vector map as numbered objects of classes, on the region's grid."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ...core.integer_tables import CodeTable
from ..raster.rows import RasterRows
from .numbered_areas import NumberedAreas


class AreaObjects:
    """A `grassdl.core.readers.ObjectReader`.

    Args:
        areas: The areas.
        class_of: Class value of each category that has one; None where categories are classes.
    """

    def __init__(self, areas: NumberedAreas, class_of: Mapping[int, int] | None):
        value_of = {
            areas.object_of[number]: category if class_of is None else class_of[category]
            for number, category in areas.category_of.items()
            if class_of is None or category in class_of
        }
        self._objects = CodeTable(areas.object_of, 0, np.int32)
        self._values = np.full(max(areas.object_of.values(), default=0) + 1, -1, np.int64)
        self._values[list(value_of)] = list(value_of.values())
        self._map = RasterRows(areas.raster)

    def read(self, row: int, rows: int) -> np.ndarray:
        """See `ObjectReader.read`."""
        return self._objects.encode(self._map.read(row, rows))

    def are_of(self, numbers: np.ndarray, value: int) -> np.ndarray:
        """See `ObjectReader.are_of`."""
        return (self._values == value)[numbers]

    def close(self) -> None:
        """Close the map."""
        self._map.close()
