# SPDX-License-Identifier: GPL-2.0-or-later
"""Counts of codes in windows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from array_reader import ArrayLabels
from grassdl.patches import window_counts
from grassdl.patches.window_counts import count_codes

WAYS = {"by window": 1e9, "by table": 0.0, "by the cheaper way": window_counts.TABLE_CELL_NS}
"""Costs of a table's cell that force a way to count."""


def slowly_counted(codes, positions, size, number, margin):
    counts = []
    for row, col in positions.tolist():
        top, left = max(row - margin[0], 0), max(col - margin[1], 0)
        window = codes[top : row + size + margin[0], left : col + size + margin[1]]
        counts.append([(window == code).sum() for code in range(number)])
    return np.array(counts).reshape(-1, number)


@pytest.mark.parametrize("way", WAYS)
@settings(max_examples=40)
@given(data=st.data())
def test_counts_are_those_of_each_window_whatever_the_strips(way, data):
    rows, cols = data.draw(st.integers(3, 30)), data.draw(st.integers(3, 30))
    size = data.draw(st.integers(1, min(rows, cols)))
    number = data.draw(st.sampled_from([1, 3, 40]))
    margin = data.draw(st.sampled_from([(0, 0), (2, 0), (3, 50)]))
    rng = np.random.default_rng(data.draw(st.integers(0, 999)))
    dtype = data.draw(st.sampled_from([np.uint8, np.uint16]))
    values = np.array([0, 1, 2, 7, 39, 41, np.iinfo(dtype).max], dtype)
    codes = values[rng.integers(0, data.draw(st.integers(1, 7)), (rows, cols))]
    positions = rng.integers(0, [rows - size + 1, cols - size + 1], (50, 2))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(window_counts, "STRIP_CELLS", data.draw(st.sampled_from([1, 100, 10_000])))
        patch.setattr(window_counts, "TABLE_CELL_NS", WAYS[way])
        found = count_codes(ArrayLabels(codes), positions, size, number, margin)
    assert found.dtype == np.int32
    assert np.array_equal(found, slowly_counted(codes, positions, size, number, margin))


@pytest.mark.parametrize("size", [1, 15, 16, 64, 181])
def test_a_table_holds_windows_full_of_one_code_beside_the_others(size):
    codes = np.repeat(np.arange(5, dtype=np.uint8), 181)[:, None].repeat(200, axis=1)
    positions = np.array([[181 * code, col] for code in range(5) for col in (0, 19)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(window_counts, "TABLE_CELL_NS", 0.0)
        found = count_codes(ArrayLabels(codes), positions, size, 5)
    assert np.array_equal(found, np.eye(5).repeat(2, axis=0) * size**2)


def test_no_row_is_read_twice_and_none_for_nothing(monkeypatch):
    monkeypatch.setattr(window_counts, "STRIP_CELLS", 200)
    reader = ArrayLabels(np.zeros((100, 20), np.uint8))
    positions = np.random.default_rng(0).integers(0, [51, 13], (500, 2))
    count_codes(reader, positions, 8, 1)
    assert reader.reads == [(row, 10) for row in range(0, 60, 10)]


def test_no_windows_have_no_counts():
    reader = ArrayLabels(np.zeros((10, 10), np.uint8))
    assert count_codes(reader, np.empty((0, 2), np.int64), 4, 3).shape == (0, 3)
    assert reader.reads == []
