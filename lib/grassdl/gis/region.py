# SPDX-License-Identifier: GPL-2.0-or-later
"""Regions: the current one, windows of its grid, and setting one for this process alone."""

from __future__ import annotations

import ctypes
import os
from dataclasses import dataclass, replace
from typing import ClassVar

import grass.lib.gis as libgis
import grass.script as gs
import numpy as np

from .rasters import info_of

ALIGNED_CELLS = 0.01
"""Two grids are the same where their lines differ by less than this part of a cell."""

NUDGE_CELLS = 0.001
"""How far, in cells, a region is moved for reading; less than what counts as aligned."""


@dataclass(frozen=True)
class Region:
    """A grid in map units.

    Attributes:
        north, south, east, west: Edges.
        rows, cols: Number of cells.
    """

    EDGES: ClassVar[tuple[str, ...]] = ("north", "south", "east", "west")

    north: float
    south: float
    east: float
    west: float
    rows: int
    cols: int

    @classmethod
    def current(cls) -> Region:
        """The computational region of the session."""
        window = _session_window()
        edges = [getattr(window, edge) for edge in cls.EDGES]
        return cls(*edges, rows=window.rows, cols=window.cols)

    @classmethod
    def of_raster(cls, name: str) -> Region:
        """The extent and grid of a raster map."""
        info = info_of(name)
        edges = [getattr(info, edge) for edge in cls.EDGES]
        return cls(*edges, rows=info.rows, cols=info.cols)

    @property
    def nsres(self) -> float:
        """Height of a cell in map units."""
        return (self.north - self.south) / self.rows

    @property
    def ewres(self) -> float:
        """Width of a cell in map units."""
        return (self.east - self.west) / self.cols

    def window(self, row: int, rows: int, col: int, cols: int) -> Region:
        """A window of this grid, given in its rows and columns; it may lie beyond its edges."""
        north = self.north - row * self.nsres
        west = self.west + col * self.ewres
        return Region(north, north - rows * self.nsres, west + cols * self.ewres, west, rows, cols)

    def place_of(self, other: Region) -> tuple[int, int] | None:
        """Row and column of this grid where `other` begins; None where the grids differ."""
        if (
            abs(other.nsres / self.nsres - 1) * other.rows > ALIGNED_CELLS
            or abs(other.ewres / self.ewres - 1) * other.cols > ALIGNED_CELLS
        ):
            return None
        row = (self.north - other.north) / self.nsres
        col = (other.west - self.west) / self.ewres
        if abs(row - round(row)) > ALIGNED_CELLS or abs(col - round(col)) > ALIGNED_CELLS:
            return None
        return round(row), round(col)

    def cells_of(self, places: np.ndarray) -> np.ndarray:
        """Places (n, 2) given as (x, y), as rows and columns (n, 2) from the upper left corner.

        The centre of the first cell is (0.5, 0.5); places beyond the edges are beyond 0 or the
        numbers of rows and columns.
        """
        rows = (self.north - places[:, 1]) / self.nsres
        cols = (places[:, 0] - self.west) / self.ewres
        return np.stack([rows, cols], axis=-1)

    def use(self) -> None:
        """Make this the region of this process and of the modules it calls.

        The region of the user's session stays as it is. The C library keeps the region of its
        first call, so this comes before any raster map is opened.
        """
        read_from = self._nudged()
        # With the third dimension, without which g.region refuses what it is given.
        parts = gs.region_env(region3d=True).split(";")
        settings = dict(part.split(":", 1) for part in parts if part.strip())
        for resolution in ("e-w resol", "n-s resol"):
            settings.pop(resolution, None)
        for edge in self.EDGES:
            settings[edge] = f" {getattr(read_from, edge)!r}"
        settings["rows"] = f" {self.rows}"
        settings["cols"] = f" {self.cols}"
        os.environ["GRASS_REGION"] = ";".join(f"{k}:{v}" for k, v in settings.items())

    def _nudged(self) -> Region:
        """This grid, a thousandth of a cell to the south-east.

        Where a cell's centre lies on a border between two cells of a map of another resolution,
        rounding would decide which of them is read, differently for every window. Not at the
        poles, beyond which GRASS knows no region.
        """
        if _session_window().proj == libgis.PROJECTION_LL:
            return self
        down, right = NUDGE_CELLS * self.nsres, NUDGE_CELLS * self.ewres
        return replace(
            self,
            north=self.north - down,
            south=self.south - down,
            east=self.east + right,
            west=self.west + right,
        )

    def to_json(self) -> dict:
        """Edges, resolutions and size as a JSON object."""
        return {
            "north": self.north,
            "south": self.south,
            "east": self.east,
            "west": self.west,
            "nsres": self.nsres,
            "ewres": self.ewres,
            "rows": self.rows,
            "cols": self.cols,
        }


def _session_window() -> libgis.struct_Cell_head:
    """The session's region as the C library has it, which is let look again the next time."""
    libgis.G_gisinit("i.dl")
    window = libgis.struct_Cell_head()
    libgis.G_get_window(ctypes.byref(window))
    libgis.G_unset_window()
    return window
