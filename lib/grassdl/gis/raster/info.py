# SPDX-License-Identifier: GPL-2.0-or-later
"""Raster maps: whether they exist, and their metadata."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

import grass.lib.gis as libgis
import grass.lib.raster as libraster
import grass.script as gs
import numpy as np

from ...core.integer_tables import distinct
from ...core.text import listed
from ..session.mapset import mapset_folder
from .rows import RasterRows, is_foreign, is_null

_DATATYPES = {
    libraster.CELL_TYPE: "CELL",
    libraster.FCELL_TYPE: "FCELL",
    libraster.DCELL_TYPE: "DCELL",
}

ANY_CELL = (1 - 2**31, 2**31 - 1)
"""Lowest and highest value that an integer map can hold."""

_GDAL_RANGES = {1: (0, 255), 2: (0, 2**16 - 1), 3: (-(2**15), 2**15 - 1), 14: (-128, 127)}
"""Lowest and highest value of GDAL's short integer types, by their numbers."""

STRIP_CELLS = 1_000_000
"""Cells that are read at a time."""


class BeyondRangeError(ValueError):
    """A raster map holds values outside the range in its metadata."""

    @classmethod
    def of(cls, raster: str) -> BeyondRangeError:
        """The error for a map by its fully qualified name."""
        return cls(
            f"Raster map <{raster}> holds values beyond its recorded range: correct the range in "
            f"its mapset with 'r.support -s map={raster.split('@')[0]}'"
        )


def require_raster(name: str) -> str:
    """The fully qualified name (`map@mapset`) of an existing raster map.

    Raises:
        ValueError: There is none of that name in the mapset it names or in the search path, or the
            name is empty.
    """
    if not name.strip():
        raise ValueError("A name of a raster map is empty: separate names by one comma each")
    libgis.G_gisinit("i.dl")
    plain, _, given = name.partition("@")
    # The library would print a warning of an illegal name itself.
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
            f"{error}: probabilities={prefix} needs a map of every class: {listed(wanted)}"
        ) from None


def class_values_of(prefix: str) -> list[int]:
    """The class values of existing maps PREFIX_VALUE of class probabilities, in rising order.

    Args:
        prefix: With `@mapset` or without.

    Raises:
        ValueError: There are fewer than two.
    """
    name, _, mapset = prefix.partition("@")
    # g.list fails for an unknown mapset, and for a prefix that is no valid pattern.
    known = not mapset or mapset in gs.mapsets()
    found = gs.list_strings("raster", mapset=mapset or None) if known else []
    matches = [re.fullmatch(rf"{re.escape(name)}_(\d+)", one.partition("@")[0]) for one in found]
    values = sorted({int(one[1]) for one in matches if one})
    if len(values) < 2:
        raise ValueError(
            f"probabilities={prefix} needs a raster map {name}_VALUE of each of two classes or "
            f"more, found {len(values)}: give the prefix that i.dl.predict wrote"
        )
    return values


@dataclass(frozen=True)
class RasterInfo:
    """The metadata of a raster map.

    Attributes:
        north, south, east, west: Edges.
        rows, cols: Number of cells.
        datatype: "CELL", "FCELL" or "DCELL".
        range: Lowest and highest value of an integer map by its metadata, (0, 0) if it is NULL
            throughout; None for a map of floating type. A recorded range may be stale: cells must
            be checked against it when they are read.
        recorded: Whether the range is the one that GRASS recorded with the cells. If it is missing,
            or the cells are those of a file (r.external) or of other maps (r.buildvrt), it is what
            their types and records allow.
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
    recorded: bool
    units: str
    semantic_label: str

    @property
    def integer_range(self) -> tuple[int, int]:
        """`range` of a map of integer type."""
        assert self.range is not None
        return self.range


@cache
def info_of(name: str) -> RasterInfo:
    """The metadata of a raster map, by its fully qualified name.

    Read with the C library: `r.info` takes as long for one map as this for a hundred.
    """
    libgis.G_gisinit("i.dl")
    plain, _, mapset = name.partition("@")
    grid = libgis.struct_Cell_head()
    libraster.Rast_get_cellhd(plain, mapset, ctypes.byref(grid))
    datatype = _DATATYPES[libraster.Rast_map_type(plain, mapset)]
    recorded = None if is_foreign(name) else _recorded_range(plain, mapset)
    return RasterInfo(
        grid.north,
        grid.south,
        grid.east,
        grid.west,
        grid.rows,
        grid.cols,
        datatype,
        (recorded or _possible_range(name)) if datatype == "CELL" else None,
        recorded is not None,
        _text(libraster.Rast_read_units(plain, mapset)),
        _text(libraster.Rast_read_semantic_label(plain, mapset)),
    )


def _recorded_range(plain: str, mapset: str) -> tuple[int, int] | None:
    """The range of an integer map that GRASS has recorded; None if there is none."""
    # The library would print a warning itself.
    if not libgis.G_find_file2_misc("cell_misc", "range", plain, mapset):
        return None
    values = libraster.struct_Range()
    low, high = ctypes.c_int(), ctypes.c_int()
    if libraster.Rast_read_range(plain, mapset, ctypes.byref(values)) < 0:
        return None
    libraster.Rast_get_range_min_max(ctypes.byref(values), ctypes.byref(low), ctypes.byref(high))
    if is_null(np.array([low.value, high.value], np.int32)).any():
        return 0, 0
    return low.value, high.value


def _possible_range(name: str) -> tuple[int, int]:
    """The possible range of a linked or joined integer map, by the type of its file or its
    parts."""
    plain, _, mapset = name.partition("@")
    link, parts = (mapset_folder(mapset) / f"cell_misc/{plain}/{one}" for one in ("gdal", "vrt"))
    if link.is_file():
        lines = link.read_text(errors="replace").splitlines()
        types = [line.removeprefix("type: ") for line in lines if line.startswith("type: ")]
        return _GDAL_RANGES.get(int(types[0]), ANY_CELL) if types else ANY_CELL
    if not parts.is_file():
        return ANY_CELL
    names = [line.strip() for line in parts.read_text(errors="replace").splitlines()]
    ranges = [info_of(require_raster(one)).range or ANY_CELL for one in filter(None, names)]
    return min(low for low, _ in ranges), max(high for _, high in ranges)


def _text(found: bytes | str | None) -> str:
    return found.decode() if isinstance(found, bytes) else str(found or "")


def values_in_region(raster: str) -> list[int]:
    """The categories that an integer raster map has in the process's region."""
    rows_of_map = RasterRows(raster)
    step = max(1, STRIP_CELLS // rows_of_map.cols)
    found: set[int] = set()
    for row in range(0, rows_of_map.rows, step):
        values = rows_of_map.read(row, min(step, rows_of_map.rows - row))
        found.update(distinct(values[~is_null(values)]).tolist())
    rows_of_map.close()
    return sorted(found)


def is_reclassed(raster: str) -> bool:
    """Whether a map, by its fully qualified name, is a reclass of another map (r.reclass)."""
    libgis.G_gisinit("i.dl")
    plain, _, mapset = raster.partition("@")
    reclass = libraster.struct_Reclass()
    return libraster.Rast_get_reclass(plain, mapset, ctypes.byref(reclass)) > 0


def mask_name() -> str | None:
    """The fully qualified name of the current mapset's raster mask, or None if none is set."""
    libgis.G_gisinit("i.dl")
    found = libgis.G_find_raster2("MASK", libgis.G_mapset())
    return f"MASK@{found.decode()}" if found else None
