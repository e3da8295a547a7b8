# SPDX-License-Identifier: GPL-2.0-or-later
"""Mean and deviation of the bands over the training patches of all datasets, by which they are
normalised, and which bands are spectral, for augmentation."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...core.bands import OBSERVED, Band, number_of_dates
from ...core.dates import shared_statistics
from ...dataset.patchset import JoinedPatchSets

NOT_SPECTRAL = frozenset(
    "ndsm dsm dtm dem dhm chm height heights elevation altitude slope aspect "
    "ndvi ndwi ndbi evi savi".split()
)
"""Words in the name of a band that is no reflectance: of heights, slopes, indices."""


def means(data: JoinedPatchSets) -> list[float]:
    """Mean of every band without NULLs, over all of its dates; it also replaces NULL."""
    return [float(one.mean) for one in shared_statistics(data.bands, data.statistics)]


def deviations(data: JoinedPatchSets) -> list[float]:
    """Standard deviation of every band, over all of its dates; 1 for a constant band."""
    return [float(one.deviation) or 1.0 for one in shared_statistics(data.bands, data.statistics)]


@dataclass(frozen=True)
class BandValues:
    """The bands of training images.

    Attributes:
        mean: Mean of every band over the training data; replaces NULL (bands,).
        deviation: Standard deviation of every band, above 0 (bands,).
        spectral: Which bands show reflected light (bands,).
        dates: Number of dates, each with the same bands.
        observed: Places of the bands that tell where a date is missing.
    """

    mean: np.ndarray
    deviation: np.ndarray
    spectral: np.ndarray
    dates: int = 1
    observed: tuple[int, ...] = ()

    @classmethod
    def of(
        cls, bands: Sequence[Band], mean: Sequence[float], deviation: Sequence[float]
    ) -> BandValues:
        """The values of some bands."""
        return cls(
            np.array(mean, np.float32),
            np.array(deviation, np.float32),
            np.array([is_spectral(band) for band in bands]),
            number_of_dates(bands),
            tuple(place for place, band in enumerate(bands) if band.derivation == OBSERVED),
        )

    @property
    def light_of_dates(self) -> list[np.ndarray]:
        """Indices of the spectral bands of each date."""
        by_date = np.split(np.arange(len(self.spectral)), self.dates)
        return [places[self.spectral[places]] for places in by_date]


def is_spectral(band: Band) -> bool:
    """Whether a band shows reflected light, rather than heights or an index made of other bands.

    Derived bands do not; others are judged by the words of their names.
    """
    words = re.split(r"[^a-z]+", band.name.partition("@")[0].lower())
    return band.derivation is None and NOT_SPECTRAL.isdisjoint(words)
