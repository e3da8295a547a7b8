# SPDX-License-Identifier: GPL-2.0-or-later
"""Figures from margins, and intervals for wall-to-wall maps."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from array_rows import ArrayRows, classes_of
from grassdl.core import accuracy
from grassdl.core.accuracy import CLASS_FIGURES, SUMMARY_FIGURES, Margins, margins_of
from grassdl.evaluate.metrics.bootstrap import block_intervals, resampled
from grassdl.evaluate.metrics.confusion_counts import tally

tables = st.integers(1, 6).flatmap(
    lambda size: arrays(np.int64, (size, size), elements=st.integers(0, 9))
)


@settings(max_examples=60)
@given(tables, tables)
def test_figures_of_many_tables_are_those_of_each(one, other):
    size = min(len(one), len(other))
    counts = np.stack([one[:size, :size], other[:size, :size]])
    for name, figure in (SUMMARY_FIGURES | CLASS_FIGURES).items():
        expected = [getattr(accuracy, name)(table) for table in counts]
        np.testing.assert_array_equal(figure(counts), expected, err_msg=name)
        of_margins = figure(Margins(margins_of(counts)))
        np.testing.assert_array_equal(of_margins, expected, err_msg=name)


def noisy_map(size, patch, seed):
    """Rows of a map with 30 % errors in squares of `patch` cells, and of its reference."""
    rng = np.random.default_rng(seed)
    number = size // patch
    truth = np.kron(rng.integers(1, 3, (number, number)), np.ones((patch, patch), int))
    wrong = np.kron(rng.random((number, number)) < 0.3, np.ones((patch, patch), bool))
    mapped = np.where(wrong, 3 - truth, truth)
    return ArrayRows(mapped.astype(np.int32)), ArrayRows(truth.astype(np.int32))


def width(bounds):
    return bounds[1] - bounds[0]


def intervals_of(size, patch, block, seed=3):
    found = tally(*noisy_map(size, patch, seed), None, ("map", "truth"), block)
    return block_intervals(found.blocks, classes_of(found.values), block, seed=1)


def test_errors_of_single_cells_give_the_binomial_interval():
    found = intervals_of(size=200, patch=1, block=10)
    binomial = 2 * accuracy.Z_95 * np.sqrt(0.3 * 0.7 / 200**2)
    assert width(found["overall_accuracy"]) == pytest.approx(binomial, rel=0.2)
    assert found["overall_accuracy"][0] < 0.7 < found["overall_accuracy"][1]


def test_errors_in_squares_widen_the_interval_to_that_of_as_many_squares():
    found = intervals_of(size=200, patch=5, block=20)
    of_squares = 2 * accuracy.Z_95 * np.sqrt(0.3 * 0.7 / 40**2)
    assert width(found["overall_accuracy"]) == pytest.approx(of_squares, rel=0.25)


def test_interval_covers_the_truth_in_nearly_95_of_100_maps():
    # A coverage of 0.95 gives less than 88 or all of 100 less than once in a hundred times.
    covered = 0
    for seed in range(100):
        low, high = intervals_of(size=120, patch=4, block=12, seed=seed)["overall_accuracy"]
        covered += low < 0.7 < high
    assert 88 <= covered <= 99


def test_same_seed_gives_the_same_intervals():
    blocks = np.random.default_rng(0).integers(1, 9, (30, 3, 2))
    np.testing.assert_array_equal(resampled(blocks, 5), resampled(blocks, 5))
    assert not np.array_equal(resampled(blocks, 5), resampled(blocks, 6))


def test_memory_does_not_grow_with_the_blocks_and_the_draws_stay_the_same(monkeypatch):
    blocks = np.random.default_rng(0).integers(1, 9, (3000, 3, 2)).astype(float)
    tracemalloc.start()
    in_parts = resampled(blocks, 5)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # All draws at once are 2 x 24 MB.
    assert peak < 10e6
    monkeypatch.setattr("grassdl.evaluate.metrics.bootstrap.DRAWN_AT_ONCE", 10**9)
    np.testing.assert_array_equal(resampled(blocks, 5), in_parts)


def test_few_blocks_and_rare_classes_have_no_interval():
    counts = np.array([[5, 1, 0], [1, 5, 0], [0, 0, 0]])
    few = block_intervals(np.array([margins_of(counts)] * 9), classes_of([1, 2, 3]), 4, 1)
    assert few["blocks"] == 9
    assert few["overall_accuracy"] is None
    assert few["classes"][0]["f1"] is None
    one_rare = [margins_of(counts)] * 20
    one_rare[0] = margins_of(np.eye(3, dtype=np.int64))
    found = block_intervals(np.array(one_rare), classes_of([1, 2, 3]), 4, 1)
    assert found["classes"][0]["f1"][0] == pytest.approx(10 / 12)
    assert found["classes"][2]["f1"] is None
