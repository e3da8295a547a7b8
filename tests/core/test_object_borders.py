# SPDX-License-Identifier: GPL-2.0-or-later
"""The cells between objects that touch, or nearly do."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grassdl.core.object_borders import border_cells


def drawn(text):
    return np.array([[int(one) for one in line] for line in text.split()], np.int32)


def shown(border):
    return ["".join("#" if one else "." for one in row) for row in border]


TWO_THAT_TOUCH = """000000000
                    011122220
                    011122220
                    011122220
                    000000000"""


def test_touching_objects_lose_a_cell_each_and_have_no_border_elsewhere():
    objects = drawn(TWO_THAT_TOUCH)
    assert shown(border_cells(objects, objects > 0, 1)) == [
        "...##....",
        "...##....",
        "...##....",
        "...##....",
        "...##....",
    ]


def test_objects_of_two_classes_are_apart_without_a_border():
    objects = drawn(TWO_THAT_TOUCH)
    assert not border_cells(objects, objects, 1).any()


@pytest.mark.parametrize("width, seam", [(1, 1), (2, 1), (3, 2), (4, 2)])
def test_a_border_of_n_cells_reaches_half_into_both_objects(width, seam):
    objects = np.repeat(np.int32([0, 1, 2, 0]), 10)[None]
    (border,) = border_cells(objects, objects > 0, width)
    assert border.nonzero()[0].tolist() == [*range(20 - seam, 20 + seam)]


def test_a_gap_is_border_where_both_objects_are_within_n_cells():
    #                |    1    | gap | 2 |    gap    |  3
    objects = drawn("00011111111000000222200000000003333")
    (border,) = border_cells(objects, objects > 0, 4)
    assert border.nonzero()[0].tolist() == [13, 14]
    # Those of another class do not count, and lose no cell.
    assert not border_cells(objects, np.where(objects == 2, 5, objects > 0), 4).any()


@settings(max_examples=40)
@given(st.integers(0, 999), st.integers(1, 3), st.integers(1, 5))
def test_strips_with_as_many_rows_around_have_the_borders_of_the_whole(seed, width, strip):
    rng = np.random.default_rng(seed)
    objects = np.repeat(np.repeat(rng.integers(0, 4, (6, 5), np.int32), 3, 0), 3, 1)
    classes = np.array([0, 1, 1, 2])[objects]
    whole = border_cells(objects, classes, width)
    for row in range(0, len(whole), strip):
        top, end = max(0, row - width), row + strip + width
        part = border_cells(objects[top:end], classes[top:end], width)
        np.testing.assert_array_equal(part[row - top : row - top + strip], whole[row : row + strip])
