# SPDX-License-Identifier: GPL-2.0-or-later
"""Novelty beside class probabilities."""

import numpy as np
import pytest

from function_engine import FunctionEngine
from grassdl.model.novelty import FeatureStatistics
from grassdl.networks.analysis import feature_extraction
from grassdl.predict.decision import Decision
from grassdl.predict.engines.novelty_engine import NoveltyEngine
from grassdl.predict.engines.test_time_augmentation import AugmentedEngine
from grassdl.predict.settings import LAST

STATISTICS = FeatureStatistics(np.float32([[0, 0], [3, 4]]), np.eye(2, dtype=np.float32))
"""Distances from (0, 0) and (3, 4)."""


def result_of(values):
    """Two classes, and the bands themselves as features."""
    half = np.full((*values.shape[:2], 2), 0.5, np.float32)
    return np.concatenate([half, values], axis=-1)


VALUES = np.float32([[[0, 0], [3, 4], [6, 8]], [[0, 1], [0, 0], [-3, 4]]])


@pytest.mark.parametrize("with_features", [False, True])
def test_the_distance_from_the_nearest_class_follows_the_probabilities(with_features):
    engine = NoveltyEngine(FunctionEngine(result_of), STATISTICS, with_features)
    found = engine(VALUES)
    assert found[..., :2].tolist() == np.full((2, 3, 2), 0.5).tolist()
    assert found[..., 2].tolist() == [[0, 0, 5], [1, 0, 5]]
    assert np.array_equal(found[..., 3:], VALUES[..., : 2 if with_features else 0])
    decision = Decision(2, with_novelty=True, features=2 * with_features)
    assert decision.layers == found.shape[-1]
    band, null = decision.empty(2, 3), np.zeros((2, 3), bool)
    null[0, 2] = True
    decision.decide(band, np.s_[:, :], found, null)
    assert band.novelty.tolist() == [[0, 0, 0], [1, 0, 5]]
    assert band.features is None or np.array_equal(band.features, VALUES)


def test_of_turned_windows_the_novelties_are_averaged_and_not_the_features():
    engine = AugmentedEngine(NoveltyEngine(FunctionEngine(result_of), STATISTICS, False))
    square = VALUES[:, :2]
    assert engine(square)[..., 2] == pytest.approx(np.float32([[0, 0], [1, 0]]))


def test_the_last_layer_is_called_as_the_networks_call_it():
    assert LAST == feature_extraction.LAST
