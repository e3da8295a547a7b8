# SPDX-License-Identifier: GPL-2.0-or-later
"""Raster maps: whether they exist and what they hold."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import grass.script as gs
import numpy as np

from .raster_rows import RasterRows, is_null

STRIP_CELLS = 1_000_000
"""Cells that are looked at together."""

WIDEST_TABLE = 1 << 20
"""Categories from the lowest to the highest that a table is made for."""


def require_raster(name: str) -> str:
    """The fully qualified name (`map@mapset`) of an existing raster map.

    Raises:
        ValueError: There is none of that name in the mapset it names or in the search path.
    """
    found = gs.find_file(name, element="cell").get("fullname")
    if not found:
        raise ValueError(f"Raster map <{name}> not found")
    return found


def require_integer(name: str, what: str = "classes") -> str:
    """The fully qualified name of an existing raster map of integer type (CELL).

    Args:
        name: The map, with `@mapset` or without.
        what: What it holds, for the message.

    Raises:
        ValueError: There is none of that name, or it holds floating point values.
    """
    found = require_raster(name)
    datatype = info_of(found)["datatype"]
    if datatype != "CELL":
        raise ValueError(
            f"Raster map <{found}> is of floating point type ({datatype}), {what} are integers: "
            "convert it first, as with r.mapcalc's int() or round()"
        )
    return found


def probability_maps(prefix: str, values: Iterable[int]) -> list[str]:
    """The fully qualified names of the existing maps PREFIX_VALUE of class probabilities.

    Args:
        prefix: With `@mapset` or without.
        values: The class values.

    Raises:
        ValueError: One of them is missing.
    """
    name, _, mapset = prefix.partition("@")
    wanted = [f"{name}_{value}" + (f"@{mapset}" if mapset else "") for value in values]
    try:
        return [require_raster(one) for one in wanted]
    except ValueError as error:
        raise ValueError(
            f"{error}: probabilities={prefix} needs a map of every class: {', '.join(wanted)}"
        ) from None


@cache
def info_of(name: str) -> dict:
    """What `r.info` tells about a raster map by its fully qualified name."""
    return gs.raster_info(name)


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
    return gs.find_file("MASK", element="cell", mapset=".").get("fullname") or None
