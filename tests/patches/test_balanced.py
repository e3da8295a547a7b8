# SPDX-License-Identifier: GPL-2.0-or-later
"""Patches whose classes come out even."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grassdl.patches.balanced import draw_evenly, evenness_note


def entropy(counts):
    shares = counts.sum(axis=0) / counts.sum()
    shares = shares[shares > 0]
    return -(shares * np.log(shares)).sum()


@settings(max_examples=50)
@given(n=st.integers(1, 200), number=st.integers(0, 220), seed=st.integers(0, 999))
def test_as_many_are_drawn_as_asked_or_there_are_and_none_twice(n, number, seed):
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 3, (n, 4)) + [1, 0, 0, 0]
    chosen = draw_evenly(counts, number, rng)
    assert len(chosen) == len(set(chosen.tolist())) == min(n, number)
    assert np.isin(chosen, np.arange(n)).all()


def test_a_rare_class_is_taken_whole_and_the_others_evenly():
    """The most even shares that 60 patches of one class each can have are 25, 25 and 10."""
    classes = np.repeat([0, 1, 2], [1000, 100, 10])
    counts = 64 * np.eye(3, dtype=int)[np.random.default_rng(1).permutation(classes)]
    chosen = draw_evenly(counts, 60, np.random.default_rng(0))
    assert (counts[chosen].sum(axis=0) / 64).tolist() == pytest.approx([25, 25, 10], abs=1)


def test_shares_are_even_where_the_labels_allow():
    rng = np.random.default_rng(3)
    rates = rng.dirichlet([3, 1, 0.5], 5000)
    counts = np.rint(4096 * rates).astype(int)
    assert counts.sum(axis=0).min() / counts.sum() < 0.15
    chosen = draw_evenly(counts, 300, rng)
    shares = counts[chosen].sum(axis=0) / counts[chosen].sum()
    assert shares == pytest.approx(np.full(3, 1 / 3), abs=0.01)


@settings(max_examples=20)
@given(seed=st.integers(0, 999), number=st.integers(20, 150))
def test_no_random_draw_is_clearly_more_even(seed, number):
    rng = np.random.default_rng(seed)
    counts = rng.poisson([40, 10, 1, 0.1], (400, 4)) * rng.integers(0, 2, (400, 4))
    counts[:, 0] += 1
    reached = entropy(counts[draw_evenly(counts, number, rng)])
    others = [entropy(counts[rng.permutation(400)[:number]]) for _ in range(20)]
    assert reached > max(others)


def test_the_draw_is_repeatable_and_random():
    counts = np.random.default_rng(0).integers(0, 9, (500, 3))
    first, again, other = (draw_evenly(counts, 50, np.random.default_rng(s)) for s in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_the_shares_reached_are_told_of_the_classes_that_occur():
    note = evenness_note(np.array([30, 0, 10]), ["water", "roof", "tree"])
    expected = "Class shares reached (even ones: 50.00 %): <water> 75.00 %, <tree> 25.00 %"
    assert note == expected
