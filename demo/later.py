# SPDX-License-Identifier: GPL-2.0-or-later
"""The suburb at a second date: buildings added and trees felled, in another season and light.

What else differs is no change that is looked for, but looks like one: shadows fall to another side,
grass is dry, fields are ploughed or green, and the sensor records less light.
"""

from __future__ import annotations

from copy import deepcopy

import numpy as np
from camera import Sun
from landscape import CELL_M, Landscape, scatter, smooth_noise
from layout import build_ground, plant_trees
from materials import BUILDING, CLASS_OF_MATERIAL, CONIFEROUS, DECIDUOUS, Material
from objects import add_building, house_plan, roof_material
from scene import MORNING, OUTSIDE, SIZE, Scene, SceneClass, survey
from scipy.ndimage import distance_transform_edt, label

NO_CHANGE, BUILT, FELLED = 1, 2, 3
CHANGES = (
    SceneClass(NO_CHANGE, "no change", (225, 225, 220)),
    SceneClass(BUILT, "building added", (205, 65, 55)),
    SceneClass(FELLED, "tree felled", (60, 155, 60)),
)

AFTERNOON = Sun(213.0, 56.0)
SINGLE_TREES = 0.08  # share of the trees that are felled one by one
HOUSE_EVERY_M, ROOM_M = 15.0, 7.0
FIELD_M2 = 60.0  # larger areas of bare soil are fields, not paths
SENSOR = np.array([0.88, 0.90, 0.92, 0.86])  # of the light at the first date, by band
DRY_GRASS = np.array([1.30, 1.12, 1.18, 0.88])  # of the reflectance at the first date, by band


def make_two_dates(seed: int = 1, size: int = SIZE) -> tuple[Scene, Scene]:
    """The scene of `make_scene(seed)`, and the same place later.

    Fewer cells give another scene, not a part of it.
    """
    rng = np.random.default_rng(seed)
    land, stands = build_ground(rng, size)
    ground = deepcopy(land)
    plant_trees(land, rng, stands)
    before = survey(land, rng, MORNING)
    rng = np.random.default_rng([seed, 1])
    fell_trees(land, ground, rng)
    build_houses(land, rng)
    change_season(land, rng)
    return before, survey(land, rng, AFTERNOON)


def changes(before: Scene, after: Scene) -> np.ndarray:
    """The change of every cell (rows, cols) uint8; `OUTSIDE` where a date has no class."""
    is_tree = [np.isin(one.labels, (CONIFEROUS, DECIDUOUS)) for one in (before, after)]
    found = np.full(before.labels.shape, NO_CHANGE, np.uint8)
    found[is_tree[0] & ~is_tree[1]] = FELLED
    found[(before.labels != BUILDING) & (after.labels == BUILDING)] = BUILT
    found[(before.labels == OUTSIDE) | (after.labels == OUTSIDE)] = OUTSIDE
    return found


def fell_trees(land: Landscape, ground: Landscape, rng: np.random.Generator) -> None:
    """Cut whole crowns, in clearings and one by one: what is below them is seen again.

    Trees above roofs stay: a roof that comes into sight is not built.
    """
    clearing = smooth_noise(rng, land.shape, 18.0) > 1.0
    crowns = land.crown.ravel()
    cells = np.bincount(crowns)
    felled = np.bincount(crowns, clearing.ravel()) > 0.5 * cells
    felled |= rng.random(len(cells)) < SINGLE_TREES
    roof = (CLASS_OF_MATERIAL[ground.material] == BUILDING).ravel()
    felled &= np.bincount(crowns, roof) == 0
    felled[0] = False
    where = felled[land.crown]
    land.material[where] = ground.material[where]
    land.height[where] = ground.height[where]
    land.tint[:, where] = ground.tint[:, where]
    land.crown[where] = 0


def build_houses(land: Landscape, rng: np.random.Generator) -> None:
    """Put up houses in clearings, fields and meadows, wherever there is room."""
    land.taken = (land.height > 1.0) | (land.material > Material.DARK_SOIL)
    room = distance_transform_edt(~land.taken) * CELL_M
    for point in scatter(rng, room > ROOM_M, HOUSE_EVERY_M):
        angle = rng.uniform(0, np.pi)
        add_building(land, rng, point, angle, house_plan(rng), roof_material(rng))


def change_season(land: Landscape, rng: np.random.Generator) -> None:
    """Dry the grass, let fields turn green, plough some meadows, and record less light."""
    grass = land.material <= Material.DRY_GRASS
    land.tint[:, grass] *= DRY_GRASS[:, None]
    soil = np.isin(land.material, (Material.SOIL, Material.DARK_SOIL))
    fields, number = label(soil)
    large = np.bincount(fields.ravel()) * CELL_M**2 > FIELD_M2
    green = large & (rng.random(number + 1) < 0.6)
    green[0] = False
    land.material[green[fields]] = Material.LAWN
    ploughed = (land.material == Material.MEADOW) & (smooth_noise(rng, land.shape, 20.0) > 1.5)
    land.material[ploughed] = Material.SOIL
    land.tint *= SENSOR[:, None, None]
