# SPDX-License-Identifier: GPL-2.0-or-later
"""Where on Earth the patches of datasets are from."""

from __future__ import annotations

import re
from collections.abc import Sequence

from .manifest import Export, Manifest

LONGITUDE_LATITUDE = 4326
"""EPSG code of WGS 84, which GeoJSON is in."""

DECIMALS = 7
"""Of degrees: a centimetre."""


def area_of(manifest: Manifest) -> dict:
    """The area of a dataset as a JSON object: its id, coordinate system, extent and patches."""
    export = manifest.export
    return {
        "dataset_id": manifest.dataset_id,
        "crs": crs_name(export.crs),
        **{side: export.region[side] for side in ("north", "south", "east", "west")},
        "patches": manifest.counts,
    }


def crs_name(wkt: str) -> str | None:
    """The name of a coordinate reference system, which is the first string of its WKT."""
    found = re.match(r'\s*\w+\s*\[\s*"([^"]*)"', wkt)
    return found[1] if found else None


def footprint(manifests: Sequence[Manifest]) -> dict | None:
    """The regions of datasets as a GeoJSON MultiPolygon in longitude and latitude (WGS 84).

    Returns:
        None if a dataset has no coordinate reference system that can be transformed, or without
        GDAL, which training from arrays does without.
    """
    rings = [_ring(one.export) for one in manifests]
    if None in rings:
        return None
    return {"type": "MultiPolygon", "coordinates": [[ring] for ring in rings]}


def _ring(export: Export) -> list[list[float]] | None:
    """The outline of a region in degrees, counter-clockwise and closed."""
    try:
        from osgeo import osr
    except ImportError:
        return None
    osr.UseExceptions()
    try:
        own, degrees = osr.SpatialReference(wkt=export.crs), osr.SpatialReference()
        degrees.ImportFromEPSG(LONGITUDE_LATITUDE)
        for system in (own, degrees):
            system.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
        transform = osr.CoordinateTransformation(own, degrees)
        north, south, east, west = (export.region[s] for s in ("north", "south", "east", "west"))
        corners = [(west, south), (east, south), (east, north), (west, north), (west, south)]
        moved = [transform.TransformPoint(x, y)[:2] for x, y in corners]
    except RuntimeError:
        return None
    return [[round(one, DECIMALS) for one in corner] for corner in moved]
