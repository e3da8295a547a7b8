# SPDX-License-Identifier: GPL-2.0-or-later
"""Sample points of a vector map, and the values of raster maps at them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ...core.readers import RowReader
from ..raster.region import Region
from .sites import read_points


@dataclass(frozen=True)
class SamplePoints:
    """Points with a class or value.

    Attributes:
        rows, cols: The cells of the region in which they lie.
        values: Their class values, int64, or values, float64.
    """

    rows: np.ndarray
    cols: np.ndarray
    values: np.ndarray


def sample_points(
    vector: str,
    layer: str,
    label_of: Mapping[int, int] | Mapping[int, float] | None,
    region: Region,
    noun: str = "class",
) -> SamplePoints:
    """The points of a vector map and their classes or values.

    Args:
        vector: Name of an existing vector map.
        layer: The layer of the categories.
        label_of: Class value, or value, of each category; None where the categories are the
            classes.
        region: The region in which they must lie.
        noun: "class" or "value", for messages.

    Raises:
        ValueError: There is no point, one has no class or value, or one lies outside the region.
    """
    sites = read_points(vector, layer)
    if not sites.categories:
        raise ValueError(f"Vector map <{vector}> has no points with a category in layer {layer}")
    categories = [own[0] for own in sites.categories]
    labels = categories if label_of is None else _labels(categories, label_of, vector, noun)
    rows, cols = _cells_within(sites.places, vector, region)
    return SamplePoints(rows, cols, np.array(labels))


def _labels(
    categories: list[int],
    label_of: Mapping[int, int] | Mapping[int, float],
    vector: str,
    noun: str,
) -> list[int] | list[float]:
    """The label of each category, which all must have."""
    without = [category for category in categories if category not in label_of]
    if without:
        raise ValueError(
            f"{len(without)} of {len(categories)} points of <{vector}> have no {noun}, the "
            f"first is that of category {without[0]}: give all a {noun}, or extract those "
            "that have one"
        )
    return [label_of[category] for category in categories]


def _cells_within(places: np.ndarray, vector: str, region: Region) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of positions (points, 2) given as east and north."""
    rows, cols = np.floor(region.cells_of(places)).astype(np.int64).T
    outside = (rows < 0) | (rows >= region.rows) | (cols < 0) | (cols >= region.cols)
    if outside.any():
        east, north = places[outside.argmax()]
        raise ValueError(
            f"{np.count_nonzero(outside)} of {len(places)} points of <{vector}> lie outside the "
            f"region, the first at {east:.10g}, {north:.10g}: enlarge the region or extract the "
            "points in it"
        )
    return rows, cols


def values_at(raster: RowReader, points: SamplePoints) -> tuple[np.ndarray, np.ndarray]:
    """Values of a raster map at the points (points,), and at which it is NULL; only the rows with
    points are read."""
    values, null = np.empty(len(points.rows), raster.dtype), np.empty(len(points.rows), bool)
    for row in np.unique(points.rows):
        here = points.rows == row
        values[here], null[here] = (one[0, points.cols[here]] for one in raster.read(int(row), 1))
    return values, null
