# SPDX-License-Identifier: GPL-2.0-or-later
"""The embedded example: a synthetic suburb as an aerial survey would deliver it.

`make_scene(seed)` returns imagery, heights and reference labels as arrays; `training_areas`
digitises polygons in them. Nothing here needs GRASS; `project.py` turns a scene into a project.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from camera import MORNING, Sun, scan_heights, take_photo
from landscape import CELL_M, Landscape, smooth_noise
from layout import build_landscape, class_map
from materials import (
    ASPHALT,
    BARE_SOIL,
    BUILDING,
    CONIFEROUS,
    DECIDUOUS,
    HERBACEOUS,
    WATER,
)
from scipy.ndimage import distance_transform_edt

SIZE = 1024
BANDS = ("red", "green", "blue", "nir")
OUTSIDE = 0  # digital number and label of cells that the flight strip does not cover
LABEL_MARGIN_M = 1.5  # the reference stops this far inside the strip's edge


@dataclass(frozen=True)
class SceneClass:
    """A class of the legend: its map value, label and display colour."""

    value: int
    label: str
    colour: tuple[int, int, int]


CLASSES = (
    SceneClass(BARE_SOIL, "bare soil", (205, 170, 115)),
    SceneClass(HERBACEOUS, "herbaceous", (165, 215, 95)),
    SceneClass(ASPHALT, "asphalt", (125, 125, 130)),
    SceneClass(BUILDING, "building", (205, 65, 55)),
    SceneClass(CONIFEROUS, "coniferous", (15, 85, 65)),
    SceneClass(DECIDUOUS, "deciduous", (60, 155, 60)),
    SceneClass(WATER, "water", (55, 120, 205)),
)


@dataclass(frozen=True)
class Scene:
    """A generated scene. Arrays run from north to south and from west to east.

    Attributes:
        bands: (4, 1024, 1024) uint16 digital numbers in the order of `BANDS`; 0 outside.
        labels: (1024, 1024) uint8 class values; 0 outside and along the strip's edge.
        inside: (1024, 1024) bool, the cells that the flight strip covers.
        dsm, dtm: (512, 512) float32, metres, covering the whole square.
        resolution_m, height_resolution_m: cell sizes.
        west, north: map coordinates of the upper left corner in `epsg`.
    """

    bands: np.ndarray
    labels: np.ndarray
    inside: np.ndarray
    dsm: np.ndarray
    dtm: np.ndarray
    resolution_m: float = CELL_M
    height_resolution_m: float = 2 * CELL_M
    west: float = 152000.0
    north: float = 168256.0
    epsg: int = 31370
    classes: tuple[SceneClass, ...] = CLASSES


def make_scene(seed: int = 1, size: int = SIZE) -> Scene:
    """Generate the scene; the same seed gives the same scene (takes a few seconds).

    Args:
        seed: Of all that is drawn.
        size: Cells along its edge; of another size it is another scene.
    """
    rng = np.random.default_rng(seed)
    return survey(build_landscape(rng, size), rng, MORNING)


def survey(land: Landscape, rng: np.random.Generator, sun: Sun) -> Scene:
    """What a flight over a landscape delivers, and its classes."""
    inside = flight_strip(land, rng)
    bands = take_photo(land, rng, sun)
    bands[:, ~inside] = OUTSIDE
    labels = class_map(land)
    margin = distance_transform_edt(np.pad(inside, 1))[1:-1, 1:-1] * CELL_M
    labels[margin <= LABEL_MARGIN_M] = OUTSIDE
    dsm, dtm = scan_heights(land, rng)
    return Scene(bands=bands, labels=labels, inside=inside, dsm=dsm, dtm=dtm)


def flight_strip(land: Landscape, rng: np.random.Generator) -> np.ndarray:
    """Cells covered by a strip flown slightly off north, with the edges of a swaying plane."""
    sway = 0.8 * smooth_noise(rng, land.shape, 25.0)
    left, right = 13.0 - 0.045 * land.y, 254.0 - 0.045 * land.y
    across = land.x + sway
    return (across > left) & (across < right) & (land.y > 3.0 + 0.02 * land.x)
