# SPDX-License-Identifier: GPL-2.0-or-later
"""The cells of one map of a band on the region's grid, resampled if necessary."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from ...core.bands import Transform, decibel
from ...core.resampling import NEAREST, Axis, effective_method, resample
from ..raster.info import mask_name
from ..raster.region import Region
from ..raster.rows import RasterRows, SourceRows, is_null

SOURCE_CELLS = 2_000_000
"""Cells of a map of another grid that are in memory at once."""

_TRANSFORMS = {"db": decibel}


class Plane(Protocol):
    """One map on the region's grid."""

    def read(self, row: int, rows: int) -> np.ndarray:
        """Rows `row` to `row + rows` in the map's own type; `rows.is_null` gives NULL."""

    def null(self, row: int, rows: int) -> np.ndarray:
        """Which cells of these rows are NULL."""

    def close(self) -> None:
        """Close the map."""


class ResampledRows:
    """Reads a raster map of another grid, resampled from its own cells, as a `Plane`.

    Args:
        name: The map.
        grid: Its grid.
        region: The wanted grid.
        method: "bilinear", "bicubic" or "average".
    """

    def __init__(self, name: str, grid: Region, region: Region, method: str):
        self._source = SourceRows(name)
        self._method = method
        grid = region.beside(grid)
        self._rows = Axis(
            (grid.north - region.north) / grid.nsres, region.nsres / grid.nsres, grid.rows
        )
        cols = Axis(
            (region.west - grid.west) / grid.ewres,
            region.ewres / grid.ewres,
            grid.cols,
            around=None if grid.turn is None else grid.turn / grid.ewres,
        )
        self._cols = cols.taps(method, 0, region.cols)
        # A row of a coarse region covers many rows of the map.
        self._step = max(1, int(SOURCE_CELLS / (grid.cols * self._rows.ratio)))
        mask = mask_name()
        self._mask = RasterRows(mask) if mask else None

    def read(self, row: int, rows: int) -> np.ndarray:
        """See `Plane.read`; the session's mask is applied on the region's grid."""
        values = np.empty((rows, len(self._cols.inside)), np.float32)
        for start in range(0, rows, self._step):
            part = values[start : start + self._step]
            taps = self._rows.taps(self._method, row + start, len(part))
            first, count = taps.span
            source = self._source.read(first, count)
            part[:] = resample(source, first, taps, self._cols, self._method)
        if self._mask is not None:
            shown = self._mask.read(row, rows)
            values[is_null(shown) | (shown == 0)] = np.nan
        return values

    def null(self, row: int, rows: int) -> np.ndarray:
        """See `Plane.null`."""
        return is_null(self.read(row, rows))

    def close(self) -> None:
        """Close the mask; the map itself is open only while it is read."""
        if self._mask is not None:
            self._mask.close()


class TransformedRows:
    """A `Plane` of transformed values; NULL where the transform is undefined.

    Args:
        plane: The values.
        transform: The transform.
    """

    def __init__(self, plane: Plane, transform: Transform):
        self._plane, self._transform = plane, _TRANSFORMS[transform]

    def read(self, row: int, rows: int) -> np.ndarray:
        """See `Plane.read`."""
        values = self._plane.read(row, rows)
        return np.where(is_null(values), np.float32(np.nan), self._transform(values))

    def null(self, row: int, rows: int) -> np.ndarray:
        """See `Plane.null`."""
        return is_null(self.read(row, rows))

    def close(self) -> None:
        """See `Plane.close`."""
        self._plane.close()


def method_for(grid: Region, region: Region, method: str) -> str:
    """How a map of some grid is resampled to the region's; "nearest" for cells on that grid."""
    if method == NEAREST or region.place_of(grid):
        return NEAREST
    return effective_method(method, (region.nsres / grid.nsres, region.ewres / grid.ewres))


def open_plane(name: str, region: Region, method: str, transform: Transform | None) -> Plane:
    """A map on the region's grid.

    Args:
        name: The map.
        region: The region that this process uses.
        method: How it is resampled to that grid if its own is another one.
        transform: Transformation of its values there, or None.
    """
    grid = Region.of_raster(name)
    method = method_for(grid, region, method)
    plain: Plane
    if method == NEAREST:
        plain = RasterRows(name)
    else:
        plain = ResampledRows(name, grid, region, method)
    return TransformedRows(plain, transform) if transform else plain
