# SPDX-License-Identifier: GPL-2.0-or-later
"""What the scene's ground, roofs and plants are made of: class, reflectance and texture.

The table holds the difficulty of the classification. Several materials of different classes
share a spectrum on purpose: slate and bitumen roofs with asphalt, paving with bare soil, brown
tiles with dark soil, conifers with shaded broad-leaved crowns, water with asphalt in shadow.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

import numpy as np

BARE_SOIL, HERBACEOUS, ASPHALT, BUILDING, CONIFEROUS, DECIDUOUS, WATER = range(1, 8)


class Material(IntEnum):
    """Identifiers of the materials, as stored in `Landscape.material`."""

    MEADOW = 0
    LAWN = 1
    DRY_GRASS = 2
    UNDERGROWTH = 3
    REED = 4
    SOIL = 5
    DARK_SOIL = 6
    ROAD = 7
    OLD_ROAD = 8
    PAVING = 9
    PAINT = 10
    CAR = 11
    RED_TILE = 12
    BROWN_TILE = 13
    SLATE = 14
    BITUMEN = 15
    MEMBRANE = 16
    SOLAR_PANEL = 17
    CONIFER = 18
    BROADLEAF = 19
    RIVER = 20
    POOL = 21


class Surface(NamedTuple):
    """How one material looks: reflectance 0..1 per band, texture as relative deviations."""

    class_value: int
    red: float
    green: float
    blue: float
    nir: float
    grain: float  # fine texture, about one cell wide
    mottle: float  # coarse texture, about one metre wide


SURFACES: dict[Material, Surface] = {
    Material.MEADOW: Surface(HERBACEOUS, 0.105, 0.130, 0.070, 0.36, 0.10, 0.11),
    Material.LAWN: Surface(HERBACEOUS, 0.078, 0.120, 0.058, 0.42, 0.07, 0.09),
    Material.DRY_GRASS: Surface(HERBACEOUS, 0.175, 0.160, 0.098, 0.31, 0.10, 0.13),
    Material.UNDERGROWTH: Surface(HERBACEOUS, 0.080, 0.090, 0.055, 0.28, 0.12, 0.15),
    Material.REED: Surface(HERBACEOUS, 0.095, 0.105, 0.060, 0.29, 0.16, 0.16),
    Material.SOIL: Surface(BARE_SOIL, 0.215, 0.170, 0.127, 0.275, 0.08, 0.10),
    Material.DARK_SOIL: Surface(BARE_SOIL, 0.150, 0.124, 0.100, 0.190, 0.09, 0.11),
    Material.ROAD: Surface(ASPHALT, 0.115, 0.114, 0.112, 0.128, 0.05, 0.05),
    Material.OLD_ROAD: Surface(ASPHALT, 0.158, 0.146, 0.130, 0.176, 0.06, 0.07),
    Material.PAVING: Surface(ASPHALT, 0.200, 0.176, 0.150, 0.238, 0.08, 0.06),
    Material.PAINT: Surface(ASPHALT, 0.330, 0.330, 0.320, 0.340, 0.05, 0.05),
    Material.CAR: Surface(ASPHALT, 0.180, 0.180, 0.180, 0.190, 0.05, 0.10),
    Material.RED_TILE: Surface(BUILDING, 0.235, 0.125, 0.088, 0.290, 0.08, 0.06),
    Material.BROWN_TILE: Surface(BUILDING, 0.160, 0.118, 0.092, 0.205, 0.08, 0.06),
    Material.SLATE: Surface(BUILDING, 0.112, 0.113, 0.117, 0.126, 0.06, 0.05),
    Material.BITUMEN: Surface(BUILDING, 0.156, 0.148, 0.136, 0.172, 0.06, 0.08),
    Material.MEMBRANE: Surface(BUILDING, 0.400, 0.400, 0.395, 0.420, 0.03, 0.05),
    Material.SOLAR_PANEL: Surface(BUILDING, 0.045, 0.052, 0.085, 0.070, 0.04, 0.03),
    Material.CONIFER: Surface(CONIFEROUS, 0.058, 0.082, 0.050, 0.325, 0.13, 0.10),
    Material.BROADLEAF: Surface(DECIDUOUS, 0.061, 0.090, 0.050, 0.350, 0.11, 0.12),
    Material.RIVER: Surface(WATER, 0.044, 0.055, 0.050, 0.036, 0.07, 0.10),
    Material.POOL: Surface(WATER, 0.110, 0.250, 0.310, 0.060, 0.05, 0.06),
}

CLASS_OF_MATERIAL = np.array([SURFACES[m].class_value for m in Material], np.uint8)
REFLECTANCE = np.array([SURFACES[m][1:5] for m in Material])  # (materials, bands)
GRAIN = np.array([SURFACES[m].grain for m in Material])
MOTTLE = np.array([SURFACES[m].mottle for m in Material])
