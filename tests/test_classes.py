# SPDX-License-Identifier: GPL-2.0-or-later
"""Class schemes: their limits, and the way from values to indices."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grassdl.classes import MAX_CLASSES, MAX_VALUE, UNLABELLED_INDEX, ClassScheme, MapClass


def scheme(*values):
    return ClassScheme(MapClass(value, f"class {value}", "1:2:3") for value in values)


def test_classes_are_in_the_order_of_their_values():
    classes = scheme(9, 2, 5)
    assert classes.values.tolist() == [2, 5, 9]
    assert classes.labels == ["class 2", "class 5", "class 9"]


@pytest.mark.parametrize(
    "values, message",
    [
        ([], "At least two classes are needed, found none"),
        ([4], "At least two classes are needed, found only class 4"),
        (range(255), "At most 254 classes are possible, found 255"),
        ([3, 3], "Two classes have the same value"),
        ([-1, 3], "Class values run from 0 to 2147483647, found -1"),
        ([3, 2**31], "Class values run from 0 to 2147483647, found 2147483648"),
    ],
)
def test_what_cannot_be_classes_is_refused(values, message):
    with pytest.raises(ValueError) as error:
        scheme(*values)
    assert str(error.value) == message


def test_254_classes_with_the_largest_values_are_possible():
    classes = scheme(*range(MAX_VALUE - MAX_CLASSES + 1, MAX_VALUE + 1))
    assert classes.index_of(np.array([MAX_VALUE])).tolist() == [253]


@settings(deadline=None)
@given(
    values=st.sets(st.integers(0, 300), min_size=2, max_size=254),
    asked=st.lists(st.integers(-5, 310)),
)
def test_index_of_is_the_place_of_the_value_and_unlabelled_for_what_is_no_class(values, asked):
    place = {value: index for index, value in enumerate(sorted(values))}
    found = scheme(*values).index_of(np.array(asked, np.int32))
    assert found.dtype == np.uint8
    assert found.tolist() == [place.get(value, UNLABELLED_INDEX) for value in asked]


def test_a_scheme_comes_back_from_json_as_it_was():
    classes = ClassScheme([MapClass(7, "Forêt, dense", "0:100:0"), MapClass(0, "", "255:0:1")])
    assert ClassScheme.from_json(classes.to_json()) == classes
    assert [item["index"] for item in classes.to_json()] == [0, 1]


def test_a_colour_is_three_shares_of_one():
    assert MapClass(1, "red", "255:0:51").rgb == (1.0, 0.0, 0.2)
