# SPDX-License-Identifier: GPL-2.0-or-later
"""From the landscape to what sensors record: sunlight, shadow, lens blur, noise, numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from landscape import CELL_M, Landscape, smooth_noise
from materials import GRAIN, MOTTLE, REFLECTANCE
from scipy.ndimage import gaussian_filter

SKY_LIGHT = np.array([0.25, 0.29, 0.36, 0.20])  # share of skylight in red, green, blue, nir
BLUR_CELLS = 0.85  # standard deviation of the point spread
COUNTS_PER_REFLECTANCE, DARK_COUNTS = 5200.0, 60.0
READ_NOISE, SHOT_NOISE = 9.0, 0.55  # counts; counts per square root of a count


@dataclass(frozen=True)
class Sun:
    """Where the sun stands during a flight."""

    azimuth_deg: float
    elevation_deg: float

    def toward(self) -> tuple[float, float, float]:
        """Unit vector to the sun in (x east, y south, z up)."""
        azimuth, elevation = np.radians([self.azimuth_deg, self.elevation_deg])
        east, north = np.sin(azimuth) * np.cos(elevation), np.cos(azimuth) * np.cos(elevation)
        return float(east), float(-north), float(np.sin(elevation))


MORNING = Sun(152.0, 47.0)


def cast_shadow(surface: np.ndarray, sun: Sun, reach_m: float = 19.0) -> np.ndarray:
    """True where a higher cell stands between the cell and the sun.

    The surface is shifted step by step towards the sun, lowered by the fall of the ray.
    """
    east, south, up = sun.toward()
    flat = np.hypot(east, south)
    shadow = np.zeros(surface.shape, bool)
    rows, cols = surface.shape
    steps = int(reach_m / (up / flat) / CELL_M)
    padded = np.pad(surface, steps + 1, mode="edge")
    for step in range(1, steps + 1):
        dr, dc = (round(step * d / flat) + steps + 1 for d in (south, east))
        occluder = padded[dr : dr + rows, dc : dc + cols]
        shadow |= occluder - surface > step * CELL_M * up / flat + 0.15
    return shadow


def illumination(land: Landscape, sun: Sun) -> np.ndarray:
    """Light on every cell relative to flat open ground, per band: (4, rows, cols)."""
    surface = land.terrain + land.height
    dy, dx = np.gradient(gaussian_filter(surface, 0.6), CELL_M)
    dx, dy = np.clip(dx, -1.6, 1.6), np.clip(dy, -1.6, 1.6)
    east, south, up = sun.toward()
    incidence = (up - east * dx - south * dy) / np.sqrt(1 + dx**2 + dy**2)
    direct = np.clip(incidence / up, 0.05, 1.35) * ~cast_shadow(surface, sun)
    openness = np.clip(1 + (land.height - gaussian_filter(land.height, 6.0)) / 9.0, 0.55, 1.15)
    sky = SKY_LIGHT[:, None, None]
    return sky * openness + (1 - sky) * direct


def take_photo(land: Landscape, rng: np.random.Generator, sun: Sun = MORNING) -> np.ndarray:
    """Digital numbers of red, green, blue and nir: (4, rows, cols) uint16, never 0."""
    shape = land.shape
    grain = GRAIN[land.material] * gaussian_filter(rng.standard_normal(shape), 0.5) * 1.8
    mottle = MOTTLE[land.material] * smooth_noise(rng, shape, 1.1)
    vignette = 1 + 0.03 * smooth_noise(rng, shape, 80.0)
    texture = np.exp(grain + mottle) * vignette
    light = illumination(land, sun)
    photo = np.empty((4, *shape), np.uint16)
    for band in range(4):
        scene = REFLECTANCE[land.material, band] * land.tint[band] * texture * light[band]
        counts = COUNTS_PER_REFLECTANCE * gaussian_filter(scene, BLUR_CELLS) + DARK_COUNTS
        noise = np.hypot(READ_NOISE, SHOT_NOISE * np.sqrt(counts))
        counts += noise * rng.standard_normal(shape)
        photo[band] = np.clip(np.rint(counts), 1, 4095)
    return photo


def scan_heights(land: Landscape, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """DSM and DTM at half the resolution, metres, float32, with a scanner's small errors."""
    top = halved(gaussian_filter(land.terrain + land.height, 1.2))
    ground = halved(gaussian_filter(land.terrain, 4.0))
    dsm = top + 0.12 * rng.standard_normal(top.shape)
    dtm = ground + 0.04 * smooth_noise(rng, ground.shape, 2.0)
    return dsm.astype(np.float32), dtm.astype(np.float32)


def halved(values: np.ndarray) -> np.ndarray:
    """Means of blocks of 2 x 2 cells."""
    rows, cols = values.shape
    return values.reshape(rows // 2, 2, cols // 2, 2).mean(axis=(1, 3))
