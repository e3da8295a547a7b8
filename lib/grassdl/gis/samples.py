# SPDX-License-Identifier: GPL-2.0-or-later
"""Sample points of a vector map, and what raster maps hold there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import grass.script as gs
import numpy as np

from .raster_rows import RasterRows
from .region import Region


@dataclass(frozen=True)
class SamplePoints:
    """Points with a class.

    Attributes:
        rows, cols: The cells of the region in which they lie.
        values: Their class values, int64.
    """

    rows: np.ndarray
    cols: np.ndarray
    values: np.ndarray


def sample_points(
    vector: str, layer: str, class_of: Mapping[int, int] | None, region: Region
) -> SamplePoints:
    """The points of a vector map and their classes.

    Args:
        vector: Name of an existing vector map.
        layer: The layer whose categories are meant.
        class_of: Class value of each category; None where the categories are the classes.
        region: The region in which they must lie.

    Raises:
        ValueError: There is no point, one has no class, or one lies outside the region.
    """
    listed = gs.read_command(
        "v.out.ascii",
        input=vector,
        layer=layer,
        type="point",
        format="point",
        separator="comma",
        precision=12,
        quiet=True,
    )
    lines = [line.split(",") for line in listed.splitlines()]
    if not lines:
        raise ValueError(f"Vector map <{vector}> has no points with a category in layer {layer}")
    categories = [int(line[-1]) for line in lines]
    if class_of is not None:
        without = [category for category in categories if category not in class_of]
        if without:
            raise ValueError(
                f"{len(without)} of {len(lines)} points of <{vector}> have no class, the first is "
                f"that of category {without[0]}: give all a class, or extract those that have one"
            )
        categories = [class_of[category] for category in categories]
    places = np.array([line[:2] for line in lines], np.float64)
    rows, cols = _cells_of(places, vector, region)
    return SamplePoints(rows, cols, np.array(categories, np.int64))


def _cells_of(places: np.ndarray, vector: str, region: Region) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of places (points, 2) given as east and north."""
    cols = np.floor((places[:, 0] - region.west) / region.ewres).astype(np.int64)
    rows = np.floor((region.north - places[:, 1]) / region.nsres).astype(np.int64)
    outside = (rows < 0) | (rows >= region.rows) | (cols < 0) | (cols >= region.cols)
    if outside.any():
        east, north = places[outside.argmax()]
        raise ValueError(
            f"{np.count_nonzero(outside)} of {len(places)} points of <{vector}> lie outside the "
            f"region, the first at {east:.10g}, {north:.10g}: enlarge the region or extract the "
            "points in it"
        )
    return rows, cols


def values_at(raster: RasterRows, points: SamplePoints) -> np.ndarray:
    """What a raster map holds at the points; only the rows with points are read."""
    values = np.empty(len(points.rows), raster.dtype)
    for row in np.unique(points.rows):
        here = points.rows == row
        values[here] = raster.read(int(row), 1)[0, points.cols[here]]
    return values
