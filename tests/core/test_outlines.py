# SPDX-License-Identifier: GPL-2.0-or-later
"""Outlines with right angles."""

import json

import numpy as np
import pytest
import shapely

from grassdl.core.outlines import LEAST_IOU, right_angled


def rotated(x, y, degrees):
    turned = np.radians(degrees)
    return np.cos(turned) * x + np.sin(turned) * y, np.cos(turned) * y - np.sin(turned) * x


def of_cells(inside, cell=1.0, size=60):
    """The outline of the cells whose centres (x, y), counted from the middle, are inside."""
    y, x = np.mgrid[:size, :size] + 0.5 - size / 2
    rows, cols = np.nonzero(inside(x, y))
    squares = shapely.box(cols * cell, rows * cell, (cols + 1) * cell, (rows + 1) * cell)
    return shapely.union_all(squares)


def roof(degrees, wings):
    """The outline of a roof of rectangles (west, east, south, north), turned."""

    def inside(x, y):
        u, v = rotated(x, y, degrees)
        parts = [(w < u) & (u < e) & (s < v) & (v < n) for w, e, s, n in wings]
        return np.logical_or.reduce(parts)

    return inside


def drawn(*outlines, wanted=None, cell=1.0):
    texts = [shapely.to_geojson(one) for one in outlines]
    found = right_angled(texts, wanted or [True] * len(outlines), cell)
    return [shapely.from_geojson(one) for one in found.outlines], found


RECTANGLE = [(-13, 13, -8, 8)]
ANGLE = [(-15, 15, -12, 0), (-15, -3, -12, 12)]


@pytest.mark.parametrize("degrees", [0, 7, 20, 33, 45, 61])
@pytest.mark.parametrize("wings, corners", [(RECTANGLE, 4), (ANGLE, 6)])
def test_a_roof_of_cells_has_the_corners_and_the_angles_of_the_roof(degrees, wings, corners):
    own = of_cells(roof(degrees, wings))
    (outline,), found = drawn(own)
    points = np.array(outline.exterior.coords)
    assert len(points) - 1 == corners
    sides = np.diff(points, axis=0)
    sides /= np.hypot(*sides.T)[:, None]
    np.testing.assert_allclose((sides * np.roll(sides, 1, axis=0)).sum(axis=1), 0, atol=1e-6)
    direction = np.degrees(np.arctan2(*sides[0][::-1])) % 90
    assert min(abs(direction - degrees % 90), 90 - abs(direction - degrees % 90)) < 3
    assert found.iou[0] > 0.93
    assert outline.area == pytest.approx(own.area, rel=0.02)
    assert found.kept == 0 and found.corners[1] == corners


def test_an_outline_that_would_change_by_more_than_a_fifth_is_kept():
    cross = of_cells(lambda x, y: (abs(abs(x) - abs(y)) < 2) & (abs(x) < 20))
    (outline,), found = drawn(cross)
    assert found.iou[0] >= LEAST_IOU
    ring = of_cells(lambda x, y: (np.hypot(x, y) < 20) & (np.hypot(x, y) > 15))
    (outline,), found = drawn(ring)
    assert found.kept == 1 and found.iou.tolist() == [1]
    assert shapely.equals(outline, ring)


def test_outlines_of_objects_that_touch_do_not_overlap():
    halves = [(-20, 0, -8, 8)], [(0, 20, -6, 10)]
    outlines, found = drawn(*(of_cells(roof(25, wings)) for wings in halves))
    assert shapely.intersection(*outlines).area == pytest.approx(0, abs=1e-6)
    assert found.iou.min() >= LEAST_IOU and found.corners[1] < found.corners[0] / 2


def test_outlines_that_are_not_wanted_stay_and_holes_and_specks_are_no_trouble():
    house, speck = of_cells(roof(20, RECTANGLE)), shapely.box(50, 50, 51, 51)
    outlines, found = drawn(house, speck, wanted=[False, True])
    assert shapely.equals(outlines[0], house) and outlines[1].area > 0
    court = of_cells(
        lambda x, y: roof(20, [(-15, 15, -15, 15)])(x, y) & ~roof(20, [(-6, 6, -6, 6)])(x, y)
    )
    (outline,), found = drawn(court)
    assert [len(ring.coords) - 1 for ring in (outline.exterior, *outline.interiors)] == [4, 4]
    nothing = right_angled([json.dumps(shapely.geometry.mapping(house))], [False], 1.0)
    assert len(nothing.iou) == 0 and nothing.corners == (0, 0)


def test_cells_of_any_size_have_the_same_outlines():
    coarse, fine = (drawn(of_cells(roof(20, ANGLE), cell), cell=cell)[0][0] for cell in (1, 0.1))
    larger = shapely.transform(fine, lambda corners: 10 * corners)
    assert shapely.symmetric_difference(larger, coarse).area < 1e-6 * coarse.area
