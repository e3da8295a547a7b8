# SPDX-License-Identifier: GPL-2.0-or-later
"""Raster maps: whether they exist and what they hold."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

import grass.lib.gis as libgis
import grass.lib.raster as libraster
import grass.script as gs
import numpy as np

from .raster_rows import RasterRows, is_null

_DATATYPES = {
    libraster.CELL_TYPE: "CELL",
    libraster.FCELL_TYPE: "FCELL",
    libraster.DCELL_TYPE: "DCELL",
}

STRIP_CELLS = 1_000_000
"""Cells that are looked at together."""

WIDEST_TABLE = 1 << 20
"""Categories from the lowest to the highest that a table is made for."""


def require_raster(name: str) -> str:
    """The fully qualified name (`map@mapset`) of an existing raster map.

    Raises:
        ValueError: There is none of that name in the mapset it names or in the search path.
    """
    libgis.G_gisinit("i.dl")
    plain, _, given = name.partition("@")
    # The library would warn of an illegal name, in a line of its own.
    mapset = gs.legal_name(plain) and libgis.G_find_raster2(plain, given)
    if not mapset:
        raise ValueError(f"Raster map <{name}> not found")
    return f"{plain}@{mapset.decode()}"


def require_integer(name: str, what: str = "classes") -> str:
    """The fully qualified name of an existing raster map of integer type (CELL).

    Args:
        name: The map, with `@mapset` or without.
        what: What it holds, for the message.

    Raises:
        ValueError: There is none of that name, or it holds floating point values.
    """
    found = require_raster(name)
    datatype = info_of(found).datatype
    if datatype != "CELL":
        raise ValueError(
            f"Raster map <{found}> is of floating point type ({datatype}), {what} are integers: "
            "convert it first, as with r.mapcalc's int() or round()"
        )
    return found


def find_raster(name: str) -> str | None:
    """The fully qualified name of a raster map, or None if there is none of that name."""
    try:
        return require_raster(name)
    except ValueError:
        return None


def probability_map(prefix: str, value: int | str) -> str:
    """The name of the map of a class's probability, PREFIX_VALUE, in the prefix's mapset if any."""
    name, at, mapset = prefix.partition("@")
    return f"{name}_{value}{at}{mapset}"


def probability_maps(prefix: str, values: Iterable[int]) -> list[str]:
    """The fully qualified names of the existing maps PREFIX_VALUE of class probabilities.

    Args:
        prefix: With `@mapset` or without.
        values: The class values.

    Raises:
        ValueError: One of them is missing.
    """
    wanted = [probability_map(prefix, value) for value in values]
    try:
        return [require_raster(one) for one in wanted]
    except ValueError as error:
        raise ValueError(
            f"{error}: probabilities={prefix} needs a map of every class: {', '.join(wanted)}"
        ) from None


@dataclass(frozen=True)
class RasterInfo:
    """What a raster map tells without its cells.

    Attributes:
        north, south, east, west: Edges.
        rows, cols: Number of cells.
        datatype: "CELL", "FCELL" or "DCELL".
        range: Lowest and highest value of an integer map, (0, 0) if it is NULL throughout; None
            for a map of floating type.
        units: Of its values; "" for none.
        semantic_label: "" for none.
    """

    north: float
    south: float
    east: float
    west: float
    rows: int
    cols: int
    datatype: str
    range: tuple[int, int] | None
    units: str
    semantic_label: str


@cache
def info_of(name: str) -> RasterInfo:
    """What a raster map tells, by its fully qualified name.

    Straight from the C library: `r.info` takes as long for one map as this for a hundred.
    """
    libgis.G_gisinit("i.dl")
    plain, _, mapset = name.partition("@")
    grid = libgis.struct_Cell_head()
    libraster.Rast_get_cellhd(plain, mapset, ctypes.byref(grid))
    datatype = _DATATYPES[libraster.Rast_map_type(plain, mapset)]
    return RasterInfo(
        grid.north,
        grid.south,
        grid.east,
        grid.west,
        grid.rows,
        grid.cols,
        datatype,
        _range(plain, mapset) if datatype == "CELL" else None,
        _text(libraster.Rast_read_units(plain, mapset)),
        _text(libraster.Rast_read_semantic_label(plain, mapset)),
    )


def _range(plain: str, mapset: str) -> tuple[int, int]:
    values = libraster.struct_Range()
    low, high = ctypes.c_int(), ctypes.c_int()
    libraster.Rast_read_range(plain, mapset, ctypes.byref(values))
    libraster.Rast_get_range_min_max(ctypes.byref(values), ctypes.byref(low), ctypes.byref(high))
    if is_null(np.array([low.value, high.value], np.int32)).any():
        return 0, 0
    return low.value, high.value


def _text(found: bytes | str | None) -> str:
    return found.decode() if isinstance(found, bytes) else str(found or "")


def values_in_region(raster: str) -> list[int]:
    """The categories that an integer raster map has in the process's region."""
    rows_of_map = RasterRows(raster)
    step = max(1, STRIP_CELLS // rows_of_map.cols)
    found: set[int] = set()
    for row in range(0, rows_of_map.rows, step):
        values = rows_of_map.read(row, min(step, rows_of_map.rows - row))
        known = values[~is_null(values)]
        if known.size:
            found.update(_distinct(known))
    rows_of_map.close()
    return sorted(found)


def _distinct(values: np.ndarray) -> list[int]:
    """The different values among integers; a table is many times quicker than to sort them."""
    low, high = int(values.min()), int(values.max())
    if high - low > WIDEST_TABLE:
        return np.unique(values).tolist()
    seen = np.zeros(high - low + 1, bool)
    seen[values - low] = True
    return (np.flatnonzero(seen) + low).tolist()


def mask_name() -> str | None:
    """The fully qualified name of the current mapset's raster mask, or None if none is set."""
    libgis.G_gisinit("i.dl")
    found = libgis.G_find_raster2("MASK", libgis.G_mapset())
    return f"MASK@{found.decode()}" if found else None
