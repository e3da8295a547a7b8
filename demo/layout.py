# SPDX-License-Identifier: GPL-2.0-or-later
"""Where things are: a suburb of 256 x 256 m between a stream, fields and woods.

The plan is fixed in its outline, so that every class occurs in every part of the scene and
spatial blocks can be shared out to training, validation and test; the seed moves all control
points by a few metres and decides everything else.
"""

from __future__ import annotations

import numpy as np
from landscape import (
    CELL_M,
    WHOLE,
    Landscape,
    Point,
    distance_to,
    offset,
    scatter,
    smooth_curve,
    smooth_noise,
    stations,
)
from materials import CLASS_OF_MATERIAL, CONIFEROUS, DECIDUOUS, Material
from objects import (
    Wing,
    add_building,
    add_car,
    add_crown,
    add_hedge,
    add_slab,
    house_plan,
    object_tint,
    roof_material,
)
from scipy.ndimage import distance_transform_edt

STREAM = [(-12, 38), (22, 52), (44, 84), (30, 118), (34, 150), (14, 186), (24, 222), (16, 268)]
MAIN_ROAD = [(-12, 152), (40, 134), (96, 134), (150, 120), (200, 96), (268, 92)]
SIDE_STREETS = [
    [(78, 134), (76, 104), (92, 68), (112, 38), (114, -12)],
    [(112, 38), (146, 26), (182, 32), (202, 58), (200, 96)],
    [(150, 120), (146, 154), (160, 184), (206, 202), (268, 196)],
    [(66, 134), (58, 168), (70, 196), (92, 212)],
]
PATHS = [
    [(146, 26), (150, 60), (136, 90), (140, 122)],
    [(92, 212), (120, 226), (150, 216), (176, 240), (180, 268)],
    [(-12, 84), (18, 92), (28, 70), (60, 40), (62, -12)],
    [(206, 202), (222, 226), (268, 236)],
]
PONDS = [(226, 36, 13, 9), (112, 176, 12, 8), (236, 162, 9, 7), (160, 74, 8, 6), (196, 246, 9, 6)]
CONIFER_STANDS = [
    (24, 14, 30, 20),
    (232, 128, 25, 17),
    (238, 246, 26, 17),
    (134, 76, 16, 20),
    (40, 236, 16, 24),
    (200, 14, 18, 11),
    (6, 212, 12, 22),
    (112, 108, 12, 9),
]
BROADLEAF_STANDS = [
    (12, 116, 18, 18),
    (86, 22, 15, 26),
    (124, 246, 28, 17),
    (242, 66, 20, 15),
    (172, 74, 14, 17),
    (98, 156, 11, 13),
    (214, 164, 15, 13),
    (48, 54, 10, 12),
]
FIELDS = [  # x, y, length, width, angle
    (238, 14, 44, 30, 0.15),
    (84, 236, 40, 26, -0.2),
    (22, 68, 30, 20, 0.5),
    (186, 222, 34, 22, 0.3),
    (150, 52, 22, 16, -0.3),
    (122, 196, 24, 18, 0.9),
    (244, 112, 20, 10, -0.05),
    (52, 112, 18, 16, 0.2),
]
LARGE_BUILDINGS = [  # x, y, angle, roof, wings: a school, a barn, a terrace of houses
    (
        (162, 94, -0.35),
        Material.BITUMEN,
        [Wing(0, 0, 30, 11, 6.5, 0.0), Wing(-10, -9, 10, 14, 4.5, 0.0)],
    ),
    ((24, 33, 0.3), Material.BROWN_TILE, [Wing(0, 0, 21, 10, 4.5, 0.5)]),
    ((218, 63, 1.45), Material.SLATE, [Wing(0, 0, 27, 9, 6.0, 0.7), Wing(8, -5, 6, 8, 5.0, 0.5)]),
]
CAR_PARK = (186.0, 150.0, 0.32)
LOT_TRIES = 4  # other plans and setbacks before a plot stays empty
MAIN_ROAD_HALF_M, STREET_HALF_M, PATH_HALF_M = 4.0, 2.9, 1.0


def build_landscape(rng: np.random.Generator, size: int) -> Landscape:
    """Draw the whole scene from the ground up: each step covers what lies below it."""
    land, stands = build_ground(rng, size)
    plant_trees(land, rng, stands)
    return land


def build_ground(
    rng: np.random.Generator, size: int
) -> tuple[Landscape, dict[Material, np.ndarray]]:
    """All but trees, and the cells of the woods by their species."""
    land = Landscape.meadow(size)
    land.terrain = 42.0 + 2.2 * smooth_noise(rng, land.shape, 60.0) + 0.02 * land.x
    lay_ground(land, rng)
    stands = {
        Material.CONIFER: blobs(land, rng, CONIFER_STANDS),
        Material.BROADLEAF: blobs(land, rng, BROADLEAF_STANDS),
    }
    for stand in stands.values():
        land.paint(WHOLE, stand & (land.material <= Material.UNDERGROWTH), Material.UNDERGROWTH)
    lay_fields(land, rng)
    lay_paths(land, rng)
    lay_water(land, rng)
    streets = lay_roads(land, rng)
    for (x, y, angle), roof, wings in LARGE_BUILDINGS:
        add_building(land, rng, (x, y), angle, wings, roof)
    build_car_park(land, rng)
    build_houses(land, rng, streets, wooded=stands[Material.CONIFER] | stands[Material.BROADLEAF])
    return land, stands


def plant_trees(
    land: Landscape, rng: np.random.Generator, stands: dict[Material, np.ndarray]
) -> None:
    """The woods, and trees outside them."""
    plant_stands(land, rng, stands)
    plant_open_ground(land, rng)


def jittered(rng: np.random.Generator, points: list[Point], by_m: float = 3.0) -> list[Point]:
    """The control points moved at random, except the first (a junction keeps its place)."""
    moved = np.asarray(points, float)
    moved[1:-1] += rng.uniform(-by_m, by_m, (len(points) - 2, 2))
    return [tuple(p) for p in moved]


def blobs(land: Landscape, rng: np.random.Generator, ellipses: list[tuple]) -> np.ndarray:
    """Cells inside any of the ellipses (x, y, half axes), with naturally ragged outlines."""
    ragged = 0.16 * smooth_noise(rng, land.shape, 9.0) + 0.07 * smooth_noise(rng, land.shape, 2.5)
    inside = np.zeros(land.shape, bool)
    for x, y, a, b in ellipses:
        cx, cy = x + rng.uniform(-3, 3), y + rng.uniform(-3, 3)
        inside |= np.hypot((land.x - cx) / a, (land.y - cy) / b) + ragged < 1.0
    return inside


def lay_ground(land: Landscape, rng: np.random.Generator) -> None:
    """Meadow with dry patches and slow changes of vigour."""
    dry = smooth_noise(rng, land.shape, 14.0) + 0.5 * smooth_noise(rng, land.shape, 3.0) > 1.1
    land.paint(WHOLE, dry, Material.DRY_GRASS)
    vigour = np.exp(0.10 * smooth_noise(rng, land.shape, 12.0))
    land.tint *= np.stack([1 / vigour, np.ones(land.shape), 1 / vigour, vigour])
    land.height += 0.12 + 0.06 * smooth_noise(rng, land.shape, 2.0)


def lay_fields(land: Landscape, rng: np.random.Generator) -> None:
    """Bare fields with plough rows and some that the crop has partly covered."""
    ragged = 0.8 * smooth_noise(rng, land.shape, 5.0)
    for x, y, length, width, angle in FIELDS:
        center = (x + rng.uniform(-3, 3), y + rng.uniform(-3, 3))
        window, u, v = land.frame(center, angle + rng.normal(0, 0.08), 0.6 * (length + width))
        p = ((np.abs(u) / (length / 2)) ** 6 + (np.abs(v) / (width / 2)) ** 6) ** (1 / 6)
        inside = (p - 1) * width / 2 + ragged[window] < 0
        soil = Material.DARK_SOIL if rng.random() < 0.4 else Material.SOIL
        rows = np.sin(2 * np.pi * (v + 0.3 * ragged[window]) / rng.uniform(0.9, 1.8))
        land.paint(window, inside, soil, height=0.06 + 0.06 * rows)
        tint = object_tint(rng, 0.10, 0.03)[:, None] * (1 + 0.07 * rows[inside])
        land.tint[(slice(None), *window)][:, inside] = tint
        land.taken[window] |= inside


def lay_paths(land: Landscape, rng: np.random.Generator) -> None:
    """Trodden earth tracks, bare in the middle and frayed at the edges."""
    fray = 0.35 * smooth_noise(rng, land.shape, 1.2)
    for points in PATHS:
        away = distance_to(smooth_curve(jittered(rng, points)), land.shape)
        land.paint(WHOLE, away + fray < PATH_HALF_M, Material.SOIL, object_tint(rng, 0.1, 0.03))
        land.taken |= away < PATH_HALF_M + 0.5


def lay_water(land: Landscape, rng: np.random.Generator) -> None:
    """A stream and ponds sunk into the ground, with reed along parts of the banks."""
    wobble = 0.9 * smooth_noise(rng, land.shape, 10.0)
    shore = distance_to(smooth_curve(jittered(rng, STREAM)), land.shape) - 3.4 + wobble
    ponds = blobs(land, rng, PONDS)
    edge = distance_transform_edt(~ponds) - distance_transform_edt(ponds)
    shore = np.minimum(shore, edge * CELL_M)
    reed = (shore < 0.4 + 1.3 * smooth_noise(rng, land.shape, 5.0)) & (shore >= 0)
    height = 1.2 + 0.3 * smooth_noise(rng, land.shape, 0.6)
    land.paint(WHOLE, reed, Material.REED, height=np.maximum(height, 0.3))
    murk = np.exp(0.22 * smooth_noise(rng, land.shape, 16.0))
    land.paint(WHOLE, shore < 0, Material.RIVER)
    land.tint[:, shore < 0] = murk[shore < 0]
    land.terrain -= 1.2 * np.clip(1 - shore / 5.0, 0.0, 1.0)
    land.taken |= shore < 1.5


def lay_roads(land: Landscape, rng: np.random.Generator) -> list[np.ndarray]:
    """Pave the road network with pavements and markings; returns the centre lines.

    The first is the main road. Materials differ from street to street and patches were mended.
    """
    ends = 0.12 * smooth_noise(rng, land.shape, 2.0)
    curves = [smooth_curve(MAIN_ROAD)] + [smooth_curve(jittered(rng, s)) for s in SIDE_STREETS]
    halves = [MAIN_ROAD_HALF_M] + [STREET_HALF_M] * len(SIDE_STREETS)
    away = [distance_to(curve, land.shape) + ends for curve in curves]
    end = curves[-1][-1]
    away[-1] = np.minimum(away[-1], np.hypot(land.x - end[0], land.y - end[1]) - 4.0)
    for half, distance in zip(halves, away, strict=True):
        verge = (distance < half + 1.5) & (distance >= half)
        land.paint(WHOLE, verge, Material.PAVING, object_tint(rng, 0.08, 0.03))
    mended = smooth_noise(rng, land.shape, 6.0) > 1.3
    for i in reversed(range(len(curves))):  # the main road last: junctions end at its edge
        road = away[i] < halves[i]
        surface = Material.OLD_ROAD if i % 2 else Material.ROAD
        land.paint(WHOLE, road, surface, object_tint(rng, 0.08, 0.02))
        land.paint(WHOLE, mended & road, Material.ROAD, 0.85)
        land.taken |= away[i] < halves[i] + 1.7
    for point, angle in stations(curves[0], 6.0):
        window, u, v = land.frame(point, angle, 2.5)
        land.paint(window, (np.abs(u) < 1.5) & (np.abs(v) < 0.13), Material.PAINT)
    return curves


def build_car_park(land: Landscape, rng: np.random.Generator) -> None:
    """A hall with a bright flat roof, its car park with bays, cars and two smaller sheds."""
    x, y, angle = CAR_PARK
    hall = offset((x, y), angle, 2.0, 22.0)
    add_building(land, rng, hall, angle, [Wing(0, 0, 34, 16, 7.5, 0.0)], Material.MEMBRANE)
    shed = offset((x, y), angle, -4.0, -22.0)
    add_building(land, rng, shed, angle, [Wing(0, 0, 24, 12, 5.0, 0.0)], Material.BITUMEN)
    add_slab(land, (x, y), angle, (48.0, 28.0), Material.OLD_ROAD, object_tint(rng, 0.08, 0.02))
    add_slab(land, offset((x, y), angle, -30, -2), angle, (30, 6), Material.OLD_ROAD)
    for v in (-11.0, -2.5, 2.5, 11.0):
        for u in np.arange(-21.0, 21.5, 2.6):
            bay = offset((x, y), angle, float(u), v)
            window, du, dv = land.frame(offset(bay, angle, 1.3, 0), angle, 3.5)
            land.paint(window, (np.abs(du) < 0.1) & (np.abs(dv) < 2.4), Material.PAINT, 0.8)
            if rng.random() < 0.45:
                add_car(land, rng, bay, angle + np.pi / 2 + rng.normal(0, 0.04))


def build_houses(
    land: Landscape, rng: np.random.Generator, streets: list[np.ndarray], wooded: np.ndarray
) -> None:
    """Line every street with houses on both sides, wherever there is room outside the woods."""
    land.taken |= wooded
    for i, street in enumerate(streets):
        half = MAIN_ROAD_HALF_M if i == 0 else STREET_HALF_M
        for point, angle in stations(street, float(rng.uniform(17.0, 19.0))):
            for side in (0.0, np.pi):
                any(build_lot(land, rng, point, angle + side, half) for _ in range(LOT_TRIES))
                if rng.random() < 0.2:
                    parked = offset(point, angle + side, rng.uniform(-6, 6), half - 1.1)
                    add_car(land, rng, parked, angle + rng.normal(0, 0.03))
    land.taken &= ~wooded | (land.height > 1.0) | (land.material >= Material.SOIL)


def build_lot(
    land: Landscape, rng: np.random.Generator, road: Point, angle: float, half_road: float
) -> bool:
    """One plot: house, drive with garage and car, terrace, bed or pool, lawn and hedge.

    Returns False, with nothing drawn, where the house finds no room. In the plot's axes u runs
    along the street and v from the street into the plot.
    """
    setback = half_road + 1.5 + rng.uniform(4.0, 7.0)
    turn = angle + rng.normal(0.0, 0.06)
    plan, along = house_plan(rng), rng.uniform(-2.0, 1.0)
    depth = plan[0].width
    center = offset(road, angle, along, setback + depth / 2)
    if not add_building(land, rng, center, turn + np.pi, plan, roof_material(rng)):
        return False
    plot_center = offset(road, angle, along, setback + 7.0)
    window, u, v = land.frame(plot_center, angle, 20.0)
    plot = (np.abs(u) < 9.0) & (v > -14.0) & (v < 17.0) & ~land.taken[window]
    lawn = plot & (land.material[window] <= Material.UNDERGROWTH)
    land.paint(window, lawn, Material.LAWN, object_tint(rng, 0.10, 0.04), 0.06)
    side = plan[0].length / 2 + 2.2
    add_drive(land, rng, offset(road, angle, along + side, half_road + 0.5), angle, setback)
    terrace = offset(center, angle, rng.uniform(-3, 1), depth / 2 + 2.5)
    add_slab(land, terrace, turn, (5.5, 4.0), Material.PAVING, object_tint(rng, 0.15, 0.05))
    corner = offset(center, angle, rng.uniform(-5, 5), depth / 2 + 9.5)
    fancy = rng.random()
    if fancy < 0.16:
        add_slab(land, corner, turn, (9.0, 6.0), Material.PAVING, take=False)
        add_slab(land, corner, turn, (6.8, 3.8), Material.POOL)
    elif fancy < 0.5:
        add_slab(land, corner, turn, (6.0, 4.5), Material.DARK_SOIL, object_tint(rng, 0.12, 0.03))
    elif fancy < 0.75:
        add_building(land, rng, corner, turn, [Wing(0, 0, 4, 3, 2.6, 0.2)], roof_material(rng), 2)
    hedge = offset(road, angle, along - 8.8, setback)
    add_hedge(land, rng, hedge, angle + np.pi / 2, rng.uniform(12.0, 22.0))
    return True


def add_drive(
    land: Landscape, rng: np.random.Generator, start: Point, angle: float, setback: float
) -> None:
    """A drive from the street past the house, a garage at its end, perhaps a car on it."""
    length = setback + 3.0
    middle = offset(start, angle, 0.0, length / 2)
    surface = Material.PAVING if rng.random() < 0.65 else Material.ROAD
    window, u, v = land.frame(middle, angle, length)
    lane = (np.abs(u) < 1.6) & (np.abs(v) < length / 2) & (land.height[window] < 1.0)
    lane &= ~np.isin(land.material[window], [Material.ROAD, Material.OLD_ROAD, Material.RIVER])
    land.paint(window, lane, surface, object_tint(rng, 0.12, 0.05))
    garage = offset(start, angle, 0.0, length + 2.9)
    roof = Material.BITUMEN if rng.random() < 0.7 else roof_material(rng)
    add_building(land, rng, garage, angle, [Wing(0, 0, 3.4, 5.8, 2.8, 0.0)], roof, 1)
    land.taken[window] |= lane
    if rng.random() < 0.45:
        add_car(land, rng, middle, angle + np.pi / 2 + rng.normal(0, 0.05))


def plant_stands(
    land: Landscape, rng: np.random.Generator, stands: dict[Material, np.ndarray]
) -> None:
    """Fill the woods crown by crown; one tree in twenty is of the other kind."""
    other = {Material.CONIFER: Material.BROADLEAF, Material.BROADLEAF: Material.CONIFER}
    spacing = {Material.CONIFER: 2.5, Material.BROADLEAF: 4.2}
    for species, stand in stands.items():
        for point in scatter(rng, stand & ~land.taken, spacing[species]):
            kind = other[species] if rng.random() < 0.05 else species
            add_crown(land, rng, point, kind)


def plant_open_ground(land: Landscape, rng: np.random.Generator) -> None:
    """Trees and shrubs in gardens; in the meadows only clumps of them, and open ground between."""
    open_ground = ~land.taken & (land.height < 1.0)
    room = distance_transform_edt(open_ground) * CELL_M
    garden = land.material == Material.LAWN
    clump = smooth_noise(rng, land.shape, 16.0) + 0.4 * smooth_noise(rng, land.shape, 4.0) > 0.95
    for where, spacing in ((garden & (room > 1.2), 7.5), (clump & (room > 1.2), 5.5)):
        for point in scatter(rng, where, spacing):
            species = Material.CONIFER if rng.random() < 0.35 else Material.BROADLEAF
            add_crown(land, rng, point, species, rng.uniform(0.65, 1.05))
    for point in scatter(rng, (garden | clump) & (room > 0.7), 7.0):
        add_crown(land, rng, point, Material.BROADLEAF, rng.uniform(0.3, 0.5))


def class_map(land: Landscape, close_gap_m: float = 0.5) -> np.ndarray:
    """The class of every cell; slits between crowns count as crown, as an analyst maps them."""
    labels = CLASS_OF_MATERIAL[land.material]
    trees = np.isin(labels, (CONIFEROUS, DECIDUOUS))
    away, nearest = distance_transform_edt(~trees, return_indices=True)
    inner = distance_transform_edt(away * CELL_M <= close_gap_m) * CELL_M > close_gap_m
    slit = inner & ~trees & (land.material <= Material.UNDERGROWTH)
    labels[slit] = labels[tuple(nearest)][slit]
    return labels
