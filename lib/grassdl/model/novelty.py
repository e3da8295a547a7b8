# SPDX-License-Identifier: GPL-2.0-or-later
"""Novelty: the distance of a cell's features from those of the training.

The features of the cells of a class are assumed to be normally distributed around the mean of the
class, with one covariance for all classes. The novelty of a cell is the Mahalanobis distance of its
features from the nearest of these means, in units of the 99th percentile of the training's own
distances: one cell in a hundred of the training is above 1. Ranges of a value stand for classes.

Source: Lee, Lee, Lee & Shin 2018, arXiv 1807.03888, equations 1 and 2.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..io.folders import file_digest
from ..io.npy_files import read_npy

MEANS_NAME, WHITENING_NAME = "novelty_means.npy", "novelty_whitening.npy"
"""Files of a model folder."""

PERCENTILE = 99.0
"""Percentile of the training's distances that becomes 1."""

LEAST_VARIANCE = 1e-4
"""Least variance of a direction, as a share of the largest one: without it, rounding errors in
directions without variance would give infinite distances."""

PIECE_CELLS = 1 << 16
"""Cells whose features are compared at once."""


@dataclass(frozen=True)
class FeatureStatistics:
    """Statistics of a network's features over the training.

    Attributes:
        means: Mean of the features of each class that the training has, brought to a space in
            which distances are novelties (classes, features) float32.
        whitening: Transforms features into that space (features, features) float32.
    """

    means: np.ndarray
    whitening: np.ndarray

    @classmethod
    def of(cls, features: np.ndarray, classes: np.ndarray) -> FeatureStatistics | None:
        """The statistics of cells; None if they are too few, or all alike.

        Args:
            features: Of each cell (n, features).
            classes: The class of each (n,).
        """
        known, number = np.unique(classes, return_inverse=True)
        wide = features.astype(np.float64)
        if len(wide) <= len(known):
            return None
        means = np.stack([wide[number == one].mean(axis=0) for one in range(len(known))])
        centred = wide - means[number]
        variances, directions = np.linalg.eigh(_covariance(centred))
        if not variances[-1] > 0:
            return None
        whitening = directions / np.sqrt(np.maximum(variances, LEAST_VARIANCE * variances[-1]))
        unscaled = cls(means @ whitening, whitening)
        scale = np.percentile(unscaled.novelty(wide), PERCENTILE)
        if not scale > 0:
            return None
        single = np.float32
        return cls(
            (unscaled.means / scale).astype(single), (unscaled.whitening / scale).astype(single)
        )

    def novelty(self, features: np.ndarray) -> np.ndarray:
        """The novelty (n,) of cells by their features (n, features)."""
        found = np.empty(len(features), self.whitening.dtype)
        for start in range(0, len(features), PIECE_CELLS):
            piece = np.s_[start : start + PIECE_CELLS]
            places = features[piece] @ self.whitening
            squares = [((places - mean) ** 2).sum(axis=-1) for mean in self.means]
            found[piece] = np.sqrt(np.min(squares, axis=0))
        return found

    def save(self, folder: Path) -> None:
        """Write the files into a model folder."""
        np.save(folder / MEANS_NAME, self.means, allow_pickle=False)
        np.save(folder / WHITENING_NAME, self.whitening, allow_pickle=False)

    @classmethod
    def load(cls, folder: Path) -> FeatureStatistics:
        """Read the files of a model folder.

        Raises:
            ValueError: They are missing or damaged, or do not belong together.
        """
        if not (folder / MEANS_NAME).is_file() or not (folder / WHITENING_NAME).is_file():
            raise ValueError(
                f"Model <{folder}> has no statistics of its features over the training (it was "
                "trained by an earlier version, or more than one layer gives the scores of its "
                "network): train it again, or leave out novelty"
            )
        read = cls(_read(folder / MEANS_NAME), _read(folder / WHITENING_NAME))
        if read.whitening.shape != 2 * read.means.shape[1:]:
            raise ValueError(
                f"<{folder / MEANS_NAME}> and <{WHITENING_NAME}> beside it are of other features: "
                "train the model again"
            )
        return read

    @staticmethod
    def digest(folder: Path) -> str:
        """A text that changes with the files of a model folder.

        Raises:
            OSError: They are missing.
        """
        return " ".join(file_digest(folder / name) for name in (MEANS_NAME, WHITENING_NAME))

    def check(self, features: int) -> None:
        """Refuse statistics of another network.

        Args:
            features: Number of features that the network gives.

        Raises:
            ValueError: They are of more or fewer.
        """
        if len(self.whitening) != features:
            raise ValueError(
                f"The model has statistics of {len(self.whitening)} features, its network has "
                f"{features}: the folder mixes two models, train it again or leave out novelty"
            )


def _covariance(centred: np.ndarray) -> np.ndarray:
    """The covariance (features, features) of features of mean 0 (n, features).

    Of few cells it is shrunk towards one variance for all directions: otherwise directions in which
    they do not differ by chance would give all other cells a high novelty.

    Source: Chen, Wiesel, Eldar & Hero 2010, doi 10.1109/TSP.2010.2053029, equation 23.
    """
    number, features = centred.shape
    sample = centred.T @ centred / number
    square, trace = (sample**2).sum(), sample.trace()
    if not trace > 0:
        return sample
    above = (1 - 2 / features) * square + trace**2
    below = (number + 1 - 2 / features) * (square - trace**2 / features)
    share = min(above / below, 1) if below > 0 else 1.0
    return (1 - share) * sample + share * trace / features * np.eye(features)


def _read(path: Path) -> np.ndarray:
    """A matrix of finite numbers in single precision."""
    try:
        with path.open("rb") as file:
            values = read_npy(file, path.stat().st_size)
        if values.dtype != np.float32 or values.ndim != 2 or not len(values):
            raise ValueError("it holds no matrix in single precision")
        if not np.isfinite(values).all():
            raise ValueError("some of its values are not numbers")
    except ValueError as error:
        raise ValueError(f"<{path}> is damaged ({error}): train the model again") from None
    return values
