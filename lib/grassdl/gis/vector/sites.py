# SPDX-License-Identifier: GPL-2.0-or-later
"""Areas and points of a vector map: their positions and categories."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from ctypes import byref, c_double, pointer
from dataclasses import dataclass
from itertools import product

import grass.script as gs
import numpy as np

from ...core.classes import MapClass
from ..raster.region import Region

MOST_CENTRES = 10_000
"""Most cell centres among which one is searched for in an area; an area with more around it is not
small."""

LISTED_CLASSES = 5
"""Most classes in a sentence."""


@dataclass(frozen=True)
class TrainingSites:
    """Areas or points of a vector map that have a category.

    Attributes:
        places: Their positions (n, 2) as (x, y); of an area the centre of its bounding box, or a
            point in it if that lies outside.
        categories: Their categories, mostly one.
        label_cells: Which of them label a cell if it is in the region, (n,) bool.
    """

    places: np.ndarray
    categories: Sequence[Sequence[int]]
    label_cells: np.ndarray

    def chosen(self, places: Sequence[int]) -> TrainingSites:
        """A subset of the sites."""
        categories = [self.categories[place] for place in places]
        return TrainingSites(self.places[places], categories, self.label_cells[places])


def read_areas(vector: str, layer: int, region: Region) -> TrainingSites:
    """The areas of a vector map that have a category in a layer.

    Args:
        vector: Name of the map.
        layer: Number of the layer.
        region: The grid; an area labels the cells whose centres lie in it, as for v.to.rast.
    """

    places, categories, label_cells = [], [], []
    with opened_vector(vector) as opened:
        for number, own in area_categories(opened).items():
            if layer in own:
                area = _Area(opened, number)
                places.append(area.place)
                categories.append(own[layer])
                label_cells.append(area.holds_centre(region))
    return TrainingSites(np.array(places).reshape(-1, 2), categories, np.array(label_cells, bool))


def area_categories(opened: object) -> dict[int, dict[int, list[int]]]:
    """The categories by layer of the areas of an opened vector map that have one, by area."""
    import grass.lib.vector as libvector

    areas: dict[int, dict[int, list[int]]] = {}
    found = libvector.Vect_new_cats_struct()
    for number in range(1, libvector.Vect_get_num_areas(opened) + 1):
        if not libvector.Vect_area_alive(opened, number):
            continue
        if libvector.Vect_get_area_cats(opened, number, found):
            continue
        content, own = found.contents, areas.setdefault(number, {})
        for place in range(content.n_cats):
            own.setdefault(content.field[place], []).append(content.cat[place])
    libvector.Vect_destroy_cats_struct(found)
    return areas


class _Area:
    """An area of an opened vector map."""

    def __init__(self, opened: object, number: int):
        import grass.lib.vector as libvector

        self._opened, self._number = opened, number
        self._box = libvector.bound_box()
        libvector.Vect_get_area_box(opened, number, byref(self._box))
        x, y = c_double(), c_double()
        libvector.Vect_get_point_in_area(opened, number, byref(x), byref(y))
        self._inner = x.value, y.value

    def _holds(self, x: float, y: float) -> bool:
        import grass.lib.vector as libvector

        held = libvector.Vect_point_in_area(x, y, self._opened, self._number, byref(self._box))
        return bool(held)

    @property
    def place(self) -> tuple[float, float]:
        """The centre of its bounding box if that lies in it, else another point in it."""
        centre = (self._box.W + self._box.E) / 2, (self._box.S + self._box.N) / 2
        return centre if self._holds(*centre) else self._inner

    def holds_centre(self, region: Region) -> bool:
        """Whether it holds the centre of a cell."""
        # Relative to a point in it, so that the range of longitudes does not matter.
        x, y = self._inner
        row, col = region.cells_of(np.array([self._inner]))[0]

        def holds_one(rows: range, cols: range) -> bool:
            return any(
                self._holds(x + (j + 0.5 - col) * region.ewres, y - (i + 0.5 - row) * region.nsres)
                for i, j in product(rows, cols)
            )

        box = self._box
        rows = _centres(row - (box.N - y) / region.nsres, row + (y - box.S) / region.nsres)
        cols = _centres(col - (x - box.W) / region.ewres, col + (box.E - x) / region.ewres)
        near = (range(int(np.floor(one)) - 1, int(np.floor(one)) + 2) for one in (row, col))
        return holds_one(*near) or len(rows) * len(cols) > MOST_CENTRES or holds_one(rows, cols)


def _centres(low: float, high: float) -> range:
    """The cells whose centres lie from `low` to `high`, both in cells."""
    return range(int(np.ceil(low - 0.5)), int(np.floor(high - 0.5)) + 1)


def too_small(
    sites: TrainingSites,
    table: Mapping[int, MapClass],
    region: Region,
    vector: str,
    noun: str = "class",
) -> list[str]:
    """A sentence about areas in the region that label no cell, if there are any.

    Args:
        sites: The areas.
        table: Class by category.
        region: The grid.
        vector: Name of their map.
        noun: What the table holds.
    """
    cells = region.cells_of(sites.places)
    inside = region.has(cells)
    labels = [table[own[0]].label if own[0] in table else None for own in sites.categories]
    there = Counter(label for label, here in zip(labels, inside, strict=True) if here)
    lost = Counter(
        label
        for label, here, found in zip(labels, inside, sites.label_cells, strict=True)
        if here and not found
    )
    del lost[None]
    if not lost:
        return []
    told = [
        f"{count} of {there[label]} of {noun} <{label}>"
        for label, count in lost.most_common(LISTED_CLASSES)
    ]
    listed = ", ".join(told) + (", ..." if len(lost) > LISTED_CLASSES else "")
    return [
        f"Areas of <{vector}> that cover no cell centre and label nothing: {listed}; set a finer "
        "resolution with g.region, or take points instead of areas"
    ]


@contextmanager
def opened_vector(vector: str) -> Iterator[object]:
    """The vector map, with its topology, in the C library."""
    import grass.lib.gis as libgis
    import grass.lib.vector as libvector

    libgis.G_gisinit("i.dl")
    opened = pointer(libvector.Map_info())
    libvector.Vect_set_open_level(2)
    libvector.Vect_open_old(opened, vector, "")
    try:
        yield opened
    finally:
        libvector.Vect_close(opened)


def read_points(vector: str, layer: str) -> TrainingSites:
    """The points of a vector map that have a category in a layer."""
    listed = gs.read_command(
        "v.out.ascii", input=vector, type="point", layer=layer, separator="pipe", precision=15,
        quiet=True,
    )  # fmt: skip
    # Coordinates, including a height if the map has one, then the category.
    lines = [line.split("|") for line in listed.split()]
    places = np.array([(float(line[0]), float(line[1])) for line in lines]).reshape(-1, 2)
    categories = [[int(line[-1])] for line in lines]
    return TrainingSites(places, categories, np.ones(len(lines), bool))
