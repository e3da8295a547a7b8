# SPDX-License-Identifier: GPL-2.0-or-later
"""Where on Earth the patches of datasets are from."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from .manifest import Export, Manifest

LONGITUDE_LATITUDE = 4326
"""EPSG code of WGS 84, which GeoJSON is in."""

DECIMALS = 7
"""Of degrees: a centimetre."""

DEGREES_AROUND = 360.0

SAME_CELLS = 0.01
"""Regions that share less than this part of a cell only touch."""

STEPS = 8
"""Parts of an edge of a region, none of which reaches half around the Earth."""

Ring = list[tuple[float, float]]
"""Corners of an outline, the last of which is the first."""


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


def overlap(one: Manifest, other: Manifest) -> bool:
    """Whether cells of two datasets may be the same places.

    Their regions must meet: in one coordinate reference system, around the Earth if it has degrees.
    Without any, all scenes begin at 0: there the datasets must have been cut from the same map of
    the same project, or of projects of which one is not known.
    """
    first, second = one.export, other.export
    if first.crs != second.crs:
        return False
    if not first.crs and not _same_maps(one, other):
        return False
    a, b = first.region, second.region
    if min(a["north"], b["north"]) <= max(a["south"], b["south"]):
        return False
    shift = b["west"] - a["west"]
    shifts = [shift]
    if is_geographic(first.crs):
        shifts = [shift % DEGREES_AROUND, shift % DEGREES_AROUND - DEGREES_AROUND]
    # After a turn around the Earth neighbours may seem to share a part of a cell.
    widths = [one["east"] - one["west"] - SAME_CELLS * one["ewres"] for one in (a, b)]
    return any(-widths[1] < one < widths[0] for one in shifts)


def _same_maps(one: Manifest, other: Manifest) -> bool:
    """Whether two datasets have a map of one project in common."""
    projects = {one.export.project, other.export.project} - {""}
    sources = [
        {name for band in own.bands for name in band.source.values()} for own in (one, other)
    ]
    return len(projects) < 2 and not sources[0].isdisjoint(sources[1])


def is_geographic(wkt: str) -> bool:
    """Whether coordinates are degrees of longitude and latitude."""
    return bool(re.match(r"\s*GEO(GCS|GCRS|DCRS|GRAPHICCRS|DETICCRS)\b", wkt))


def footprint(manifests: Sequence[Manifest]) -> dict | None:
    """The regions of datasets as a GeoJSON MultiPolygon in longitude and latitude (WGS 84).

    Returns:
        None if a dataset has no coordinate reference system that can be transformed, if it lies
        around a pole, or without GDAL, which training from arrays does without.
    """
    outlines = [_outline(one.export) for one in manifests]
    if None in outlines:
        return None
    rings = [ring for outline in outlines for ring in _cut_at_180(outline)]
    rounded = [[[round(one, DECIMALS) for one in corner] for corner in ring] for ring in rings]
    return {"type": "MultiPolygon", "coordinates": [[ring] for ring in rounded]}


def _outline(export: Export) -> Ring | None:
    """The outline of a region in degrees, counter-clockwise and closed.

    Longitudes go on beyond 180 degrees.
    """
    try:
        from osgeo import osr
    except ImportError:
        return None
    osr.UseExceptions()
    north, south, east, west = (export.region[s] for s in ("north", "south", "east", "west"))
    corners = [(west, south), (east, south), (east, north), (west, north), (west, south)]
    try:
        own, degrees = osr.SpatialReference(wkt=export.crs), osr.SpatialReference()
        degrees.ImportFromEPSG(LONGITUDE_LATITUDE)
        for system in (own, degrees):
            system.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
        transform = osr.CoordinateTransformation(own, degrees)
        moved = [transform.TransformPoint(*one)[:2] for one in _with_steps(corners)]
    except RuntimeError:
        return None
    unrolled = [moved[0]]
    for x, y in moved[1:]:
        turns = round((unrolled[-1][0] - x) / DEGREES_AROUND)
        unrolled.append((x + turns * DEGREES_AROUND, y))
    is_closed = abs(unrolled[-1][0] - unrolled[0][0]) < DEGREES_AROUND / 2
    return unrolled[::STEPS] if is_closed else None


def _with_steps(corners: Ring) -> Ring:
    """Corners, and places between them so near that none is half a turn from the next."""
    places = [
        (x + (next_x - x) * step / STEPS, y + (next_y - y) * step / STEPS)
        for (x, y), (next_x, next_y) in pairwise(corners)
        for step in range(STEPS)
    ]
    return [*places, corners[-1]]


def _cut_at_180(outline: Ring) -> Iterator[Ring]:
    """The parts of an outline on either side of 180 degrees, as RFC 7946 (3.1.9) wants it."""
    half = DEGREES_AROUND / 2
    first = math.floor((min(x for x, _ in outline) + half) / DEGREES_AROUND)
    last = math.ceil((max(x for x, _ in outline) + half) / DEGREES_AROUND)
    for turn in range(first, max(last, first + 1)):
        moved = [(x - turn * DEGREES_AROUND, y) for x, y in outline]
        if last - first > 1:
            moved = _clipped(_clipped(moved, -half, 1), half, -1)
        yield moved


def _clipped(outline: Ring, longitude: float, side: int) -> Ring:
    """The part of an outline east (1) or west (-1) of a longitude (Sutherland & Hodgman 1974)."""
    kept: Ring = []
    for (x, y), (next_x, next_y) in pairwise(outline):
        is_in, next_in = side * (x - longitude) >= 0, side * (next_x - longitude) >= 0
        if is_in:
            kept.append((x, y))
        if is_in != next_in:
            kept.append((longitude, y + (next_y - y) * (longitude - x) / (next_x - x)))
    return [*kept, kept[0]]
