# SPDX-License-Identifier: GPL-2.0-or-later
"""Segments, against sums that are worked out segment by segment."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grassdl.core.classes import UNLABELLED_INDEX
from grassdl.predict.decision import Decision
from grassdl.predict.run import stored_bands
from grassdl.predict.segments import segment_pass
from grassdl.predict.segments import statistics as segments
from grassdl.predict.segments.classification import SegmentClassifier
from grassdl.predict.segments.statistics import SegmentSettings, columns_of

LARGEST = 2**31 - 1
MAPS = {
    "one segment": lambda rng, shape: np.full(shape, 7),
    "cells": lambda rng, shape: rng.permutation(np.prod(shape)).reshape(shape),
    "few": lambda rng, shape: rng.integers(-2, 3, shape),
    "far apart": lambda rng, shape: rng.choice([-LARGEST, -1, 0, 5, LARGEST], shape),
    "stripes": lambda rng, shape: np.broadcast_to(np.arange(shape[1]) // 2 + LARGEST - 99, shape),
}


class Ids:
    """A map of segments in memory."""

    def __init__(self, ids, outside):
        self.ids, self.outside = ids.astype(np.int32), outside
        self.rows, self.cols = ids.shape

    def read(self, row, rows):
        return self.ids[row : row + rows], self.outside[row : row + rows]


class Shares:
    """Probabilities in memory, read in strips of some rows."""

    def __init__(self, probabilities, null):
        self.probabilities, self.null = probabilities, null
        self.rows, self.cols = null.shape

    def read(self, row, rows):
        return self.probabilities[row : row + rows].copy(), self.null[row : row + rows]


def scene(kind, rows, cols, seed, classes=3):
    """Ids, cells outside of segments, probabilities in sixteenths, and NULL cells."""
    rng = np.random.default_rng(seed)
    ids = MAPS[kind](rng, (rows, cols))
    parts = rng.multinomial(16, np.full(classes, 1 / classes), (rows, cols))
    outside, null = rng.random((2, rows, cols)) < 0.2
    return ids, outside, (parts / 16).astype(np.float32), null


def tally(scene, folder, strip=1 << 20, threshold=None, stop=None, **how):
    """Table and map of a scene that comes in strips of cells; the run that adds the strip of number
    `stop` ends there, and another resumes."""
    ids, outside, probabilities, null = scene
    decision = Decision(probabilities.shape[-1], threshold, with_probabilities=True)
    how = SegmentSettings(**how)
    segments = Ids(ids, outside)
    by = SegmentClassifier(segments, decision, how, folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("grassdl.predict.run.STRIP_CELLS", strip)
        patch.setattr(segment_pass, "STRIP_CELLS", max(1, strip // 2))
        reader, row = Shares(probabilities, null), 0
        for number, band in enumerate(stored_bands(reader, decision)):
            by.add(band)
            if number == stop:
                # The run ends before this band counts as finished, and is resumed.
                by.close()
                by = SegmentClassifier(segments, decision, how, folder, row)
                for later in stored_bands(reader, decision, row):
                    by.add(later)
                break
            row += len(band.null)
        table = by.table()
        parts = list(by.row_bands(table))
    index, without = (np.concatenate(part) for part in zip(*parts, strict=True))
    return table, np.where(without, UNLABELLED_INDEX, index)


def expected_class(probabilities, method):
    """Majority and mean of the cells (cells, classes) of one segment, and its margin."""
    means = probabilities.astype(np.float64).mean(axis=0)
    votes = np.bincount(probabilities.argmax(axis=-1), minlength=len(means))
    best = max(range(len(means)), key=lambda one: (votes[one], means[one], -one))
    shares = sorted(means if method == "mean" else votes / len(probabilities))
    chosen = best if method == "majority" else int(means.argmax())
    return best, votes.max() / len(probabilities), means, shares[-1] - shares[-2], chosen


@settings(max_examples=150)
@given(
    st.sampled_from(sorted(MAPS)),
    st.integers(1, 9),
    st.integers(1, 9),
    st.integers(0, 999),
    st.integers(1, 30),
    st.sampled_from(["mean", "majority"]),
    st.sampled_from([0.0, 0.25]),
    st.sampled_from([None, 0, 2]),
)
def test_segments_are_those_worked_out_one_by_one(
    tmp_path_factory, kind, rows, cols, seed, strip, method, margin, stop
):
    there = scene(kind, rows, cols, seed)
    folder = tmp_path_factory.mktemp("codes")
    with pytest.MonkeyPatch.context() as patch:
        # Parts are added up early and late.
        patch.setattr("grassdl.core.group_sums.FEWEST_WAITING", seed % 7)
        table, found = tally(there, folder, strip, stop=stop, method=method, least_margin=margin)
    ids, outside, probabilities, null = there
    counted = ~outside & ~null
    assert table.ids.tolist() == sorted(set(ids[counted].tolist()))
    expected = np.full(ids.shape, UNLABELLED_INDEX)
    for place, one in enumerate(table.ids):
        own = counted & (ids == one)
        majority, share, means, lead, chosen = expected_class(probabilities[own], method)
        assert table.cells[place] == own.sum()
        assert (table.majority[place], table.share[place]) == (majority, share)
        # Sums of sixteenths are exact in whatever order.
        assert table.means[place].tolist() == means.tolist()
        assert table.margin[place] == pytest.approx(lead, abs=1e-12)
        assert table.entropy[place] == pytest.approx(
            -sum(p * np.log(p) for p in means if p) / np.log(3), abs=1e-12
        )
        kept = table.margin[place] < margin
        expected[own] = probabilities[own].argmax(axis=-1) if kept else chosen
    np.testing.assert_array_equal(found, expected)


def test_features_are_averaged_as_probabilities_are(tmp_path, monkeypatch):
    ids, outside, probabilities, null = scene("few", 9, 7, seed=4)
    rng = np.random.default_rng(4)
    # Quarters, whose sums are exact.
    features = (rng.integers(-40, 40, (9, 7, 35)) / 4).astype("f4")
    features[null] = np.nan
    decision = Decision(3, with_probabilities=True, features=features.shape[-1])
    monkeypatch.setattr("grassdl.predict.run.STRIP_CELLS", 14)
    reader = Shares(np.concatenate([probabilities, features], axis=-1), null)
    by = SegmentClassifier(Ids(ids, outside), decision, SegmentSettings(), tmp_path)
    for band in list(stored_bands(reader, decision))[:3]:
        by.add(band)
    by.close()
    # The last band was not recorded: a resumed run makes it again.
    by = SegmentClassifier(Ids(ids, outside), decision, SegmentSettings(), tmp_path, done=4)
    for band in stored_bands(reader, decision, done=4):
        by.add(band)
    table = by.table()
    by.close()
    for one, found, means in zip(table.ids, table.features, table.means, strict=True):
        own = (ids == one) & ~outside & ~null
        assert found.tolist() == features[own].astype(float).mean(axis=0).tolist()
        assert means.tolist() == probabilities[own].astype(float).mean(axis=0).tolist()
    columns = columns_of(table, np.array([1, 2, 3]))
    assert list(columns)[-1] == f"feat_{features.shape[-1]}"
    assert columns["feat_2"].tolist() == table.features[:, 1].tolist()


def test_a_tie_of_votes_goes_to_the_higher_mean_probability(tmp_path):
    shares = np.array([[[0.5, 0.4, 0.1], [0.1, 0.8, 0.1]]], np.float32)
    there = np.full((1, 2), 4), np.zeros((1, 2), bool), shares, np.zeros((1, 2), bool)
    table, found = tally(there, tmp_path, method="majority")
    assert found.tolist() == [[1, 1]]
    assert (table.share[0], table.margin[0]) == (0.5, 0)


def test_the_decision_level_of_two_classes_holds_for_segments(tmp_path):
    shares = np.array([[[0.4, 0.6], [0.4, 0.6]]], np.float32)
    there = np.full((1, 2), 4), np.zeros((1, 2), bool), shares, np.zeros((1, 2), bool)
    for method in ("mean", "majority"):
        assert tally(there, tmp_path, method=method)[1].tolist() == [[1, 1]]
        assert tally(there, tmp_path, threshold=0.7, method=method)[1].tolist() == [[0, 0]]


def test_cells_below_the_threshold_have_the_class_of_their_segment_or_none(tmp_path):
    shares = np.array([[[0.9, 0.1, 0], [0.4, 0.3, 0.3]]], np.float32)
    there = np.full((1, 2), 4), np.zeros((1, 2), bool), shares, np.zeros((1, 2), bool)
    assert tally(there, tmp_path, threshold=0.5)[1].tolist() == [[0, 0]]
    kept = tally(there, tmp_path, threshold=0.5, least_margin=0.9)[1]
    assert kept.tolist() == [[0, UNLABELLED_INDEX]]


def test_columns_have_names_that_databases_take():
    table = segments.segment_table(
        segments.SegmentSums.of_cells(
            np.array([3]),
            np.zeros((1, 2), int),
            np.array([[0, 1]]),
            np.array([[[0.75, 0.25], [0.25, 0.75]]], np.float32),
        ),
        SegmentSettings(),
    )
    columns = columns_of(table, np.array([4, 11]))
    assert {name: one.tolist() for name, one in columns.items()} == {
        "cat": [3],
        "cells": [2],
        "majority": [4],
        "share": [0.5],
        "prob_4": [0.5],
        "prob_11": [0.5],
        "entropy": [1.0],
        "margin": [0.0],
    }
