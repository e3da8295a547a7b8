# SPDX-License-Identifier: GPL-2.0-or-later
"""Raster maps: whether they exist and what they hold."""

from __future__ import annotations

import re
from collections.abc import Sequence

import grass.script as gs

from ..files import alive


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


def remove_rasters(names: Sequence[str]) -> None:
    """Remove those of these maps that the current mapset has."""
    present = [name for name in names if gs.find_file(name, element="cell", mapset=".")["file"]]
    if present:
        gs.run_command("g.remove", flags="f", type="raster", name=present, quiet=True)


def remove_debris(prefix: str) -> None:
    """Remove temporary maps `PREFIX_PID...` of processes that were killed."""
    listed = gs.read_command("g.list", type="raster", pattern=f"{prefix}_*", mapset=".")
    names = {name: re.match(rf"{prefix}_(\d+)", name) for name in listed.split()}
    remove_rasters([name for name, match in names.items() if match and not alive(int(match[1]))])
