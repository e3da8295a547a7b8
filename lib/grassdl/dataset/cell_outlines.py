# SPDX-License-Identifier: GPL-2.0-or-later
"""Outlines of cells and rectangles of a grid, in map units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .areas import Ring

Polygon = list[Ring]
"""The outer ring, and those of the holes in it."""


def outline_of_cells(cells: np.ndarray, grid: Mapping[str, Any]) -> Polygon:
    """The outline of cells that touch along edges.

    Args:
        cells: Their rows and columns (n, 2).
        grid: `north`, `west`, `nsres` and `ewres`.
    """
    first = cells.min(axis=0)
    mask = np.zeros(cells.max(axis=0) - first + 1, np.int32)
    mask[tuple((cells - first).T)] = 1
    [(outline, _)] = outlines_of_areas(mask, first, grid)
    return outline


def outlines_of_areas(
    numbers: np.ndarray, first: Sequence[int] | np.ndarray, grid: Mapping[str, Any]
) -> list[tuple[Polygon, int]]:
    """The outline of each area of cells of one number that touch along edges, and its cells.

    Args:
        numbers: The number of each cell (rows, cols) int32; cells of 0 are of no area.
        first: Row and column of the upper left cell in the grid.
        grid: `north`, `west`, `nsres` and `ewres`.
    """
    from osgeo import gdal, ogr

    gdal.UseExceptions()
    ogr.UseExceptions()
    rows, cols = numbers.shape
    picture = gdal.GetDriverByName("MEM").Create("", cols, rows, 1, gdal.GDT_Int32)
    band = picture.GetRasterBand(1)
    # GDAL's own way from arrays takes another version of NumPy.
    band.WriteRaster(0, 0, cols, rows, numbers.astype(np.int32, copy=False).tobytes())
    drawn = ogr.GetDriverByName("Memory").CreateDataSource("")
    layer = drawn.CreateLayer("outlines", None, ogr.wkbPolygon)
    gdal.Polygonize(band, band, layer, -1, [])
    found = []
    for feature in layer:
        polygon = feature.GetGeometryRef()
        rings = (polygon.GetGeometryRef(place) for place in range(polygon.GetGeometryCount()))
        # Counted from the grid's corner, so that neighbours share their corners to the last digit.
        corners = (np.array(ring.GetPoints())[:, 1::-1] + first for ring in rings)
        found.append(([_on_grid(one, grid) for one in corners], abs(round(polygon.GetArea()))))
    return found


def outline_of_rectangle(
    row: int, rows: int, col: int, cols: int, grid: Mapping[str, Any]
) -> Polygon:
    """The outline of a rectangle of cells; arguments as `outline_of_cells` has them."""
    # Counted from the grid's corner, so that neighbours share their corners to the last digit.
    north, south = (grid["north"] - one * grid["nsres"] for one in (row, row + rows))
    west, east = (grid["west"] + one * grid["ewres"] for one in (col, col + cols))
    return [[(west, north), (east, north), (east, south), (west, south), (west, north)]]


def _on_grid(corners: np.ndarray, grid: Mapping[str, Any]) -> Ring:
    """Map coordinates of corners of cells, given by row and column (n, 2)."""
    rows, cols = corners.T.round()
    x, y = grid["west"] + cols * grid["ewres"], grid["north"] - rows * grid["nsres"]
    return list(zip(x.tolist(), y.tolist(), strict=True))
