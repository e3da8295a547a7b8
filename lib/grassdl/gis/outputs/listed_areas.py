# SPDX-License-Identifier: GPL-2.0-or-later
"""Vector maps of areas in an order, with a table of their values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import grass.script as gs

from ..session.messages import command_line
from ..session.modules import run_module
from ..session.output_names import check_vector_output, check_vectors_differ
from ..session.temporary_maps import remove_debris, remove_maps, temporary_name
from ..vector.geojson import import_areas

TEMPORARY_PREFIX = "i_dl_review_tmp"

SQL_TYPES = {int: "INTEGER", float: "DOUBLE PRECISION", str: "TEXT"}

Polygon = list[list[tuple[float, float]]]
"""The outer ring of an area, and those of its holes: corners, the last of which is the first."""

Value = int | float | str | None
"""Values of a table; None for those that the user fills in."""


@dataclass(frozen=True)
class ListedAreas:
    """A vector map of areas, whose categories are their positions in a list, from 1.

    Attributes:
        name: Name of the map.
        title: Title of the map.
        columns: Type of each column of the table.
        areas: Outline and values of each area, values in the order of the columns.
    """

    name: str
    title: str
    columns: Mapping[str, type]
    areas: Sequence[tuple[Polygon, Sequence[Value]]]


def check_names(names: Sequence[str]) -> None:
    """Refuse names that cannot be written, before anything is computed.

    Raises:
        ValueError: One is illegal, given twice, or that of a map that may not be overwritten.
    """
    check_vectors_differ(names)
    for name in names:
        check_vector_output(name, gs.overwrite())


def make_maps(maps: Sequence[ListedAreas]) -> None:
    """Make vector maps, which get their names when all are complete.

    Args:
        maps: Their names have been checked by `check_names`.
    """
    remove_debris(TEMPORARY_PREFIX, "vector")
    temporary = {one.name: temporary_name(TEMPORARY_PREFIX, f"_{one.name}") for one in maps}
    try:
        for one in maps:
            _make(one, temporary[one.name])
        pairs = ",".join(f"{temporary[name]},{name}" for name in temporary)
        # The names were checked at the start; existing maps of these names may be replaced.
        run_module("g.rename", vector=pairs, overwrite=True)
    finally:
        remove_maps(list(temporary.values()), "vector")


def _make(one: ListedAreas, name: str) -> None:
    if one.areas:
        areas = [
            ({"type": "Polygon", "coordinates": outline}, dict(zip(one.columns, row, strict=True)))
            for outline, row in one.areas
        ]
        import_areas(areas, name, encoding="UTF-8")
    else:
        run_module("v.edit", map=name, tool="create")
        columns = [f"{column} {SQL_TYPES[kind]}" for column, kind in one.columns.items()]
        run_module("v.db.addtable", map=name, columns=",".join(columns))
    run_module("v.support", flags="h", map=name, map_name=one.title, cmdhist=command_line())
