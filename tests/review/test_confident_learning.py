# SPDX-License-Identifier: GPL-2.0-or-later
"""Confident learning: thresholds, and labels off the diagonal of the confident joint."""

import numpy as np
import pytest

from grassdl.review.confident_learning import NOBODY, SelfConfidence, suggested

PROBABILITIES = np.array(
    [[0.9, 0.1, 0.0], [0.7, 0.3, 0.0], [0.2, 0.8, 0.0], [0.6, 0.4, 0.0], [0.45, 0.55, 0.0]]
)
GIVEN = np.array([0, 0, 1, 1, 0])


def test_the_threshold_of_a_class_is_the_mean_probability_of_its_labels():
    confidence = SelfConfidence(3)
    confidence.add(PROBABILITIES[:2], GIVEN[:2])
    confidence.add(PROBABILITIES[2:], GIVEN[2:])
    assert confidence.labels == 5
    # Of class 0 that is (0.9 + 0.7 + 0.45) / 3, of class 1 (0.8 + 0.4) / 2.
    assert confidence.thresholds[:2] == pytest.approx([2.05 / 3, 0.6])


def test_a_class_without_labels_is_never_suggested():
    confidence = SelfConfidence(3)
    confidence.add(PROBABILITIES, GIVEN)
    sure = np.array([[0.0, 0.0, 1.0]])
    assert suggested(sure, np.array([0]), confidence.thresholds).tolist() == [NOBODY]


def test_a_label_is_suspected_if_another_class_reaches_its_own_threshold():
    thresholds = np.array([0.7, 0.4, 0.9])
    found = suggested(PROBABILITIES, GIVEN, thresholds)
    # The fourth is more probably 0, but not as probably as 0 is where it is the label; the last is
    # labelled 0 and as sure to be 1 as labels of 1 are.
    assert found.tolist() == [NOBODY, NOBODY, NOBODY, NOBODY, 1]


def test_of_two_classes_above_their_thresholds_the_more_probable_one_counts():
    thresholds = np.array([0.3, 0.5, 0.1])
    probabilities = np.array([[0.35, 0.5, 0.15], [0.5, 0.35, 0.15]])
    assert suggested(probabilities, np.array([0, 0]), thresholds).tolist() == [1, NOBODY]
