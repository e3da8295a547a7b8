# SPDX-License-Identifier: GPL-2.0-or-later
"""The population stability index."""

import math

import numpy as np
import pytest

from grassdl.core.band_statistics import Histogram
from grassdl.core.stability_index import SMALLEST_SHARE, population_stability


def normal(seed, mean=100.0, deviation=20.0):
    return np.random.default_rng(seed).normal(mean, deviation, 50_000)


@pytest.mark.parametrize("shift", [0.25, 0.5])
def test_of_a_shifted_normal_band_it_is_the_square_of_the_shift_in_deviations(shift):
    found = population_stability(Histogram.of(normal(1)), normal(2, mean=100 + 20 * shift))
    # The grouping loses a little.
    assert found == pytest.approx(shift**2, rel=0.08)


def test_values_like_the_reference_have_an_index_of_nearly_0():
    assert population_stability(Histogram.of(normal(1)), normal(2)) < 1e-3


def test_it_is_the_sum_over_groups_of_difference_times_logarithm_of_the_shares():
    # Two values are two groups: 30 % and 70 % against 60 % and 40 %.
    reference = Histogram.of(np.repeat(np.array([5, 6], np.uint8), [30, 70]))
    expected = 0.3 * math.log(0.6 / 0.3) - 0.3 * math.log(0.4 / 0.7)
    found = population_stability(reference, np.repeat([5, 6], [6, 4]))
    assert found == pytest.approx(expected)


def test_values_beyond_the_reference_count_to_its_outer_groups():
    reference = Histogram.of(np.arange(100, dtype=np.uint8))
    inside = population_stability(reference, np.repeat([0, 99], 50))
    assert population_stability(reference, np.repeat([-1000, 1000], 50)) == inside


def test_of_a_band_of_one_value_all_other_values_are_unlike_it():
    reference = Histogram.of(np.full(9, 7, np.uint8))
    assert population_stability(reference, np.array([7, 7])) == 0
    # All values leave the group of 7 for the one above.
    expected = 2 * (1 - SMALLEST_SHARE) * math.log(1 / SMALLEST_SHARE)
    assert population_stability(reference, np.array([8])) == pytest.approx(expected)
