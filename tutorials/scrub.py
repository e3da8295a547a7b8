# SPDX-License-Identifier: GPL-2.0-or-later
"""A dry slope that shrubs are taking over, as a drone sees it: the data of the first tutorial.

`write_scrub(folder)` writes what an analyst would begin with, the image and the shrubs that were
drawn in its west, and what only a synthetic scene has: all shrubs. It needs no GRASS.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.ndimage import find_objects, gaussian_filter

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "demo"))
from camera import take_photo  # noqa: E402
from landscape import (  # noqa: E402
    CELL_M,
    WHOLE,
    Landscape,
    Point,
    distance_to,
    scatter,
    smooth_curve,
    smooth_noise,
)
from materials import Material  # noqa: E402
from objects import add_crown, broadleaf_shape, object_tint  # noqa: E402

WEST_M, NORTH_M, EPSG = 152000.0, 168256.0, 31370
DRAWN_SHARE = 0.75
"""Shrubs are drawn in the western part of the scene, of this share of its width."""

CORNERS = 12
"""Of the outline of a shrub, as drawn."""

LEAST_CELLS = 20
"""Of a shrub that is drawn."""


@dataclass(frozen=True)
class Scrub:
    """The files of the scene.

    Attributes:
        image: GeoTIFF, red, green and blue in 8 bits.
        drawn: GeoJSON, outlines of the shrubs in the west.
        all_shrubs: GeoJSON, outlines of all.
        count: How many there are.
        east_m: Where the drawn part ends, map coordinate.
    """

    image: Path
    drawn: Path
    all_shrubs: Path
    count: int
    east_m: float


def write_scrub(folder: Path, cells: int = 640, seed: int = 1) -> Scrub:
    """Generate the scene of `cells` x `cells` of 0.25 m and write its files."""
    rng = np.random.default_rng(seed)
    land, shrubs = grow(rng, cells)
    folder.mkdir(parents=True, exist_ok=True)
    east_m = WEST_M + DRAWN_SHARE * cells * CELL_M
    outlines = outlines_of(shrubs, rng)
    west = [one for one in outlines if min(x for x, _ in one) < east_m]
    files = folder / "drone.tif", folder / "shrubs.geojson", folder / "all_shrubs.geojson"
    write_image(files[0], take_photo(land, rng)[:3])
    write_outlines(files[1], west)
    write_outlines(files[2], outlines)
    return Scrub(*files, len(outlines), east_m)


def grow(rng: np.random.Generator, cells: int) -> tuple[Landscape, np.ndarray]:
    """The landscape, and the number of the shrub in each of its cells; 0 is none."""
    land = Landscape.meadow(cells)
    side = cells * CELL_M
    dry = smooth_noise(rng, land.shape, 12.0) + 0.5 * smooth_noise(rng, land.shape, 3.0)
    land.paint(WHOLE, dry > -0.4, Material.DRY_GRASS)
    land.paint(WHOLE, dry > 1.7, Material.SOIL)
    land.height += 0.12 + 0.06 * smooth_noise(rng, land.shape, 2.0)
    ferns = smooth_noise(rng, land.shape, 7.0) + 0.6 * smooth_noise(rng, land.shape, 0.8) > 1.7
    land.paint(WHOLE, ferns, Material.UNDERGROWTH, height=0.5)
    land.terrain = 60 + 4 * smooth_noise(rng, land.shape, 60.0) + 0.08 * land.y
    turns = [(-4, 0.2), (0.3, 0.4), (0.55, 0.3), (0.8, 0.7), (1, 0.8)]
    path = smooth_curve([(max(x, -0.02) * side, y * side) for x, y in turns])
    away = distance_to(path, land.shape) + 0.35 * smooth_noise(rng, land.shape, 1.2)
    land.paint(WHOLE, away < 1.0, Material.SOIL, object_tint(rng, 0.1, 0.03))
    land.taken |= away < 1.5
    for point in scatter(rng, ~land.taken, 24.0):
        add_crown(land, rng, point, Material.CONIFER, rng.uniform(0.6, 1.0))
    land.taken |= land.height > 1.0
    shrubs = np.zeros(land.shape, np.int32)
    clumps = smooth_noise(rng, land.shape, 18.0) > 0.1
    for number, point in enumerate(scatter(rng, clumps & ~land.taken, 3.4), start=1):
        add_shrub(land, rng, point, shrubs, number)
    return land, shrubs


def add_shrub(
    land: Landscape, rng: np.random.Generator, center: Point, shrubs: np.ndarray, number: int
) -> None:
    """A low dome, wider than high, which covers what stands lower; most stand alone, some touch."""
    radius = float(np.clip(rng.lognormal(0.2, 0.35), 0.7, 2.6))
    window, u, v = land.frame(center, rng.uniform(0, np.pi), 5.0)
    r, theta = np.hypot(u, v), np.arctan2(v, u)
    shape = broadleaf_shape(rng, radius, radius * rng.uniform(0.7, 1.1), r, theta)
    shape = np.where(shape > 0, gaussian_filter(np.maximum(shape, 0), 0.7), -1.0)
    where = shape > land.height[window]
    vigour = np.array([0.0, 0.0, 0.0, rng.normal(0.0, 0.11)])
    tint = object_tint(rng, 0.15, 0.05) * np.exp(vigour)
    land.paint(window, where, Material.BROADLEAF, tint, shape)
    shrubs[window][where] = number


def outlines_of(shrubs: np.ndarray, rng: np.random.Generator) -> list[list[Point]]:
    """The outlines of all shrubs but those that others have covered."""
    found = []
    for number, window in enumerate(find_objects(shrubs), start=1):
        rows, cols = np.nonzero(shrubs[window] == number) if window else ((), ())
        if len(rows) >= LEAST_CELLS:
            found.append(outline(rows + window[0].start, cols + window[1].start, rng))
    return found


def outline(rows: np.ndarray, cols: np.ndarray, rng: np.random.Generator) -> list[Point]:
    """The outline of a shrub's cells in map coordinates (closed).

    As a hand draws it: each corner lies a little inside or outside.
    """
    middle = np.array([cols.mean(), rows.mean()])
    away = np.stack([cols, rows], 1) - middle
    distance = np.hypot(*away.T) + 0.5
    turns = np.arctan2(away[:, 1], away[:, 0])
    ring = []
    for turn in np.arange(CORNERS) / CORNERS * 2 * np.pi:
        apart = np.abs((turns - turn + np.pi) % (2 * np.pi) - np.pi)
        reach = distance[apart < np.pi / CORNERS].max(initial=0.5) * rng.uniform(0.93, 1.03)
        x, y = middle + 0.5 + reach * np.array([np.cos(turn), np.sin(turn)])
        ring.append((float(WEST_M + x * CELL_M), float(NORTH_M - y * CELL_M)))
    return [*ring, ring[0]]


def write_image(path: Path, counts: np.ndarray) -> None:
    """Red, green and blue as a drone's software delivers them: stretched to 8 bits."""
    from osgeo import gdal, osr

    gdal.UseExceptions()
    low, high = np.quantile(counts, (0.001, 0.999))
    shares = np.clip((counts - low) / (high - low), 0, 1)
    values = np.rint(255 * shares**0.8).astype(np.uint8)
    bands, rows, cols = values.shape
    file = gdal.GetDriverByName("GTiff").Create(
        str(path), cols, rows, bands, gdal.GDT_Byte, ["PHOTOMETRIC=RGB", "TILED=YES"]
    )
    system = osr.SpatialReference()
    system.ImportFromEPSG(EPSG)
    file.SetProjection(system.ExportToWkt())
    file.SetGeoTransform([WEST_M, CELL_M, 0, NORTH_M, 0, -CELL_M])
    file.WriteRaster(0, 0, cols, rows, values.tobytes())


def write_outlines(path: Path, outlines: list[list[Point]]) -> None:
    """GeoJSON with one polygon for each outline."""
    features = [
        {
            "type": "Feature",
            "properties": {"name": "shrub"},
            "geometry": {"type": "Polygon", "coordinates": [one]},
        }
        for one in outlines
    ]
    system = {"type": "name", "properties": {"name": f"urn:ogc:def:crs:EPSG::{EPSG}"}}
    path.write_text(json.dumps({"type": "FeatureCollection", "crs": system, "features": features}))
