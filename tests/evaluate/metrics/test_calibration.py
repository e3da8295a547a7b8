# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether probabilities mean what they say."""

import numpy as np
import pytest

from array_rows import ArrayRows, cells
from grassdl.evaluate.metrics.calibration import BINS, calibration_report, count_calibration
from grassdl.evaluate.metrics.class_rows import ClassRows


def report_of(shares, truth, mapped=None):
    """The report on probabilities (classes, cells) and true classes 1, 2, ..."""
    truth = np.array([truth], np.int32)
    rows = ClassRows([ArrayRows(truth if mapped is None else mapped), ArrayRows(truth)], [1, 2, 3])
    readers = [ArrayRows(np.array([one], np.float32)) for one in shares]
    return calibration_report(count_calibration(rows, readers))


def test_brier_score_is_the_mean_squared_distance_from_the_truth():
    # Brier (1950): 0 for a sure hit, 2 for a sure miss of two or more classes.
    assert report_of([[1], [0]], [1])["brier_score"] == 0
    assert report_of([[1], [0]], [2])["brier_score"] == 2
    found = report_of([[0.7, 0.2], [0.2, 0.5], [0.1, 0.3]], [1, 3])
    expected = ((0.09 + 0.04 + 0.01) + (0.04 + 0.25 + 0.49)) / 2
    assert found["brier_score"] == pytest.approx(expected, abs=1e-7)


def test_calibration_error_is_the_mean_gap_between_confidence_and_accuracy():
    # Guo et al. (2017), eq. 3: 4 cells of 0.9, 3 right; 2 cells of 0.6, none right.
    first = [0.9, 0.9, 0.9, 0.9, 0.6, 0.6]
    found = report_of([first, [1 - one for one in first]], [1, 1, 1, 2, 2, 2])
    assert found["expected_calibration_error"] == pytest.approx(4 / 6 * 0.15 + 2 / 6 * 0.6)
    low, high = found["reliability"]
    assert (low["pixels"], high["pixels"]) == (2, 4)
    assert high["confidence"] == pytest.approx(0.9)
    assert high["accuracy"] == 0.75
    assert high["from"] < 0.9 <= high["to"] == pytest.approx(14 / BINS)


def test_cells_drawn_by_their_probabilities_are_calibrated():
    rng = np.random.default_rng(8)
    first = rng.random(20000)
    truth = np.where(rng.random(20000) < first, 1, 2)
    found = report_of([first, 1 - first], truth)
    assert found["expected_calibration_error"] < 0.02
    assert sum(one["pixels"] for one in found["reliability"]) == 20000


def test_a_class_without_probability_counts_with_0_and_is_named():
    truth = np.array([[1, 3]], np.int32)
    rows = ClassRows([ArrayRows(np.array([[1, 2]], np.int32)), ArrayRows(truth)], [1, 2, 3])
    readers = [ArrayRows(np.array([one], np.float32)) for one in ([0.8, 0.4], [0.2, 0.6])]
    found = calibration_report(count_calibration(rows, [*readers, None]), [3])
    # A hit of 0.8, and a miss of all: 0.4^2 + 0.6^2 + (0 - 1)^2.
    assert found["brier_score"] == pytest.approx((0.04 + 0.04 + 0.16 + 0.36 + 1) / 2, abs=1e-6)
    assert [one["accuracy"] for one in found["reliability"]] == [0, 1]
    assert found["classes_without_probability"] == [3]


def test_the_probability_of_a_class_that_no_cell_has_is_part_of_the_whole():
    # Codes 1 to 3 are all that the maps may hold; the fourth map is beyond them.
    found = report_of([[0.5], [0.2], [0.0], [0.3]], [1])
    assert found["brier_score"] == pytest.approx(0.25 + 0.04 + 0.09, abs=1e-6)


def test_cells_without_class_or_probability_are_left_out():
    found = report_of([[1, np.nan, 1], [0, 0, 0]], [1, 1, 1], mapped=cells("11."))
    assert found["pixels"] == 1


def test_maps_that_hold_no_probabilities_are_refused():
    with pytest.raises(ValueError, match="found 0 to 80"):
        report_of([[80], [0]], [1])
    with pytest.raises(ValueError, match="no cell in common"):
        report_of([[np.nan], [0]], [1])
