# SPDX-License-Identifier: GPL-2.0-or-later
"""Estimates from samples against the published example."""

import math

import numpy as np
import pytest

from array_rows import classes_of
from grassdl.evaluate.metrics.area_estimation import area_report, estimate, sample_size

# Olofsson et al. (2014), Good practices for estimating area and assessing accuracy of land
# change, Table 8: sample counts, mapped pixels of 0.09 ha.
COUNTS = np.array([[66, 0, 5, 4], [0, 55, 8, 12], [1, 0, 153, 11], [2, 1, 9, 313]])
PIXELS = np.array([200_000, 150_000, 3_200_000, 6_450_000])
SQUARE_METRES = PIXELS * 900.0
Z = 1.959964


def test_accuracies_of_olofsson_et_al_2014():
    found = estimate(COUNTS, PIXELS)
    assert found.overall_accuracy == pytest.approx(0.9465118881, abs=5e-11)
    assert Z * found.overall_error == pytest.approx(0.0184832781, abs=5e-9)
    for values, published in [
        (found.users_accuracy, [0.880000, 0.733333, 0.927273, 0.963077]),
        (Z * found.users_error, [0.074040, 0.100755, 0.039745, 0.020533]),
        (found.producers_accuracy, [0.748661, 0.847156, 0.934509, 0.961609]),
        (Z * found.producers_error, [0.213306, 0.254404, 0.034324, 0.018361]),
    ]:
        np.testing.assert_allclose(values, published, atol=6e-7)


def test_areas_of_olofsson_et_al_2014():
    classes = area_report(COUNTS, SQUARE_METRES, classes_of([1, 2, 3, 4]), 0.01)["classes"]
    areas = [one["area_ha"] for one in classes]
    np.testing.assert_allclose(areas, [21157.762, 11686.154, 285769.930, 581386.154], atol=6e-4)
    half_widths = [Z * one["area_ha_error"] for one in classes]
    np.testing.assert_allclose(half_widths, [6157.521, 3755.757, 15509.551, 16281.357], atol=6e-4)
    low, high = classes[0]["area_ha_interval"]
    assert (low, high) == pytest.approx((21157.762 - 6157.521, 21157.762 + 6157.521), abs=2e-3)
    assert [one["mapped_ha"] for one in classes] == pytest.approx(PIXELS * 0.09)


def test_sample_size_of_olofsson_et_al_2014():
    weights, users = np.array([0.02, 0.015, 0.32, 0.645]), np.array([0.7, 0.6, 0.9, 0.95])
    assert sample_size(weights, users, 0.01) == 641


def test_intervals_stay_within_what_is_possible():
    report = area_report(COUNTS, SQUARE_METRES, classes_of([1, 2, 3, 4]), 0.01)
    assert report["classes"][1]["producers_accuracy_interval"][1] == 1
    assert report["overall_accuracy_interval"] == pytest.approx([0.9280286, 0.9649952], abs=1e-7)


def test_a_reference_class_that_is_not_mapped_gets_an_area():
    counts = np.array([[9, 0, 1], [0, 10, 0], [0, 0, 0]])
    found = estimate(counts, np.array([100.0, 300.0, 0.0]))
    assert found.share.tolist() == pytest.approx([0.225, 0.75, 0.025])
    assert found.producers_accuracy.tolist() == pytest.approx([1, 1, 0])
    assert math.isnan(found.users_accuracy[2])
    assert found.share_error[2] == pytest.approx(0.25 * math.sqrt(0.1 * 0.9 / 9))
    assert found.overall_accuracy == pytest.approx(0.975)


def test_a_mapped_class_without_points_leaves_the_whole_undefined_and_is_named():
    counts = np.array([[9, 1], [0, 0]])
    report = area_report(counts, np.array([1e4, 2e4]), classes_of([3, 8]), 0.01)
    assert report["overall_accuracy"] is None
    assert report["overall_accuracy_interval"] is None
    assert report["sample_size"] == {"standard_error": 0.01, "points": None}
    assert report["classes_without_points"] == [8]
    assert report["classes"][0]["users_accuracy"] == pytest.approx(0.9)


def test_a_single_point_gives_an_estimate_without_error():
    report = area_report(np.array([[9, 1], [0, 1]]), np.array([1e4, 2e4]), classes_of([3, 8]), 0.01)
    assert report["overall_accuracy"] == pytest.approx(0.9 / 3 + 2 / 3)
    assert report["overall_accuracy_error"] is None
    assert report["classes"][1]["users_accuracy_interval"] is None


@pytest.mark.parametrize("seed", range(5))
def test_a_proportional_sample_without_errors_has_none(seed):
    mapped = np.random.default_rng(seed).integers(1, 100, 4) * 1.0
    found = estimate(np.diag([5, 6, 7, 8]), mapped)
    assert found.overall_accuracy == pytest.approx(1)
    assert found.overall_error == 0
    np.testing.assert_allclose(found.share, mapped / mapped.sum())
