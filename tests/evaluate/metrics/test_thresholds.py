# SPDX-License-Identifier: GPL-2.0-or-later
"""Precision, recall and F1 by the probability from which on a cell belongs to a class."""

import json

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score, precision_score, recall_score

from grassdl.core.classes import MapClass
from grassdl.evaluate.metrics.thresholds import (
    BINS,
    Curve,
    ThresholdCounts,
    Wanted,
    chosen_threshold,
    threshold_report,
)

ROOF = MapClass(5, "roof", "1:1:1")


def counts_of(shares, truth):
    """Counts of cells with these probabilities of the second class, added in two parts."""
    shares, counts = np.asarray(shares, np.float32), ThresholdCounts()
    for part in (np.s_[:3], np.s_[3:]):
        counts.add(np.stack([1 - shares, shares])[:, part], np.asarray(truth)[part])
    return counts


BY_HAND = counts_of([0.9, 0.8, 0.7, 0.6, 0.4, 0.2], [1, 1, 0, 1, 0, 0])
"""Taken from 0.8 on: 2 of 2 right, 2 of 3 found; from 0.6 on: 3 of 4 right, all found."""


def test_thresholds_lie_halfway_to_where_the_figures_change():
    found = json.loads(json.dumps(threshold_report(BY_HAND, ROOF, Wanted(0.9, 0.5))))
    assert (found["class"], found["pixels"], found["support"]) == (
        {"value": 5, "label": "roof"},
        6,
        3,
    )
    assert found["highest_f1"] == {
        "threshold": 0.5,
        "precision": 0.75,
        "recall": 1.0,
        "f1": pytest.approx(6 / 7),
    }
    assert found["wanted_precision"] == {
        "wanted": 0.9,
        "found": {
            "threshold": 0.75,
            "precision": 1.0,
            "recall": pytest.approx(2 / 3),
            "f1": pytest.approx(0.8),
        },
    }
    assert found["wanted_recall"]["found"]["threshold"] == 0.75
    assert found["average_precision"] == pytest.approx((1 + 1 + 3 / 4) / 3)
    assert [(one["precision"], one["recall"]) for one in found["curve"]] == [
        (0.75, 1),
        (1, pytest.approx(2 / 3)),
        (1, pytest.approx(1 / 3)),
    ]


def test_figures_are_those_of_scikit_learn_for_any_cells():
    rng = np.random.default_rng(1)
    truth = (rng.random(3000) < 0.2).astype(int)
    shares = np.clip(0.3 * truth + rng.normal(0.4, 0.2, 3000), 0, 1).astype(np.float32)
    curve = Curve.of(counts_of(shares, truth))
    assert curve.average_precision == pytest.approx(
        average_precision_score(truth, shares), abs=2e-4
    )
    best = curve.highest_f1()
    for one in (best, curve.of_recall(0.8), curve.of_precision(0.7), curve.at(0.55)):
        taken = shares >= np.float32(one["threshold"])
        assert one["precision"] == pytest.approx(precision_score(truth, taken))
        assert one["recall"] == pytest.approx(recall_score(truth, taken))
        assert one["f1"] == pytest.approx(f1_score(truth, taken))
    others = [f1_score(truth, shares >= t) for t in np.linspace(0.01, 0.99, 99)]
    assert best["f1"] >= max(others)
    assert curve.of_recall(0.8)["recall"] >= 0.8
    assert len(curve.points()) <= 101


def test_probabilities_at_a_threshold_are_counted_as_the_decision_takes_them():
    shares = np.arange(BINS + 1, dtype=np.float64) / BINS
    counts = counts_of(shares, np.ones(BINS + 1, int))
    assert counts.cells[1, :-1].tolist() == [1] * (BINS - 1)
    assert counts.cells[1, -1] == 2
    for step in (1, 3, 4999, 7001, BINS - 1):
        taken = shares.astype(np.float32) >= step / BINS
        assert taken.sum() == counts.cells[1, step:].sum()


def test_what_no_threshold_reaches_is_said():
    counts = counts_of([0.9, 0.8, 0.1, 0.1], [0, 1, 1, 0])
    found = threshold_report(counts, ROOF, Wanted(precision=0.9), used=0.95)
    assert found["wanted_precision"] == {"wanted": 0.9, "found": None}
    assert found["used"] == {"threshold": 0.95, "precision": None, "recall": 0.0, "f1": 0.0}
    with pytest.raises(ValueError, match=r"precision of 0.9 on cells: the highest is 0.5000"):
        chosen_threshold(counts, Wanted(precision=0.9), "cells")
    assert chosen_threshold(BY_HAND, Wanted(precision=0.9), "cells") == 0.75
    assert chosen_threshold(BY_HAND, Wanted(recall=0.9), "cells") == 0.5
    assert chosen_threshold(BY_HAND, Wanted(), "cells") == 0.5


def test_of_thresholds_that_find_as_many_the_most_precise_one_is_taken():
    counts = counts_of([0.9, 0.8, 0.7, 0.6, 0.2], [1, 1, 1, 0, 1])
    found = Curve.of(counts).of_precision(0.75)
    assert (found["precision"], found["recall"]) == (0.8, 1)
    counts = counts_of([0.9, 0.8, 0.7, 0.6], [1, 1, 1, 0])
    found = Curve.of(counts).of_precision(0.75)
    assert (found["precision"], found["recall"], found["threshold"]) == (1, 1, 0.65)


def test_a_class_without_cells_has_no_figures():
    counts = counts_of([0.9, 0.8], [0, 0])
    found = threshold_report(counts, ROOF, Wanted(0.9, 0.5), used=0.5)
    assert found["highest_f1"] is found["average_precision"] is found["used"] is None
    assert found["curve"] == []
    with pytest.raises(ValueError, match="None of cells is of the second class"):
        chosen_threshold(counts, Wanted(), "cells")
