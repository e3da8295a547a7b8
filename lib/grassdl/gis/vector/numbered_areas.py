# SPDX-License-Identifier: GPL-2.0-or-later
"""The areas of a vector map as numbered objects in a raster map, whatever their categories."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from ctypes import byref, c_int
from dataclasses import dataclass

import grass.script as gs
import numpy as np

from ...core.connected_areas import joined
from ..session.modules import run_module
from ..session.output_names import require_own_format
from ..session.temporary_maps import remove_debris, remove_maps, temporary_name
from .sites import area_categories, opened_vector

NUMBERS_LAYER = 9999
"""Layer of the temporary map that has a unique category for each area."""


@dataclass(frozen=True)
class NumberedAreas:
    """Areas as cells.

    Attributes:
        raster: Raster map of the areas' numbers, NULL outside.
        category_of: Category of each number; of several the first counts, as for v.to.rast.
        object_of: Object, from 1 on, of each number.
    """

    raster: str
    category_of: Mapping[int, int]
    object_of: Mapping[int, int]


@contextmanager
def numbered_areas(vector: str, layer: str, prefix: str, name: str = "") -> Iterator[NumberedAreas]:
    """The areas of a vector map that have a category in a layer, until the block ends.

    Each area is an object, also where categories are classes that many areas share. Where
    polygons overlap, GRASS makes a separate area of the intersection, with the categories of
    both: it is part of the object that it touches and shares the first category with. A map without
    areas has no object.

    Args:
        vector: Name of the map.
        layer: Number of the layer.
        prefix: Prefix of the names of temporary maps.
        name: Suffix of these names, for several maps at once.
    """
    require_own_format("raster")
    remove_debris(prefix)
    remove_debris(prefix, "vector")
    copy, raster = (temporary_name(prefix, f"_{one}{name}") for one in ("areas", "numbers"))
    try:
        if not gs.vector_info_topo(vector)["areas"]:
            run_module("r.mapcalc", expression=f"{raster} = null()")
            yield NumberedAreas(raster, {}, {})
            return
        run_module(
            "v.category", flags="t", input=vector, output=copy, option="add", type="centroid",
            layer=NUMBERS_LAYER, cat=1, step=1,
        )  # fmt: skip
        run_module(
            "v.to.rast", input=copy, layer=NUMBERS_LAYER, type="area", output=raster, use="cat"
        )
        yield NumberedAreas(raster, *_objects(copy, int(layer)))
    finally:
        remove_maps([raster])
        remove_maps([copy], "vector")


def _objects(vector: str, layer: int) -> tuple[dict[int, int], dict[int, int]]:
    """Category and object of each number."""
    with opened_vector(vector) as opened:
        categories = area_categories(opened)
        number_of = {
            area: own[NUMBERS_LAYER][0]
            for area, own in categories.items()
            if layer in own and NUMBERS_LAYER in own
        }
        own_of = {area: categories[area][layer] for area in number_of}
        pairs = [
            (one, other)
            for one, other in _neighbours(opened)
            if one in own_of and other in own_of and _are_parts(own_of[one], own_of[other])
        ]
    place = {area: place for place, area in enumerate(number_of)}
    found = np.array([(place[one], place[other]) for one, other in pairs], np.int64)
    group_of = joined(len(place), found.reshape(-1, 2))
    category_of = {number_of[area]: own[0] for area, own in own_of.items()}
    object_of = {number_of[area]: int(group_of[place[area]]) + 1 for area in number_of}
    return category_of, object_of


def _are_parts(one: list[int], other: list[int]) -> bool:
    """Whether two areas that touch are parts of one object, by their categories."""
    overlap = len(set(one)) > 1 or len(set(other)) > 1
    return overlap and one[0] == other[0]


def _neighbours(opened: object) -> Iterator[tuple[int, int]]:
    """Pairs of areas on both sides of a boundary."""
    import grass.lib.vector as libvector

    left, right = c_int(), c_int()

    def area(side: int) -> int:
        # On the outside of an area within another one is an isle of that.
        return side if side >= 0 else libvector.Vect_get_isle_area(opened, -side)

    for line in range(1, libvector.Vect_get_num_lines(opened) + 1):
        if not libvector.Vect_line_alive(opened, line):
            continue
        if libvector.Vect_get_line_type(opened, line) != libvector.GV_BOUNDARY:
            continue
        libvector.Vect_get_line_areas(opened, line, byref(left), byref(right))
        one, other = area(left.value), area(right.value)
        if one and other and one != other:
            yield one, other
