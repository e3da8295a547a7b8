# SPDX-License-Identifier: GPL-2.0-or-later
"""Where on Earth the patches of datasets are from."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

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

UNKNOWN = "unknown"
"""Stands for the coordinate reference system in models that do not record it."""

Ring = list[tuple[float, float]]
"""Corners of an outline, the last of which is the first."""


def area_of(manifest: Manifest) -> dict[str, Any]:
    """The area of a dataset as a JSON object: its id, coordinate system, grid and patches."""
    export = manifest.export
    sides = ("north", "south", "east", "west", "nsres", "ewres")
    return {
        "dataset_id": manifest.dataset_id,
        "crs": crs_name(export.crs),
        **ground_of(manifest).to_json(),
        **{side: export.region[side] for side in sides},
        "patches": manifest.counts,
    }


def crs_name(wkt: str) -> str | None:
    """The name of a coordinate reference system, which is the first string of its WKT."""
    found = re.match(r'[\s\w\[]*"([^"]*)"', wkt)
    return found[1] if found else None


@dataclass(frozen=True)
class Ground:
    """What coordinates mean. Places can be the same only on the same ground.

    Attributes:
        crs: Coordinate reference system as WKT; "" for none. Older models record its name only.
        project: Name of the GRASS project; "" if it is not known.
        maps: Names of the source maps.
    """

    crs: str
    project: str
    maps: frozenset[str]

    def is_shared_with(self, other: Ground) -> bool:
        """Whether equal coordinates may be the same places.

        That takes one coordinate reference system. Without any, all scenes begin at 0: there it
        takes a map in common, of the same project, or of projects of which one is not known.
        """
        if self.crs != other.crs and crs_name(self.crs) != other.crs:
            return False
        projects = {self.project, other.project} - {""}
        return bool(self.crs) or (len(projects) < 2 and not self.maps.isdisjoint(other.maps))

    def to_json(self) -> dict[str, Any]:
        """As part of a JSON object."""
        return {"wkt": self.crs, "project": self.project, "maps": sorted(self.maps)}

    @classmethod
    def from_json(cls, item: dict[str, Any]) -> Ground:
        """The reverse of `to_json`, also for the areas of older models."""
        crs = item.get("wkt", item["crs"] or UNKNOWN)
        return cls(crs, item.get("project", ""), frozenset(item.get("maps", ())))


def ground_of(manifest: Manifest) -> Ground:
    """The ground of a dataset."""
    maps = frozenset(name for band in manifest.bands for name in band.source.values())
    return Ground(manifest.export.crs, manifest.export.project, maps)


def overlap(one: Manifest, other: Manifest) -> bool:
    """Whether cells of two datasets may be the same places.

    Their regions must meet on the same ground, around the Earth if it has degrees.
    """
    first, second = one.export, other.export
    if not ground_of(one).is_shared_with(ground_of(other)):
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


def is_geographic(wkt: str) -> bool:
    """Whether coordinates are degrees of longitude and latitude."""
    return bool(re.match(r"\s*GEO(GCS|GCRS|DCRS|GRAPHICCRS|DETICCRS)\b", wkt))


def footprint(manifests: Sequence[Manifest]) -> dict[str, Any] | None:
    """The regions of datasets as a GeoJSON MultiPolygon in longitude and latitude (WGS 84).

    Returns:
        None if a dataset has no coordinate reference system that can be transformed, if it lies
        around a pole, or without GDAL, which training from arrays does without.
    """
    outlines = [_outline(one.export) for one in manifests]
    known = [one for one in outlines if one is not None]
    if len(known) < len(outlines):
        return None
    rings = [ring for outline in known for ring in _cut_at_180(outline)]
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
