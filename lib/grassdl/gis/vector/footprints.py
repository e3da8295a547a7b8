# SPDX-License-Identifier: GPL-2.0-or-later
"""The footprints of a dataset's patches as a vector map, coloured by split."""

from __future__ import annotations

import math
from itertools import chain
from pathlib import Path

import grass.script as gs

from ...io.folders import check_disk
from ..session.mapset import current_mapset, mapset_folder
from ..session.messages import command_line
from ..session.modules import run_module
from ..session.temporary_maps import remove_debris, remove_maps, temporary_name

TEMPORARY_PREFIX = "i_dl_footprints_tmp"

MAP_BYTES = 1000
"""Bytes of a patch in a vector map: its outline, topology, index and attributes."""

TOUCHING = 1e-6
"""Patches that overlap by less than this part of their edge count as neighbours."""


def check_room(patches: int) -> None:
    """Refuse footprints for which the mapset's disk has too little free space.

    Args:
        patches: Number of patches.

    Raises:
        ValueError: There is too little.
    """
    folder = mapset_folder(current_mapset())
    check_disk(folder, patches * MAP_BYTES, f"the map of {patches} footprints")


def import_footprints(gpkg: Path, name: str) -> None:
    """Make a vector map of a dataset's footprints, which gets its name when it is complete.

    Patches that lie apart become areas. Overlapping ones become closed lines: areas of a
    topological map cannot overlap, so v.in.ogr would cut them into pieces of several categories,
    millions for dense random patches, or, left uncleaned, give their centroids to the wrong areas.

    Args:
        gpkg: The dataset's `patches.gpkg`.
        name: Name of the map, checked by `output_names.check_vector_output`.

    Raises:
        CalledModuleError: GRASS cannot import them.
        OSError: The file cannot be read.
    """
    remove_debris(TEMPORARY_PREFIX, "vector")
    temporary = temporary_name(TEMPORARY_PREFIX)
    outlines = {"type": "line"} if _overlap(gpkg) else {}
    try:
        # The coordinates are the project's own and need no check.
        run_module("v.in.ogr", flags="o", input=str(gpkg), output=temporary, **outlines)
        run_module("v.colors", stdin=_color_rules(temporary), map=temporary, use="cat", rules="-")
        run_module(
            "v.support",
            flags="h",
            map=temporary,
            map_name="Patches by split",
            cmdhist=command_line(),
        )
        run_module("g.rename", vector=f"{temporary},{name}")
    finally:
        remove_maps([temporary], "vector")


def _overlap(gpkg: Path) -> bool:
    """Whether two of the patches, which all have the same size, share more than an edge."""
    by_square: dict[tuple[int, int], list[tuple[float, float]]] = {}
    for west, south, width, height in _rectangles(gpkg):
        # In a raster of squares as large as a patch, those that overlap lie in the same square or
        # in neighbouring ones.
        square = math.floor(west / width), math.floor(south / height)
        near = [(square[0] + i, square[1] + j) for i in (-1, 0, 1) for j in (-1, 0, 1)]
        for other_west, other_south in chain(*(by_square.get(one, []) for one in near)):
            if abs(other_west - west) < width * (1 - TOUCHING) and abs(
                other_south - south
            ) < height * (1 - TOUCHING):
                return True
        by_square.setdefault(square, []).append((west, south))
    return False


def _rectangles(gpkg: Path) -> list[tuple[float, float, float, float]]:
    """West and south edge, width and height of every footprint in map units."""
    from osgeo import ogr

    ogr.UseExceptions()
    try:
        source = ogr.Open(str(gpkg))
        envelopes = [feature.GetGeometryRef().GetEnvelope() for feature in source.GetLayer(0)]
    except RuntimeError as error:
        raise OSError(f"Footprints <{gpkg}> cannot be read ({error})") from None
    return [(west, south, east - west, north - south) for west, east, south, north in envelopes]


def _color_rules(vector: str) -> str:
    """Colour of every category, for a colour table, which d.vect and the GUI use for areas by
    default.

    The colours of the column GRASSRGB are used for lines, and only on request.
    """
    listed = gs.read_command(
        "v.db.select", flags="c", map=vector, columns="cat,GRASSRGB", separator="comma", quiet=True
    )
    pairs = (line.split(",") for line in listed.split())
    return "".join(f"{category} {color}\n" for category, color in pairs)
