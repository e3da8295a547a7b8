# SPDX-License-Identifier: GPL-2.0-or-later
"""Objects: connected areas of a class, found or not."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import label

from array_rows import ArrayRows, cells, classes_of
from grassdl.core.connected_areas import ConnectedAreas
from grassdl.evaluate.metrics import class_rows as cells_module
from grassdl.evaluate.metrics.class_rows import ClassRows
from grassdl.evaluate.metrics.objects import (
    ObjectCounts,
    ObjectMaps,
    ObjectMatch,
    match_objects,
    object_report,
)


@settings(max_examples=60)
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


class Numbered:
    """Objects of an array of numbers, all of one class; an `ObjectReader`."""

    def __init__(self, numbers, value):
        self.numbers, self.value = numbers, value

    def read(self, row, rows):
        return self.numbers[row : row + rows]

    def are_of(self, numbers, value):
        return numbers > 0 if value == self.value else np.zeros(numbers.shape, bool)


def match_of(classification, truth, **objects):
    rows = ClassRows([ArrayRows(cells(classification)), ArrayRows(cells(truth))], [1, 2])
    (counts,) = match_objects(rows, [1, 2], [1], ObjectMaps(**objects))
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
    assert counts.mapped.tolist() == counts.present.tolist() == [300]
    assert counts.matched(50) == 1


def test_the_panoptic_quality_is_that_of_kirillov_by_hand():
    """Two matches of 6/10 and 9/10, one mapped object and two of the reference without a match."""
    of_matches = np.array([6, 9]), np.array([10, 10])
    counts = ObjectCounts(np.array([8, 9, 5]), np.array([8, 10, 7, 1]), *of_matches)
    found = object_report(counts, classes_of([1, 2])[1])
    assert found["segmentation_quality"] == found["mean_matched_iou"] == pytest.approx(0.75)
    assert found["recognition_quality"] == found["f1"] == pytest.approx(4 / 7)
    assert found["panoptic_quality"] == pytest.approx(1.5 / (2 + 1 / 2 + 2 / 2))
    # Above 0.5 and 0.55 there are two matches, up to 0.85 one, and none at 0.6 and 0.9 exactly.
    on_average = (2 * 2 + 6 * 1) / 10
    assert found["precision_50_95"] == pytest.approx(on_average / 3)
    assert found["recall_50_95"] == pytest.approx(on_average / 4)
    assert found["f1_50_95"] == pytest.approx(2 * on_average / 7)
    assert found["area_bias"] == pytest.approx((22 - 26) / 26)


def test_without_a_match_the_segmentation_quality_is_undefined_and_the_panoptic_one_0():
    found = match_of("2111", "1112")
    assert (found["segmentation_quality"], found["panoptic_quality"]) == (None, 0)
    nothing = match_of("1111", "1111")
    assert nothing["panoptic_quality"] is None and nothing["f1_50_95"] is None


@pytest.mark.parametrize("strip", [4, 8, 100])
def test_objects_that_touch_are_told_apart_by_their_numbers(monkeypatch, strip):
    monkeypatch.setattr(cells_module, "STRIP_CELLS", strip)
    both = "2222 2222 2211"
    assert match_of(both, both)["support"] == 1
    numbers = np.array([[7, 7, 3, 3], [7, 7, 3, 3], [7, 7, 0, 0]])
    apart = match_of(both, both, present=Numbered(numbers, 2))
    assert (apart["predicted"], apart["support"], apart["matched"]) == (1, 2, 1)
    assert apart["mean_matched_iou"] == pytest.approx(6 / 10)
    same = match_of(both, both, mapped=Numbered(numbers * 100, 2), present=Numbered(numbers, 2))
    assert (same["matched"], same["panoptic_quality"]) == (2, 1)
    other = match_of(both, both, mapped=Numbered(numbers, 1))
    assert (other["predicted"], other["support"]) == (0, 1)


def test_small_objects_do_not_count_unless_they_match_a_large_one():
    mapped, truth = "22211212 11111111", "22221112 11111121"
    every = match_of(mapped, truth)
    assert (every["predicted"], every["support"], every["matched"]) == (3, 3, 2)
    # The first has 3 of 4 cells; specks of one cell are left out in both maps.
    large = match_of(mapped, truth, minsize=4)
    assert (large["predicted"], large["support"], large["matched"]) == (1, 1, 1)
    assert (large["predicted_cells"], large["support_cells"]) == (3, 4)
    assert match_of(mapped, truth, minsize=5)["predicted"] == 0
