# SPDX-License-Identifier: GPL-2.0-or-later
"""A value as a target: how labels lie in arrays, and the ranges that they are counted in."""

import numpy as np
import pytest

from grassdl.core.classes import NULL_INDEX, UNLABELLED_INDEX, ClassScheme, MapClass
from grassdl.core.label_codes import CLASS_CODES, VALUE_CODES, codes_of
from grassdl.core.target import ByTarget, Target
from grassdl.core.values import ValueTarget, range_edges

CLASSES = ClassScheme([MapClass(3, "water", "0:0:255"), MapClass(5, "roof", "255:0:0")])
HEIGHT = ValueTarget("height", "m", 4.0, 2.0, 0.0, 9.0, (1.0, 5.0))


def test_the_type_of_labels_tells_their_codes():
    assert codes_of(np.zeros(2, np.uint8)) is CLASS_CODES
    assert codes_of(np.zeros(2, np.float32)) is VALUE_CODES


def test_values_that_are_not_finite_are_unlabelled_or_null():
    labels = np.array([0, -3, np.nan, -np.inf], np.float32)
    assert VALUE_CODES.is_labelled(labels).tolist() == [True, True, False, False]
    assert VALUE_CODES.is_unlabelled(labels).tolist() == [False, False, True, False]
    assert VALUE_CODES.is_null(labels).tolist() == [False, False, False, True]


@pytest.mark.parametrize(
    "labels", [np.array([1, 255, 0], np.uint8), np.array([1, np.nan, 0], "f4")]
)
def test_labels_lost_to_null_are_counted(labels):
    codes = codes_of(labels)
    assert codes.lost(labels, np.array([True, True, False])) == 1
    assert codes.is_null(labels).tolist() == [True, True, False]


def test_ranges_hold_about_as_many_values_each():
    assert range_edges(np.arange(100.0)) == tuple(range(10, 100, 10))


def test_a_frequent_value_has_a_range_of_its_own():
    heights = np.concatenate([np.zeros(60), np.arange(1, 41)])
    assert range_edges(heights) == tuple(range(1, 41, 4))
    assert range_edges(np.array([0.0] * 99 + [7.0])) == (7.0,)
    assert range_edges(np.array([0.0] + [7.0] * 99)) == (7.0,)
    assert range_edges(np.full(5, 3.0)) == (3.0,)


def test_values_are_counted_in_their_ranges():
    labels = np.array([[-5, 0.9, 1, 4.9], [5, 70, np.nan, -np.inf]], np.float32)
    assert HEIGHT.counted_codes(labels).tolist() == [
        [0, 0, 1, 1],
        [2, 2, UNLABELLED_INDEX, NULL_INDEX],
    ]
    assert HEIGHT.counted.labels == ["below 1", "1 to 5", "5 and more"]


@pytest.mark.parametrize("target", [CLASSES, HEIGHT])
def test_a_target_is_read_as_it_was_written(target):
    assert Target.from_json(target.to_json()) == target


def test_ranges_that_do_not_ascend_are_refused():
    with pytest.raises(ValueError, match="do not ascend"):
        Target.from_json({**HEIGHT.to_json(), "edges": [5.0, 1.0]})


def test_values_have_no_classes():
    with pytest.raises(ValueError, match="^The input is of values of <height> in m, and classes"):
        HEIGHT.scheme("The input")
    assert CLASSES.scheme("The input") is CLASSES


def test_a_head_serves_the_same_classes_and_values_in_the_same_units():
    feet = ValueTarget("height", "ft")
    assert HEIGHT.is_same(ValueTarget("canopy", "m")) and HEIGHT.is_same(ValueTarget("canopy"))
    assert not HEIGHT.is_same(feet) and not HEIGHT.is_same(CLASSES)
    assert CLASSES.is_same(ClassScheme(CLASSES)) and not CLASSES.is_same(HEIGHT)


def test_a_room_has_a_variant_for_each_kind():
    rooms = ByTarget(classes="maps of classes", value="maps of values")
    assert [rooms.of(one) for one in (CLASSES, HEIGHT)] == ["maps of classes", "maps of values"]


@pytest.mark.parametrize(
    "edges, labels",
    [
        ((1.5, 20.0), ["below 1.5", "1.5 to 20", "20 and more"]),
        ((12345.6, 12347.9), ["below 12346", "12346 to 12348", "12348 and more"]),
        ((300.01, 300.02), ["below 300.01", "300.01 to 300.02", "300.02 and more"]),
        ((1.5e12, 2e12), ["below 1.5e+12", "1.5e+12 to 2e+12", "2e+12 and more"]),
    ],
)
def test_names_of_ranges_have_as_many_digits_as_tell_them_apart(edges, labels):
    assert [one.label for one in ValueTarget("depth", edges=edges).counted] == labels
