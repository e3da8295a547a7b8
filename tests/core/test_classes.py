# SPDX-License-Identifier: GPL-2.0-or-later
"""Class schemes: their limits, and the way from values to indices."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grassdl.core.classes import (
    MAX_CLASSES,
    MAX_VALUE,
    UNLABELLED_INDEX,
    ClassScheme,
    MapClass,
    classes_of_texts,
    union,
)


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
        ([4], "At least two classes are needed, found only class 4 <class 4>"),
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


@pytest.mark.parametrize("color", ["red", "", "1:2", "1:2:256", "-1:2:3", "1:2:3:4", "١:2:3"])
def test_what_is_no_colour_is_refused_by_the_name_of_the_class(color):
    with pytest.raises(ValueError, match="Class 5 <roof> has the colour .* three numbers from 0"):
        ClassScheme([MapClass(2, "water", "0:0:255"), MapClass(5, "roof", color)])


def test_a_label_that_no_table_of_grass_takes_is_refused():
    longest = MapClass(2, "ü" * 200, "0:0:255")
    with pytest.raises(ValueError, match="The label of class 5, 'x+\\.\\.\\.', has 201"):
        ClassScheme([longest, MapClass(5, "x" * 201, "0:0:255")])


def test_a_label_is_one_line_whatever_it_was_made_of():
    assert MapClass(1, " forest\nclosed,\t\tdense ", "").label == "forest closed, dense"
    assert MapClass(1, "\x1b[31mred\x1b[0m \x07\ud800", "").label == "red \N{REPLACEMENT CHARACTER}"


def told(texts):
    return {key: (one.value, one.label) for key, one in classes_of_texts(texts).items()}


def test_texts_that_are_all_integers_are_class_values():
    assert told({7: "10", 8: "2", 9: "02"}) == {7: (10, "10"), 8: (2, "2"), 9: (2, "2")}


def test_other_texts_are_numbered_in_their_order_digits_or_not():
    assert told({7: "road", 8: "2", 9: "car\n2"}) == {7: (3, "road"), 8: (1, "2"), 9: (2, "car 2")}


def of_texts(*texts):
    classes = classes_of_texts(dict(enumerate(texts))).values()
    return ClassScheme(replace(one, color="1:2:3") for one in classes)


def test_equal_texts_of_several_schemes_are_one_class():
    first, second = of_texts("building", "road"), of_texts("road", "tree")
    both = union([first, second])
    assert both.labels == ["building", "road", "tree"]
    assert both.values.tolist() == [1, 2, 3]
    assert both.places_of(second).tolist() == [1, 2]
    assert first.places_of(second).tolist() == [1, UNLABELLED_INDEX]


def test_texts_take_the_values_that_another_scheme_gives_to_their_labels():
    fixed = ClassScheme([MapClass(7, "road", "0:0:0"), MapClass(2, "water", "0:0:255")])
    texts = of_texts("road", "tree")
    both = union([texts, fixed])
    assert dict(zip(both.labels, both.values.tolist(), strict=True)) == {
        "road": 7, "water": 2, "tree": 8,
    }  # fmt: skip
    assert both.values[both.places_of(texts)].tolist() == [7, 8]


def test_numbers_of_texts_are_remembered_in_json():
    again = ClassScheme.from_json(of_texts("road", "tree").to_json())
    assert [one.numbered for one in again] == [True, True]
    assert "numbered" not in scheme(1, 2).to_json()[0]


def test_the_width_of_the_border_is_remembered_in_json_and_by_a_union():
    border = MapClass(8, "border", "1:2:3", numbered=True, border=2)
    own = ClassScheme([MapClass(7, "roof", "0:0:0"), border])
    again = ClassScheme.from_json(own.to_json())
    assert [one.border for one in again] == [0, 2] and again.border_index == 1
    assert "border" not in own.to_json()[0]
    assert scheme(1, 2).border_index is None
    # Its value is that of a class of another dataset: it is known by its label.
    other = ClassScheme([MapClass(7, "roof", "0:0:0"), MapClass(8, "road", "0:0:1")])
    both = union([other, own])
    assert [(one.value, one.label, one.border) for one in both] == [
        (7, "roof", 0), (8, "road", 0), (9, "border", 2)
    ]  # fmt: skip
    assert both.places_of(own).tolist() == [0, 2]


def test_a_union_has_the_widest_border():
    thin, wide = (
        ClassScheme([MapClass(7, "roof", "0:0:0"), MapClass(8, "border", "1:2:3", border=cells)])
        for cells in (1, 3)
    )
    for schemes in ([thin, wide], [wide, thin]):
        assert [one.border for one in union(schemes)] == [0, 3]


def test_a_background_that_only_one_of_several_datasets_has_is_remembered_by_a_union():
    named, background = (MapClass(0, "other", "0:0:0", background=one) for one in (False, True))
    roof = MapClass(7, "roof", "0:0:1")
    both = union([ClassScheme([named, roof]), ClassScheme([background, roof])])
    assert [one.background for one in both] == [True, False]


def test_one_class_at_most_is_a_border():
    borders = [MapClass(value, str(value), "0:0:0", border=1) for value in (1, 2)]
    with pytest.raises(ValueError, match="border between objects, found 1 and 2"):
        ClassScheme(borders)


def test_254_classes_with_the_largest_values_are_possible():
    classes = scheme(*range(MAX_VALUE - MAX_CLASSES + 1, MAX_VALUE + 1))
    assert classes.index_of(np.array([MAX_VALUE])).tolist() == [253]


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


def test_numbers_of_texts_and_values_of_a_file_are_the_same_class_by_their_label():
    numbered = ClassScheme(
        [MapClass(n, text, "0:0:0", numbered=True) for n, text in ((1, "forest"), (2, "water"))]
    )
    valued = ClassScheme(
        [MapClass(1, "water", "0:0:0"), MapClass(20, "forest", "0:0:1"), MapClass(30, "x", "1:1:1")]
    )
    assert numbered.places_of(valued).tolist() == [1, 0, UNLABELLED_INDEX]
    assert valued.places_of(numbered).tolist() == [1, 0]
