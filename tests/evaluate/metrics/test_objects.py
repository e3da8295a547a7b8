# SPDX-License-Identifier: GPL-2.0-or-later
"""Objects: connected areas of a class, found or not."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import label

from array_rows import ArrayRows, cells, classes_of
from grassdl.evaluate.metrics import class_rows as cells_module
from grassdl.evaluate.metrics.class_rows import ClassRows
from grassdl.evaluate.metrics.objects import (
    ConnectedAreas,
    ObjectMatch,
    match_objects,
    object_report,
)


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 99), st.integers(1, 9))
def test_areas_joined_across_strips_are_those_of_the_whole(rows, cols, seed, strip):
    mask = np.random.default_rng(seed).random((rows, cols)) < 0.6
    areas = ConnectedAreas()
    numbers = np.concatenate([areas.add(mask[row : row + strip]) for row in range(0, rows, strip)])
    area_of, sizes = areas.finish()
    whole, found = label(mask)
    assert len(sizes) == found
    joined = np.where(numbers > 0, np.append(area_of, 0)[numbers - 1] + 1, 0)
    pairs = np.unique(np.stack([whole[mask], joined[mask]], axis=1), axis=0)
    # One number of the whole for each joined area, and the other way round.
    assert len(pairs) == len(set(pairs[:, 0])) == len(set(pairs[:, 1])) == found
    np.testing.assert_array_equal(sizes, np.bincount(joined[mask], minlength=found + 1)[1:])


def match_of(mapped, truth):
    rows = ClassRows([ArrayRows(cells(mapped)), ArrayRows(cells(truth))], [1, 2])
    (counts,) = match_objects(rows, [1])
    return object_report(counts, classes_of([1, 2])[1])


MAPPED = """2221111122
            2221111122
            1111111111
            1221111111"""
TRUTH = """2221112222
           2211112211
           1111111111
           1111221111"""


@pytest.mark.parametrize("strip", [10, 20, 40])
def test_objects_match_above_half_their_union(monkeypatch, strip):
    monkeypatch.setattr(cells_module, "STRIP_CELLS", strip)
    found = match_of(MAPPED, TRUTH)
    # West: 5 of 6 cells. East: 2 of 8. South: one false, one missed.
    assert (found["predicted"], found["support"], found["matched"]) == (3, 3, 1)
    assert found["precision"] == found["recall"] == found["f1"] == pytest.approx(1 / 3)
    assert (found["predicted_cells"], found["support_cells"]) == (12, 13)
    assert found["area_bias"] == pytest.approx(-1 / 13)


def test_exactly_half_does_not_match():
    assert match_of("2211", "2111")["matched"] == 0
    assert match_of("2221", "2211")["matched"] == 1


def test_class_in_one_map_only_has_undefined_figures():
    found = match_of("1111", "1221")
    assert (found["precision"], found["recall"], found["f1"]) == (None, 0, 0)
    assert found["area_bias"] == -1
    missing = match_of("1221", "1111")
    assert (missing["precision"], missing["recall"], missing["area_bias"]) == (0, None, None)


def test_memory_of_an_object_does_not_grow_with_its_height():
    match = ObjectMatch()
    for _ in range(50):
        match.add(np.ones((2, 3), bool), np.ones((2, 3), bool))
    counts = match.counts()
    assert (counts["predicted"], counts["support"], counts["matched"]) == (1, 1, 1)
    assert counts["predicted_cells"] == 300
