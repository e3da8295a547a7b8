# SPDX-License-Identifier: GPL-2.0-or-later
"""Outlines of cells and rectangles of a grid, in map units."""

from __future__ import annotations

from collections.abc import Mapping
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
    from osgeo import gdal, ogr

    gdal.UseExceptions()
    ogr.UseExceptions()
    first = cells.min(axis=0)
    rows, cols = (cells.max(axis=0) - first + 1).tolist()
    mask = np.zeros((rows, cols), np.uint8)
    mask[tuple((cells - first).T)] = 1
    picture = gdal.GetDriverByName("MEM").Create("", cols, rows, 1, gdal.GDT_Byte)
    band = picture.GetRasterBand(1)
    # GDAL's own way from arrays takes another version of NumPy.
    band.WriteRaster(0, 0, cols, rows, mask.tobytes())
    drawn = ogr.GetDriverByName("Memory").CreateDataSource("")
    layer = drawn.CreateLayer("outlines", None, ogr.wkbPolygon)
    gdal.Polygonize(band, band, layer, -1, [])
    [polygon] = [feature.GetGeometryRef().Clone() for feature in layer]
    rings = (polygon.GetGeometryRef(place) for place in range(polygon.GetGeometryCount()))
    # Counted from the grid's corner, so that neighbours share their corners to the last digit.
    return [_on_grid(np.array(ring.GetPoints())[:, 1::-1] + first, grid) for ring in rings]


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
