# SPDX-License-Identifier: GPL-2.0-or-later
"""How unlike the training cells are, by their features."""

import numpy as np
import pytest

from grassdl.model.novelty import MEANS_NAME, WHITENING_NAME, FeatureStatistics

COVARIANCE = np.array([[4.0, 1.5, 0.0], [1.5, 1.0, 0.0], [0.0, 0.0, 0.25]])
CENTRES = np.array([[0.0, 0.0, 5.0], [20.0, -3.0, 5.0]])


def training(number=20_000):
    """Features of two classes with one covariance, and the classes."""
    generator = np.random.default_rng(1)
    classes = generator.integers(2, size=number)
    spread = generator.multivariate_normal(np.zeros(3), COVARIANCE, number)
    return (CENTRES[classes] + spread).astype(np.float32), classes


def test_one_cell_in_a_hundred_of_the_training_is_above_1():
    features, classes = training()
    novelty = FeatureStatistics.of(features, classes).novelty(features)
    assert np.mean(novelty > 1) == pytest.approx(0.01, abs=2e-4)


def test_it_is_the_mahalanobis_distance_from_the_nearest_class():
    features, classes = training()
    statistics = FeatureStatistics.of(features, classes)
    # The distance of three normal features that one in a hundred exceeds: the root of chi square.
    unit = np.sqrt(11.345)
    for centre in CENTRES:
        offset = np.array([3.0, -2.0, 1.0])
        expected = np.sqrt(offset @ np.linalg.inv(COVARIANCE) @ offset) / unit
        found = statistics.novelty(np.float32([centre, centre + offset]))
        assert found == pytest.approx([0, expected], rel=0.03, abs=0.03)


def test_classes_that_the_training_lacks_have_no_mean():
    features, classes = training(500)
    statistics = FeatureStatistics.of(features, 3 * classes)
    assert len(statistics.means) == 2


def test_a_feature_that_never_varies_does_not_make_rounding_a_novelty():
    features, classes = training()
    features[:, 2] = 5
    statistics = FeatureStatistics.of(features, classes)
    rounded = features + np.float32([0, 0, 1e-5])
    assert statistics.novelty(rounded) == pytest.approx(statistics.novelty(features), abs=0.01)
    assert statistics.novelty(np.float32([[0, 0, 9]]))[0] > 10


def test_few_cells_with_many_features_do_not_make_all_others_a_novelty():
    generator = np.random.default_rng(1)
    features = generator.normal(0, 1, (1200, 60)).astype(np.float32)
    few = FeatureStatistics.of(features[:100], np.zeros(100, int))
    assert np.median(few.novelty(features[100:])) < 1.1


@pytest.mark.parametrize("number", [1, 2])
def test_too_few_cells_or_equal_ones_have_no_statistics(number):
    features, classes = training()
    assert FeatureStatistics.of(features[:number], np.arange(number)) is None
    assert FeatureStatistics.of(np.ones((50, 3), np.float32), classes[:50]) is None


def test_the_statistics_are_kept_in_the_model_folder(tmp_path):
    statistics = FeatureStatistics.of(*training(500))
    statistics.save(tmp_path)
    read = FeatureStatistics.load(tmp_path)
    read.check(features=3)
    assert read.means.tolist() == statistics.means.tolist()
    assert read.whitening.tolist() == statistics.whitening.tolist()


def test_statistics_that_are_missing_damaged_or_of_another_network_are_refused(tmp_path):
    with pytest.raises(ValueError, match="has no statistics of its features"):
        FeatureStatistics.load(tmp_path)
    statistics = FeatureStatistics.of(*training(500))
    statistics.save(tmp_path)
    with pytest.raises(ValueError, match="statistics of 3 features, its network has 4"):
        statistics.check(4)
    np.save(tmp_path / MEANS_NAME, np.full((2, 3), np.nan, np.float32))
    with pytest.raises(ValueError, match="novelty_means.npy> is damaged .*are not numbers"):
        FeatureStatistics.load(tmp_path)
    np.save(tmp_path / MEANS_NAME, np.ones((2, 4), np.float32))
    with pytest.raises(ValueError, match="novelty_whitening.npy> beside it are of other features"):
        FeatureStatistics.load(tmp_path)
    (tmp_path / WHITENING_NAME).write_bytes(b"no array")
    with pytest.raises(ValueError, match="novelty_whitening.npy> is damaged"):
        FeatureStatistics.load(tmp_path)
