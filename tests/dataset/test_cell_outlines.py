# SPDX-License-Identifier: GPL-2.0-or-later
"""Outlines of cells."""

import numpy as np

from grassdl.dataset.cell_outlines import (
    outline_of_cells,
    outline_of_rectangle,
    outlines_of_areas,
)

GRID = {"north": 100.1, "west": 7.3, "nsres": 0.1, "ewres": 0.3}


def area(ring):
    """The area of a ring, by the shoelace formula."""
    x, y = np.array(ring).T
    return abs(np.dot(x[:-1], y[1:]) - np.dot(x[1:], y[:-1])) / 2


def test_the_outline_of_a_rectangle_is_that_of_its_cells():
    cells = np.argwhere(np.ones((3, 2))) + (20, 40)
    [ring] = outline_of_cells(cells, GRID)
    [other] = outline_of_rectangle(20, 3, 40, 2, GRID)
    assert set(ring) == set(other)
    assert ring[0] == ring[-1]
    assert np.isclose(area(ring), 6 * 0.1 * 0.3)


def test_holes_are_rings_of_their_own():
    ring = np.ones((5, 5), bool)
    ring[1:4, 1:4] = False
    outer, hole = outline_of_cells(np.argwhere(ring), GRID)
    assert np.isclose(area(outer) - area(hole), 16 * 0.1 * 0.3)


def test_neighbours_share_their_corners_to_the_last_digit():
    left = outline_of_cells(np.array([[11, 3], [12, 3], [12, 2]]), GRID)[0]
    right = outline_of_cells(np.array([[11, 4], [12, 4]]), GRID)[0]
    assert len(set(left) & set(right)) == 2


def test_areas_of_one_number_that_do_not_touch_are_several():
    numbers = np.array([[3, 3, 0], [0, 7, 3], [7, 7, 3]])
    found = outlines_of_areas(numbers, (10, 20), GRID)
    assert sorted(cells for _, cells in found) == [2, 2, 3]
    for [ring], cells in found:
        assert np.isclose(area(ring), cells * 0.1 * 0.3)
    corners = np.concatenate([ring for [ring], _ in found])
    assert np.isclose(corners.min(axis=0), (7.3 + 20 * 0.3, 100.1 - 13 * 0.1)).all()
    assert np.isclose(corners.max(axis=0), (7.3 + 23 * 0.3, 100.1 - 10 * 0.1)).all()


def test_no_area_has_no_outline():
    assert outlines_of_areas(np.zeros((2, 3), np.int32), (0, 0), GRID) == []
