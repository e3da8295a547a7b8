# SPDX-License-Identifier: GPL-2.0-or-later
"""The single things that stand in the synthetic scene: houses, halls, cars, hedges, crowns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from landscape import Landscape, Point, offset
from materials import Material
from scipy.ndimage import binary_dilation

ROOFS = [Material.RED_TILE, Material.BROWN_TILE, Material.SLATE, Material.BITUMEN]
ROOF_SHARES = [0.34, 0.22, 0.26, 0.18]


@dataclass(frozen=True)
class Wing:
    """One rectangular part of a building, in the building's own axes, metres."""

    u: float
    v: float
    length: float
    width: float
    eave: float
    pitch: float  # rise per metre towards the ridge; 0 is a flat roof

    def height(self, u: np.ndarray, v: np.ndarray) -> np.ndarray:
        """Roof height over the ground; 0 outside. The ridge runs along the longer side."""
        along, across = np.abs(u - self.u), np.abs(v - self.v)
        inside = (along <= self.length / 2) & (across <= self.width / 2)
        lengthwise = self.length >= self.width
        to_eave = self.width / 2 - across if lengthwise else self.length / 2 - along
        return np.where(inside, self.eave + self.pitch * to_eave, 0.0)


def house_plan(rng: np.random.Generator) -> list[Wing]:
    """A dwelling: a main part, often a cross wing, sometimes a lower flat extension."""
    length, width = rng.uniform(9.5, 14.5), rng.uniform(7.5, 9.5)
    eave, pitch = rng.uniform(3.2, 5.6), rng.uniform(0.55, 0.95)
    wings = [Wing(0.0, 0.0, length, width, eave, pitch)]
    if rng.random() < 0.5:
        side = rng.choice([-1.0, 1.0])
        wing_width = rng.uniform(4.5, 6.0)
        u = side * (length - wing_width) / 2
        wings.append(Wing(u, -width / 2, wing_width, rng.uniform(8.0, 11.0), eave, pitch))
    if rng.random() < 0.4:
        wings.append(Wing(rng.uniform(-2, 2), -width / 2 - 1.5, 5.0, 4.0, 3.0, 0.0))
    return wings


def roof_material(rng: np.random.Generator) -> Material:
    return ROOFS[rng.choice(len(ROOFS), p=ROOF_SHARES)]


def object_tint(rng: np.random.Generator, tone: float, colour: float) -> np.ndarray:
    """Four band factors: a common tone and a smaller colour cast, both log-normal."""
    return np.exp(rng.normal(0.0, tone) + rng.normal(0.0, colour, 4))


def add_building(
    land: Landscape,
    rng: np.random.Generator,
    center: Point,
    angle: float,
    wings: list[Wing],
    roof: Material,
    clearance_cells: int = 6,
) -> bool:
    """Put up a building unless its place is taken; True if it was built."""
    reach = max(np.hypot(abs(w.u) + w.length / 2, abs(w.v) + w.width / 2) for w in wings) + 3.0
    window, u, v = land.frame(center, angle, reach)
    height = np.max([wing.height(u, v) for wing in wings], axis=0)
    footprint = height > 0
    surroundings = binary_dilation(footprint, iterations=clearance_cells)
    if not land.contains(center) or land.taken[window][surroundings].any():
        return False
    land.paint(window, footprint, roof, object_tint(rng, 0.14, 0.035), height)
    land.taken[window] |= footprint
    add_roof_details(land, rng, window, (u, v), wings[0])
    return True


def add_roof_details(
    land: Landscape,
    rng: np.random.Generator,
    window: tuple,
    axes: tuple[np.ndarray, np.ndarray],
    wing: Wing,
) -> None:
    """Solar panels or a chimney on pitched roofs, skylights on flat ones."""
    u, v = axes
    height = land.height[window]
    if wing.pitch > 0 and rng.random() < 0.25:
        panel = (np.abs(u - rng.uniform(-1, 1)) < 2.6) & (np.abs(v - wing.width / 4) < 1.3)
        land.paint(window, panel, Material.SOLAR_PANEL, height=height)
    elif wing.pitch > 0:
        chimney = (np.abs(u - wing.length / 3) < 0.4) & (np.abs(v - 0.6) < 0.4)
        land.paint(window, chimney, Material.BROWN_TILE, height=height + 1.0)
    else:
        near = (np.abs(u) < wing.length / 2 - 2) & (np.abs(v) < wing.width / 2 - 2)
        domes = near & (np.mod(u, 5.5) < 1.1) & (np.abs(np.mod(v, 7.0) - 3.0) < 0.6)
        land.paint(window, domes, Material.MEMBRANE, 0.9, height + 0.4)


def add_slab(
    land: Landscape,
    center: Point,
    angle: float,
    size: tuple[float, float],
    material: Material,
    tint: np.ndarray | float = 1.0,
    take: bool = True,
) -> None:
    """Lay a flat patch (drive, terrace, vegetable bed, pool) on ground that is not taken."""
    length, width = size
    window, u, v = land.frame(center, angle, np.hypot(length, width) / 2 + 1)
    corner = np.hypot(
        np.maximum(np.abs(u) - length / 2 + 0.6, 0), np.maximum(np.abs(v) - width / 2 + 0.6, 0)
    )
    where = (corner <= 0.6) & ~land.taken[window]
    land.paint(window, where, material, tint)
    if take:
        land.taken[window] |= where


def add_car(land: Landscape, rng: np.random.Generator, center: Point, angle: float) -> None:
    """A parked car: rounded, 1.4 m high, white, grey, black or coloured."""
    if not land.contains(center):
        return
    window, u, v = land.frame(center, angle, 3.0)
    body = (np.abs(u) / 2.15) ** 4 + (np.abs(v) / 0.9) ** 4 <= 1.0
    tone = rng.choice([0.25, 0.45, 1.0, 1.7, 2.4])
    tint = tone * np.exp(rng.normal(0.0, rng.choice([0.03, 0.22], p=[0.75, 0.25]), 4))
    height = np.where(np.abs(u + 0.2) < 1.2, 1.45, 1.0)
    land.paint(window, body, Material.CAR, tint, height)
    glass = body & (np.abs(np.abs(u + 0.2) - 1.15) < 0.3)
    land.paint(window, glass, Material.CAR, 0.2, height)


def add_hedge(
    land: Landscape, rng: np.random.Generator, start: Point, angle: float, length: float
) -> None:
    """A clipped hedge one metre wide, in broad-leaved or (fewer) coniferous plants."""
    species = Material.CONIFER if rng.random() < 0.25 else Material.BROADLEAF
    center = offset(start, angle, length / 2, 0.0)
    window, u, v = land.frame(center, angle, length / 2 + 1)
    bend = 0.25 * np.sin(u * rng.uniform(0.3, 0.6) + rng.uniform(0, 6))
    where = (np.abs(u) < length / 2) & (np.abs(v + bend) < 0.6) & ~land.taken[window]
    height = rng.uniform(1.4, 2.4) - 0.4 * np.abs(v + bend)
    land.paint(window, where, species, object_tint(rng, 0.12, 0.05), height)


def broadleaf_shape(
    rng: np.random.Generator, radius: float, top: float, r: np.ndarray, theta: np.ndarray
) -> np.ndarray:
    """Dome on a lobed outline with large boughs bulging out of it; negative outside."""
    lobes = sum(
        rng.normal(0.0, 0.22 / k) * np.cos(k * theta + rng.uniform(0, 2 * np.pi))
        for k in range(2, 6)
    )
    edge = radius * (0.95 + 0.5 * lobes)
    inner = 1.0 - (r / edge) ** 2
    dome = top * (0.50 + 0.50 * np.sqrt(np.maximum(inner, 0.0)))
    boughs = np.zeros(r.shape)
    for _ in range(int(2.5 * radius) + 3):
        away, at = radius * np.sqrt(rng.uniform(0.0, 0.9)), rng.uniform(0, 2 * np.pi)
        apart = r**2 + away**2 - 2 * r * away * np.cos(theta - at)
        boughs = np.maximum(boughs, rng.uniform(0.5, 1.1) * np.exp(-apart / 0.9))
    return np.where(inner > 0, dome + boughs, -1.0)


def conifer_shape(
    rng: np.random.Generator, radius: float, top: float, r: np.ndarray, theta: np.ndarray
) -> np.ndarray:
    """Pointed cone whose branches stand out like the rays of a star; negative outside."""
    rays = np.cos(rng.integers(6, 9) * theta + 0.5 * r)
    edge = radius * (0.88 + 0.16 * rays)
    inner = 1.0 - r / edge
    cone = top * (0.42 + 0.58 * inner) + 0.55 * rays * np.minimum(r, 1.0)
    return np.where(inner > 0, cone, -1.0)


def add_crown(
    land: Landscape, rng: np.random.Generator, center: Point, species: Material, scale: float = 1.0
) -> None:
    """A single tree; its crown covers lower things but not what stands higher."""
    window, u, v = land.frame(center, rng.uniform(0, np.pi), 6.0)
    r, theta = np.hypot(u, v), np.arctan2(v, u)
    if species is Material.CONIFER:
        radius = scale * rng.uniform(1.5, 2.4)
        shape = conifer_shape(rng, radius, min(18.0, radius * rng.uniform(4.6, 7.4)), r, theta)
    else:
        radius = scale * rng.uniform(2.3, 4.3)
        shape = broadleaf_shape(rng, radius, min(18.0, radius * rng.uniform(2.4, 4.6)), r, theta)
    where = shape > land.height[window]
    vigour = np.array([0.0, 0.0, 0.0, rng.normal(0.0, 0.11)])
    land.paint(window, where, species, object_tint(rng, 0.17, 0.05) * np.exp(vigour), shape)
    land.trees += 1
    land.crown[window][where] = land.trees
