# SPDX-License-Identifier: GPL-2.0-or-later
"""Areas and points of a vector map: where they lie and which categories they have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from ctypes import byref, pointer
from dataclasses import dataclass

import grass.script as gs
import numpy as np


@dataclass(frozen=True)
class TrainingSites:
    """Areas or points of a vector map that have a category.

    Attributes:
        places: Their places (n, 2) as (x, y); of an area the centre of its bounding box.
        categories: Their categories, mostly one.
    """

    places: np.ndarray
    categories: list[Sequence[int]]


def read_areas(vector: str, layer: int) -> TrainingSites:
    """The areas of a vector map that have a category in a layer."""
    import grass.lib.vector as libvector

    places, categories = [], []
    box = libvector.bound_box()
    found = libvector.Vect_new_cats_struct()
    with _opened(vector) as opened:
        for area in range(1, libvector.Vect_get_num_areas(opened) + 1):
            if not libvector.Vect_area_alive(opened, area):
                continue
            if libvector.Vect_get_area_cats(opened, area, found):
                continue
            content = found.contents
            own = [
                content.cat[place]
                for place in range(content.n_cats)
                if content.field[place] == layer
            ]
            if own:
                libvector.Vect_get_area_box(opened, area, byref(box))
                places.append(((box.W + box.E) / 2, (box.S + box.N) / 2))
                categories.append(own)
    libvector.Vect_destroy_cats_struct(found)
    return TrainingSites(np.array(places).reshape(-1, 2), categories)


@contextmanager
def _opened(vector: str) -> Iterator[object]:
    """The vector map, with its topology, as the C library knows it."""
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
    # Coordinates, among them a height where the map has one, then the category.
    lines = [line.split("|") for line in listed.split()]
    places = np.array([(float(line[0]), float(line[1])) for line in lines]).reshape(-1, 2)
    return TrainingSites(places, [[int(line[-1])] for line in lines])
