# SPDX-License-Identifier: GPL-2.0-or-later
"""Borders of classes within a distance."""

import numpy as np
import pytest

from array_rows import ArrayRows, cells, classes_of
from grassdl.evaluate.metrics import class_rows as cells_module
from grassdl.evaluate.metrics.boundaries import border_cells, border_report, count_borders
from grassdl.evaluate.metrics.class_rows import ClassRows
from grassdl.evaluate.settings import Settings


def report_of(mapped, truth, distances, values=(1, 2)):
    rows = ClassRows([ArrayRows(mapped), ArrayRows(truth)], values)
    counts = count_borders(rows, len(values), distances)
    return border_report(counts, classes_of(values))


def half_and_half(column, size=20):
    """A map of class 1 west of a column and class 2 from it on."""
    return np.where(np.arange(size) < column, 1, 2) * np.ones((size, 1), int)


def test_border_cells_touch_another_class_and_not_null():
    codes = np.array([[1, 1, 2, 0], [1, 1, 0, 3]], np.uint8)
    assert border_cells(codes).tolist() == [[False, True, True, False], [False] * 4]


def test_equal_maps_meet_all_borders():
    truth = half_and_half(8).astype(np.int32)
    (found,) = report_of(truth, truth, [0])
    assert [one["f1"] for one in found["classes"]] == [1, 1]
    assert found["f1_macro"] == 1


def test_border_that_is_3_cells_off_is_met_from_distance_3_on():
    mapped, truth = (half_and_half(column).astype(np.int32) for column in (8, 11))
    found = report_of(mapped, truth, [1, 2.9, 3])
    assert [one["f1_macro"] for one in found] == [0, 0, 1]
    assert [one["distance"] for one in found] == [1, 2.9, 3]


def test_false_border_lowers_precision_and_a_missing_one_recall():
    mapped = cells("1111111 1111111 1112111 1111111 1111111")
    truth = cells("1111112 1111112 1111112 1111112 1111112")
    one, two = report_of(mapped, truth, [1])[0]["classes"]
    # Class 2: one mapped border cell, far from the column; five in the reference.
    assert (two["precision"], two["recall"], two["f1"]) == (0, 0, 0)
    # Class 1: four mapped around it; the eastern one, in column 4, is next to column 5.
    assert one["precision"] == pytest.approx(1 / 4)
    assert one["recall"] == pytest.approx(1 / 5)


def test_class_without_borders_is_undefined_and_left_out_of_the_mean():
    truth = half_and_half(8).astype(np.int32)
    (found,) = report_of(truth, truth, [2], values=(1, 2, 7))
    assert found["classes"][2]["f1"] is None
    assert found["f1_macro"] == 1


def test_strips_of_any_height_give_the_same_counts(monkeypatch):
    rng = np.random.default_rng(2)
    mapped, truth = rng.integers(1, 4, (2, 6, 5)).repeat(4, axis=1).repeat(4, axis=2)
    whole = report_of(mapped.astype(np.int32), truth.astype(np.int32), [1, 3.5], (1, 2, 3))
    assert 0 < whole[0]["f1_macro"] < whole[1]["f1_macro"] < 1
    for rows in (1, 3, 7):
        monkeypatch.setattr(cells_module, "STRIP_CELLS", rows * 20)
        again = report_of(mapped.astype(np.int32), truth.astype(np.int32), [1, 3.5], (1, 2, 3))
        assert again == whole


def test_a_distance_whose_rows_no_memory_holds_is_refused():
    with pytest.raises(ValueError, match="<distance> must be at most 1000, found 1000000"):
        Settings(distances=(2, 1e6))
