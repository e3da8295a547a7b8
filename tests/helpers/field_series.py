# SPDX-License-Identifier: GPL-2.0-or-later
"""Fields through a season, under clouds: the crops look alike in pairs at each date."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from grassdl.core.bands import OBSERVED, Band
from grassdl.core.classes import NULL_INDEX, ClassScheme, MapClass

CROPS = {1: "winter wheat", 2: "grassland", 3: "maize", 4: "spring barley"}

CLASSES = ClassScheme(
    [MapClass(value, name, f"{60 * value}:120:40") for value, name in CROPS.items()]
)

BAND_NAMES = ("red", "nir")

DAYS = (0, 25, 60, 80, 120, 140)
"""From the first date on, the 10th of April."""

DATES = ("2021-04-10", "2021-05-05", "2021-06-09", "2021-06-29", "2021-08-08", "2021-08-28")

GREEN = np.array([[1, 1, 1, 1, 0, 0], [1, 1, 1, 1, 1, 1], [0, 0, 0, 0, 1, 1], [0, 0, 1, 1, 0, 0]])
"""Whether each crop is green at each date. One date tells two groups apart at best; April or May
and August together tell all crops."""

SOIL, LEAVES = (180, 220), (60, 400)
"""Red and near infrared."""

FIELD = 8
"""Edge of a field in cells."""


@dataclass(frozen=True)
class FieldSeries:
    """Bands (dates, rows, cols, 2), clouds (dates, rows, cols) and the crop of every cell."""

    bands: np.ndarray
    cloudy: np.ndarray
    crops: np.ndarray

    def image(self, *dates: int) -> np.ndarray:
        """Bands of some dates as a dataset has them: (rows, cols, dates x 3), 0 under clouds, and
        where each date was observed."""
        shown = []
        for date in dates:
            observed = ~self.cloudy[date][..., None]
            shown += [np.where(observed, self.bands[date], 0), observed]
        return np.concatenate(shown, axis=-1).astype(np.uint16)


def field_series(seed: int, edge: int = 96, cloud_cover: float = 0.2) -> FieldSeries:
    """A square of fields; each date has its light, and clouds as wide as a few fields."""
    rng = np.random.default_rng(seed)
    fields = rng.integers(1, len(CROPS) + 1, (edge // FIELD, edge // FIELD))
    crops = fields.repeat(FIELD, axis=0).repeat(FIELD, axis=1).astype(np.uint8)
    green = GREEN[crops - 1].transpose(2, 0, 1)[..., None]
    bands = np.where(green, LEAVES, SOIL) * rng.uniform(0.9, 1.1, (len(DAYS), 1, 1, 1))
    bands += rng.normal(0, 12, bands.shape)
    cloudy = np.zeros(bands.shape[:-1], bool)
    rows, cols = np.indices(crops.shape)
    for one in cloudy:
        while one.mean() < cloud_cover:
            row, col, radius = rng.uniform(0, edge, 2).tolist() + [rng.uniform(4, edge / 4)]
            one |= np.hypot(rows - row, cols - col) < radius
    return FieldSeries(bands.clip(1, 1000).round().astype(np.int32), cloudy, crops)


def bands_of_series(dates: Sequence[int] = range(len(DAYS))) -> list[Band]:
    """The bands of `FieldSeries.image` of some dates."""
    found = []
    for place, date in enumerate(dates):
        maps = [f"{name}_{date}" for name in BAND_NAMES]
        how = {"date": place, "day": DAYS[date] - DAYS[dates[0]]}
        found += [
            Band(name, True, {"map": one}, None, 1.0, "nearest", "", "uint16", **how)
            for name, one in zip(BAND_NAMES, maps, strict=True)
        ]
        source = {str(number): one for number, one in enumerate(maps, start=1)}
        found.append(Band(OBSERVED, True, source, OBSERVED, 1.0, "nearest", "", "uint8", **how))
    return found


def patches_of(seed: int, dates: Sequence[int], size: int = 16) -> tuple[np.ndarray, np.ndarray]:
    """Patches of a scene and class indices, NULL where no date was observed."""
    scene = field_series(seed)
    images = scene.image(*dates)
    observed = images[..., 2::3].any(axis=-1)
    labels = np.where(observed, scene.crops - 1, NULL_INDEX).astype(np.uint8)
    number = len(labels) // size
    images = images.reshape(number, size, number, size, -1).swapaxes(1, 2)
    labels = labels.reshape(number, size, number, size).swapaxes(1, 2)
    return images.reshape(-1, size, size, images.shape[-1]), labels.reshape(-1, size, size)
