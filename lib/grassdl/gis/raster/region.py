# SPDX-License-Identifier: GPL-2.0-or-later
"""Regions: the current one, windows of its grid, and setting one for this process only."""

from __future__ import annotations

import ctypes
import os
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import grass.lib.gis as libgis
import grass.script as gs
import numpy as np

from .info import info_of

ALIGNED_CELLS = 0.01
"""Two grids are equal if their lines differ by less than this part of a cell."""

NUDGE_CELLS = 0.001
"""Shift in cells of a region for reading; less than the tolerance of aligned grids."""

LARGEST_STRIDE = 256
"""In cells; windows of a network give equal results if they differ by a multiple of its stride."""

DEGREES_AROUND = 360.0
"""Period of longitude: in latitude-longitude 181 degrees east are 179 degrees west."""

SOUTH_POLE = -90.0
"""The southern limit of maps in latitude-longitude."""


@dataclass(frozen=True)
class Region:
    """A grid in map units.

    Attributes:
        north, south, east, west: Edges.
        rows, cols: Number of cells.
        turn: Period of eastings in map units; None if they are not periodic.
    """

    EDGES: ClassVar[tuple[str, ...]] = ("north", "south", "east", "west")

    north: float
    south: float
    east: float
    west: float
    rows: int
    cols: int
    turn: float | None = None

    @classmethod
    def current(cls) -> Region:
        """The computational region of the session."""
        window = _session_window()
        edges = {edge: getattr(window, edge) for edge in cls.EDGES}
        return cls(**edges, rows=window.rows, cols=window.cols, turn=_turn())

    @classmethod
    def of_raster(cls, name: str) -> Region:
        """The extent and grid of a raster map."""
        info = info_of(name)
        edges = {edge: getattr(info, edge) for edge in cls.EDGES}
        return cls(**edges, rows=info.rows, cols=info.cols, turn=_turn())

    @property
    def size(self) -> str:
        """Rows and columns, for messages."""
        return f"{self.rows} x {self.cols} cells"

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
        south, east = north - rows * self.nsres, west + cols * self.ewres
        return replace(self, north=north, south=south, east=east, west=west, rows=rows, cols=cols)

    def in_blocks(self, edge: int) -> Region:
        """The grid with cells of `edge` by `edge` cells of this one, from its upper left corner; it
        extends as far to the south and east as its cells need.

        Raises:
            ValueError: That is beyond the South Pole, where GRASS allows no map.
        """
        if edge == 1:
            # Exact edges, which `window` would round.
            return self
        rows, cols = -(-self.rows // edge), -(-self.cols // edge)
        whole = self.window(0, rows * edge, 0, cols * edge)
        if self.turn is not None and whole.south < SOUTH_POLE - ALIGNED_CELLS * self.nsres:
            beyond = self.rows - (rows - 1) * edge
            raise ValueError(
                f"The last blocks of {edge} x {edge} cells reach beyond the South Pole: let the "
                f"region end {beyond} rows further north"
            )
        return replace(whole, rows=rows, cols=cols)

    def turned(self, eastings: float | np.ndarray) -> float | np.ndarray:
        """Eastings, shifted by whole turns around the Earth to be nearest to the middle of this
        grid.

        GRASS gives a region east of 180 degrees as one in the west, whatever the longitudes of a
        map.
        """
        if self.turn is None:
            return eastings
        middle = (self.west + self.east) / 2
        return eastings + self.turn * np.round((middle - eastings) / self.turn)

    def beside(self, other: Region) -> Region:
        """The grid of `other`, shifted by whole turns to be nearest to this one."""
        middle = (other.west + other.east) / 2
        moved = float(self.turned(middle) - middle)
        return replace(other, west=other.west + moved, east=other.east + moved)

    def place_of(self, other: Region) -> tuple[int, int] | None:
        """Row and column of this grid where `other` begins; None if the grids differ."""
        other = self.beside(other)
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
        """Positions (n, 2), given as (x, y), as rows and columns (n, 2) from the upper left corner.

        The centre of the first cell is (0.5, 0.5); positions outside are below 0 or above the
        numbers of rows and columns.
        """
        rows = (self.north - places[:, 1]) / self.nsres
        cols = (self.turned(places[:, 0]) - self.west) / self.ewres
        return np.stack([rows, cols], axis=-1)

    def has(self, cells: np.ndarray) -> np.ndarray:
        """Which positions (n,), as `cells_of` gives them (n, 2), lie in this grid."""
        return np.all((cells >= 0) & (cells < (self.rows, self.cols)), axis=1)

    def span_of(self, left: int, cols: int) -> tuple[int, int]:
        """First column, and the one after the last, of a map on this grid, for a network.

        A region across the edge of a map around the Earth holds cells of both its ends. Such a map
        has no edge there: it is as wide as the Earth, and its ends are about opposite to the
        region, at a distance that has no effect with strides up to `LARGEST_STRIDE`.

        Args:
            left: Column of this grid where the map begins, as `place_of` gives it.
            cols: Columns of the map.
        """
        if self.turn is None:
            return left, left + cols
        around = int(self.turn / self.ewres + ALIGNED_CELLS)
        if left + cols <= around and left + around >= self.cols:
            return left, left + cols
        spare = around - self.cols
        opposite, step = -(spare // 2), LARGEST_STRIDE
        while True:
            first = left + round((opposite - left) / step) * step
            if step == 1 or abs(first - opposite) <= spare / 4:
                return first, first + around
            step //= 2

    def use(self) -> None:
        """Make this the region of this process and of the modules it calls.

        The region of the user's session is not changed. The C library keeps the region of its
        first call, so this comes before any raster map is opened.
        """
        os.environ["GRASS_REGION"] = self.for_modules()

    def for_modules(self) -> str:
        """This region as value of the environment variable GRASS_REGION of modules."""
        read_from = self._nudged()
        # With the third dimension, without which g.region refuses it.
        parts = gs.region_env(region3d=True).split(";")
        settings = dict(part.split(":", 1) for part in parts if part.strip())
        for resolution in ("e-w resol", "n-s resol"):
            settings.pop(resolution, None)
        for edge in self.EDGES:
            settings[edge] = f" {getattr(read_from, edge)!r}"
        settings["rows"] = f" {self.rows}"
        settings["cols"] = f" {self.cols}"
        return ";".join(f"{k}:{v}" for k, v in settings.items())

    def _nudged(self) -> Region:
        """This grid, shifted by a thousandth of a cell to the south-east.

        Where a cell's centre lies on a border between two cells of a map of another resolution,
        rounding would decide which of them is read, differently for every window. It is not shifted
        at the poles, beyond which GRASS allows no region.
        """
        if self.turn is not None:
            return self
        down, right = NUDGE_CELLS * self.nsres, NUDGE_CELLS * self.ewres
        return replace(
            self,
            north=self.north - down,
            south=self.south - down,
            east=self.east + right,
            west=self.west + right,
        )

    def to_json(self) -> dict[str, Any]:
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


def _turn() -> float | None:
    """Period of longitude in degrees in the session's project; None if there is none."""
    is_geographic = _session_window().proj == libgis.PROJECTION_LL
    return DEGREES_AROUND if is_geographic else None


def _session_window() -> libgis.struct_Cell_head:
    """The session's region in the C library, which is read anew by the next call."""
    libgis.G_gisinit("i.dl")
    window = libgis.struct_Cell_head()
    libgis.G_get_window(ctypes.byref(window))
    libgis.G_unset_window()
    return window
