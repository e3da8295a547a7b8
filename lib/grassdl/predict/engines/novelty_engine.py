# SPDX-License-Identifier: GPL-2.0-or-later
"""The novelty of each cell beside its class probabilities."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...core.readers import empty_layers
from ...model.novelty import FeatureStatistics
from .keras_engine import Engine


class NoveltyEngine:
    """An engine of a network with features, which gives the novelty of each cell after its
    probabilities; features follow if they are wanted, too.

    Args:
        engine: Gives probabilities, then the features that the statistics are of.
        statistics: Of the training.
        with_features: Whether the features are wanted.
    """

    def __init__(self, engine: Engine, statistics: FeatureStatistics, with_features: bool):
        self._engine = engine
        self._statistics = statistics
        self._with_features = with_features
        self.prepares_each_size = engine.prepares_each_size

    def at_once(self, shape: tuple[int, ...]) -> int:
        """See `Engine.at_once`."""
        return self._engine.at_once(shape)

    def prepare(self, shape: tuple[int, int, int]) -> None:
        """See `Engine.prepare`."""
        self._engine.prepare(shape)

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Class probabilities, novelty, and features if they are wanted; see `Engine`."""
        return self._with_novelty(self._engine(values))

    def several(self, windows: Sequence[np.ndarray], number: int) -> list[np.ndarray]:
        """See `Engine.several`."""
        return [self._with_novelty(one) for one in self._engine.several(windows, number)]

    def _with_novelty(self, result: np.ndarray) -> np.ndarray:
        number = len(self._statistics.whitening)
        classes = result.shape[-1] - number
        features = result[..., classes:]
        layers = classes + 1 + (number if self._with_features else 0)
        found = empty_layers((*result.shape[:2], layers), np.float32)
        found[..., :classes] = result[..., :classes]
        # Row by row, so that no copy of all features is made.
        for row, cells in enumerate(features):
            found[row, :, classes] = self._statistics.novelty(cells)
        if self._with_features:
            found[..., classes + 1 :] = features
        return found
