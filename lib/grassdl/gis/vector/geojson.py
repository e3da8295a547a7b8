# SPDX-License-Identifier: GPL-2.0-or-later
"""Areas read from and written to vector maps as GeoJSON, in the project's own coordinates.

Unlike a GeoPackage it needs no library of which a backend of Keras may have loaded another version.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import grass.script as gs

from ..session.modules import run_module

LAYER = "areas"
"""The layer of a file: without it, v.in.ogr warns of that of the file's name."""


def import_areas(
    areas: Iterable[tuple[Mapping[str, Any], Mapping[str, Any]]],
    name: str,
    flags: str = "",
    **options: str,
) -> None:
    """Make a vector map of areas.

    Args:
        areas: Geometry and attributes of each.
        name: Name of the map.
        flags, options: Other flags and options of v.in.ogr.
    """
    collection = {
        "type": "FeatureCollection",
        "name": LAYER,
        "features": [
            {"type": "Feature", "geometry": geometry, "properties": attributes}
            for geometry, attributes in areas
        ],
    }
    path = Path(gs.tempfile())
    try:
        path.write_text(json.dumps(collection), encoding="utf-8")
        # The coordinates are the project's own and need no check.
        run_module("v.in.ogr", flags=f"o{flags}", input=str(path), output=name, **options)
    finally:
        path.unlink()


def geometries(vector: str) -> dict[int, str]:
    """The areas of a vector map without a table, by category; each geometry as text."""
    path = Path(gs.tempfile(create=False)).with_suffix(".geojson")
    try:
        run_module(
            "v.out.ogr", input=vector, output=str(path), format="GeoJSON", type="area",
            lco="COORDINATE_PRECISION=15",
            # It would warn of the missing table, and of areas that are no objects.
            quiet=False, env={**os.environ, "GRASS_VERBOSE": "-1"},
        )  # fmt: skip
        features = json.loads(path.read_text(encoding="utf-8"))["features"]
    finally:
        path.unlink(missing_ok=True)
    return {one["properties"]["cat"]: json.dumps(one["geometry"]) for one in features}
