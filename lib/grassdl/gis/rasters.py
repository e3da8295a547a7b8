# SPDX-License-Identifier: GPL-2.0-or-later
"""Raster maps: whether they exist and what they hold."""

from __future__ import annotations

import grass.script as gs


def require_raster(name: str) -> str:
    """The fully qualified name (`map@mapset`) of an existing raster map.

    Raises:
        ValueError: There is none of that name in the mapset it names or in the search path.
    """
    found = gs.find_file(name, element="cell").get("fullname")
    if not found:
        raise ValueError(f"Raster map <{name}> not found")
    return found


def require_integer(name: str) -> str:
    """The fully qualified name of an existing raster map of integer type (CELL).

    Raises:
        ValueError: There is none of that name, or it holds floating point values.
    """
    found = require_raster(name)
    datatype = gs.raster_info(found)["datatype"]
    if datatype != "CELL":
        raise ValueError(
            f"Raster map <{found}> is of floating point type ({datatype}), classes are integers: "
            "convert it first, as with r.mapcalc's int() or round()"
        )
    return found


def mask_name() -> str | None:
    """The fully qualified name of the current mapset's raster mask, or None if none is set."""
    return gs.find_file("MASK", element="cell", mapset=".").get("fullname") or None
