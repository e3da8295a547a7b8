# SPDX-License-Identifier: GPL-2.0-or-later
"""Maps of categories, or of points, as small codes for indexing arrays."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ...core.classes import NO_STRATUM, NULL_INDEX, UNLABELLED_INDEX
from ...core.integer_tables import CodeTable
from ...core.label_codes import CLASS_CODES, codes_of
from ...core.object_borders import border_cells
from .info import BeyondRangeError, info_of, require_integer, values_in_region
from .region import Region
from .rows import RasterRows, is_null


class CategoryCodes:
    """Codes of a raster map's categories in the process's region.

    Args:
        raster: Integer raster map.
        code_of: Code of every category that has one.
        otherwise: Code of all other cells, NULL among them.
        dtype: Type of the codes.
    """

    coding = CLASS_CODES

    def __init__(
        self,
        raster: str,
        code_of: Mapping[int, int],
        otherwise: int,
        dtype: type[np.integer] = np.uint8,
    ):
        self._map = RasterRows(raster)
        self.rows, self.cols = self._map.rows, self._map.cols
        self.categories = sorted(code_of)
        self._table = CodeTable(code_of, otherwise, dtype)

    def read(self, row: int, rows: int) -> np.ndarray:
        """Codes (rows, cols) of rows `row` to `row + rows`."""
        return self._table.encode(self._map.read(row, rows))

    def close(self) -> None:
        """Close the map."""
        self._map.close()


class BorderedCodes(CategoryCodes):
    """Codes of a raster map of objects, with a separate code for the borders between them.

    Args:
        raster: Integer raster map of objects, or of their parts.
        code_of: Code of every category that has one.
        object_of: Number of the object, from 1 on, of every category that is part of one.
        otherwise: Code of all other cells, NULL among them.
        border: Code of the borders.
        width: Width of the borders in cells, see `core.object_borders`.
    """

    def __init__(
        self,
        raster: str,
        code_of: Mapping[int, int],
        object_of: Mapping[int, int],
        otherwise: int,
        border: int,
        width: int,
    ):
        super().__init__(raster, code_of, otherwise)
        self._objects = CodeTable(object_of, 0, np.int32)
        self._border, self._width = border, width

    def read(self, row: int, rows: int) -> np.ndarray:
        """Codes (rows, cols) of rows `row` to `row + rows`."""
        top = max(0, row - self._width)
        values = self._map.read(top, min(self.rows, row + rows + self._width) - top)
        codes = self._table.encode(values)
        codes[border_cells(self._objects.encode(values), codes, self._width)] = self._border
        return codes[row - top : row - top + rows]


class PointCodes:
    """Labels of the cells within a radius of points.

    Args:
        region: The grid.
        places: Coordinates of the points (n, 2) as (x, y).
        codes: Label of every point (n,).
        radius: In map units; the cell that a point lies in is labelled however small it is.
        otherwise: Label of all other cells.
    """

    def __init__(
        self,
        region: Region,
        places: np.ndarray,
        codes: np.ndarray,
        radius: float,
        otherwise: float,
    ):
        self.coding = codes_of(codes)
        self.rows, self.cols = region.rows, region.cols
        self._places = region.cells_of(places)
        self._codes = codes
        self._radius = radius
        self._cell = np.array([region.nsres, region.ewres])
        self._otherwise = otherwise

    def read(self, row: int, rows: int) -> np.ndarray:
        """Labels (rows, cols) of rows `row` to `row + rows`, each that of the nearest point."""
        codes = np.full((rows, self.cols), self._otherwise, self.coding.dtype)
        nearest = np.full(codes.shape, np.inf, np.float32)
        reach = self._radius / self._cell[0] + 1
        rows_of = self._places[:, 0]
        close = np.flatnonzero((rows_of > row - reach) & (rows_of < row + rows + reach))
        for one in close:
            self._paint(codes, nearest, self._places[one] - (row, 0), self._codes[one])
        return codes

    def _paint(
        self, codes: np.ndarray, nearest: np.ndarray, place: np.ndarray, code: float
    ) -> None:
        """Set the code of the cells around a point where no other point is nearer."""
        if not self._radius:
            row, col = np.floor(place).astype(int)
            if 0 <= row < codes.shape[0] and 0 <= col < codes.shape[1]:
                distance = np.hypot(*((place - (row + 0.5, col + 0.5)) * self._cell))
                if distance < nearest[row, col]:
                    codes[row, col], nearest[row, col] = code, distance
            return
        reach = self._radius / self._cell
        first = np.maximum(np.floor(place - reach), 0).astype(int)
        last = np.minimum(np.ceil(place + reach), codes.shape).astype(int)
        window = slice(first[0], max(last[0], first[0])), slice(first[1], max(last[1], first[1]))
        centres = [np.arange(one.start, one.stop) + 0.5 for one in window]
        down, right = ((c - p) * s for c, p, s in zip(centres, place, self._cell, strict=True))
        distance = np.hypot(down[:, None], right)
        its_row, its_col = (
            np.floor(one) == np.floor(p) for one, p in zip(centres, place, strict=True)
        )
        own = its_row[:, None] & its_col
        wins = ((distance <= self._radius) | own) & (distance < nearest[window])
        codes[window][wins] = code
        nearest[window][wins] = distance[wins]

    def close(self) -> None:
        """Nothing is open."""


class ValueCodes(CategoryCodes):
    """Codes of an integer raster map in the process's region: differences from its lowest value.

    The possible values are known from the map's range, without reading its cells.

    Args:
        raster: Integer raster map with a narrow range, see `few_values`.
        labels_null: Whether NULL has a code of its own, one more than that of the highest value;
            else it is UNLABELLED_INDEX.
    """

    def __init__(self, raster: str, labels_null: bool):
        self._name = raster
        self.lowest, highest = info_of(raster).integer_range
        self.number = highest - self.lowest + 1
        self._otherwise = self.number if labels_null else UNLABELLED_INDEX
        code_of = {self.lowest + code: code for code in range(self.number)}
        super().__init__(raster, code_of, self._otherwise)

    def read(self, row: int, rows: int) -> np.ndarray:
        """Codes (rows, cols) uint8 of rows `row` to `row + rows`.

        Raises:
            BeyondRangeError: A value is beyond the range in the map's metadata.
        """
        values = self._map.read(row, rows)
        codes = self._table.encode(values)
        if not is_null(values[codes == self._otherwise]).all():
            raise BeyondRangeError.of(self._name)
        return codes


def few_values(raster: str) -> bool:
    """Whether the range of an integer raster map leaves a code for each value and for NULL.

    Missing and estimated ranges do not count; see `RasterInfo.recorded`.
    """
    info = info_of(raster)
    lowest, highest = info.integer_range
    return info.recorded and highest - lowest + 1 < NULL_INDEX


def strata_codes(raster: str) -> CategoryCodes:
    """The categories of a map as strata 0, 1, ... in their order; NO_STRATUM elsewhere.

    Raises:
        ValueError: The map is missing, of floating type, or has no category in the region.
    """
    name = require_integer(raster)
    values = values_in_region(name)
    if not values:
        raise ValueError(f"Raster map <{name}> of strata has no category in the region")
    if len(values) > NO_STRATUM:
        raise ValueError(
            f"Raster map <{name}> has {len(values)} strata in the region, at most {NO_STRATUM} "
            "are possible"
        )
    codes = {value: place for place, value in enumerate(values)}
    return CategoryCodes(name, codes, NO_STRATUM, np.uint16)


def split_codes(raster: str, splits: int) -> CategoryCodes:
    """The splits of a map, 1, 2, ..., as indices 0, 1, ...; UNLABELLED_INDEX elsewhere.

    Raises:
        ValueError: The map is missing, of floating type, or holds other categories.
    """
    name = require_integer(raster)
    values = values_in_region(name)
    wrong = [value for value in values if not 1 <= value <= splits]
    if wrong:
        raise ValueError(
            f"Raster map <{name}> holds {wrong[0]}: a map of splits has 1 for training, 2 for "
            "validation and 3 for test"
        )
    return CategoryCodes(name, {value: value - 1 for value in values}, UNLABELLED_INDEX)
