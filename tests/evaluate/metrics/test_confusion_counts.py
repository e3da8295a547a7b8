# SPDX-License-Identifier: GPL-2.0-or-later
"""Counting two maps in one pass, as a whole and block by block."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from array_rows import NULL_VALUE, ArrayRows, cells
from grassdl.core import accuracy
from grassdl.core.accuracy import margins_of
from grassdl.core.classes import MAX_VALUE
from grassdl.evaluate.metrics import class_rows as cells_module
from grassdl.evaluate.metrics.class_rows import ClassCodes, ClassRows, strips
from grassdl.evaluate.metrics.confusion_counts import tally, tally_points, usual_block_size

NAMES = ("map", "truth")


def test_pairs_are_counted_in_the_order_of_the_values():
    found = tally(
        ArrayRows(cells("733 377")), ArrayRows(cells("737 977")), None, NAMES, block_size=2
    )
    assert found.values == [3, 7, 9]
    assert found.counts.tolist() == [[1, 1, 1], [0, 3, 0], [0, 0, 0]]


def test_cells_are_left_out_by_reason():
    found = tally(
        ArrayRows(cells("1.1.1")),
        ArrayRows(cells("11..2")),
        ArrayRows(cells("111.1")),
        NAMES,
        block_size=9,
    )
    assert found.counts.tolist() == [[1, 1], [0, 0]]
    left = found.left_out
    assert (left.masked, left.null_in_both) == (1, 0)
    assert (left.null_in_classification, left.null_in_reference) == (1, 1)


@settings(max_examples=40)
@given(
    st.integers(1, 9), st.integers(1, 9), st.integers(1, 10), st.integers(1, 20), st.integers(0, 99)
)
def test_margins_of_the_blocks_are_those_of_their_own_cells(rows, cols, block, strip, seed):
    rng = np.random.default_rng(seed)
    values = np.array([NULL_VALUE, 4, 2, 70000], np.int32)
    one, other = values[rng.integers(0, 4, (2, rows, cols))]
    # A cell in which both agree, so that there is something to count.
    one[0, 0] = other[0, 0] = 4
    usual = cells_module.STRIP_CELLS
    cells_module.STRIP_CELLS = strip
    try:
        found = tally(ArrayRows(one), ArrayRows(other), None, NAMES, block)
    finally:
        cells_module.STRIP_CELLS = usual
    index = {value: place for place, value in enumerate(found.values)}
    expected = []
    for top in range(0, rows, block):
        for left in range(0, cols, block):
            window = np.s_[top : top + block, left : left + block]
            counts = np.zeros_like(found.counts)
            for pair in zip(one[window].flat, other[window].flat, strict=True):
                if NULL_VALUE not in pair:
                    counts[index[pair[0]], index[pair[1]]] += 1
            if counts.any():
                expected.append(margins_of(counts))
    np.testing.assert_array_equal(found.blocks, expected)
    np.testing.assert_array_equal(found.blocks.sum(axis=0), margins_of(found.counts))


def test_every_row_is_read_once_and_blocks_begin_a_strip():
    reader = ArrayRows(np.ones((10, 3), np.int32))
    tally(reader, ArrayRows(np.ones((10, 3), np.int32)), None, NAMES, block_size=4)
    assert reader.rows_read == list(range(10))
    assert list(strips(10, 3, within=4)) == [(0, 4), (4, 4), (8, 2)]
    assert list(strips(10, cells_module.STRIP_CELLS // 3)) == [(0, 3), (3, 3), (6, 3), (9, 1)]


def test_large_values_and_the_border_of_the_table_are_told_apart():
    values = np.array([[0, 65534, 65535, 65536, MAX_VALUE, NULL_VALUE]], np.int32)
    null = values == NULL_VALUE
    codes = ClassCodes()
    assert codes.encode(values, null, "map").tolist() == [[1, 2, 3, 4, 5, 0]]
    assert codes.values == [0, 65534, 65535, 65536, MAX_VALUE]
    assert codes.encode(values[:, ::-1], null[:, ::-1], "map").tolist() == [[0, 5, 4, 3, 2, 1]]
    fixed = ClassCodes([65535, 0], fixed=True)
    assert fixed.encode(values, null, "map").tolist() == [[2, 0, 1, 0, 0, 0]]


def test_as_many_classes_as_possible_are_counted_and_not_one_more():
    values = np.arange(254, dtype=np.int32).reshape(2, 127)
    found = tally(ArrayRows(values), ArrayRows(values), None, NAMES, 10)
    np.testing.assert_array_equal(found.counts, np.eye(254))
    with pytest.raises(ValueError, match="<truth> holds too many"):
        tally(ArrayRows(values), ArrayRows(values + 1), None, NAMES, 10)


def test_maps_that_cannot_be_compared_are_refused():
    good = cells("12 21")
    for other, message in [
        (cells(".. .."), "no cell in common"),
        (cells("34 43"), r"No class of reference <truth> \(3, 4\)"),
        (-good, "<truth> holds the value -2"),
    ]:
        with pytest.raises(ValueError, match=message):
            tally(ArrayRows(good), ArrayRows(other), None, NAMES, 2)


def test_more_blocks_than_fit_into_memory_are_refused():
    big = ArrayRows(np.ones((200, 200), np.int32))
    with pytest.raises(ValueError, match=r"block_size=1 .* 40000 blocks.* such as 10"):
        tally(big, big, None, NAMES, 1)
    assert usual_block_size(200, 200) == 10
    assert usual_block_size(3, 4) == 1


def test_points_are_counted_like_cells():
    null = np.array([False, False, True, False])
    found = tally_points(np.array([1, 2, 0, 2]), null, np.array([1, 1, 1, 2]), NAMES)
    assert found.counts.tolist() == [[1, 0], [1, 1]]
    assert found.left_out.null_in_classification == 1
    assert accuracy.overall_accuracy(found.counts) == pytest.approx(2 / 3)


def test_class_rows_count_only_cells_that_all_maps_have():
    rows = ClassRows([ArrayRows(cells("12.5")), ArrayRows(cells("1221"))], [1, 2])
    assert [codes.tolist() for codes in rows.read(0, 1)] == [[[1, 2, 0, 0]], [[1, 2, 0, 0]]]
