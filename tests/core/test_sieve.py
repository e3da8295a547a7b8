# SPDX-License-Identifier: GPL-2.0-or-later
"""Small areas given to their largest neighbours."""

import numpy as np
import pytest
from scipy import ndimage

from grassdl.core.sieve import merged, touching


def areas_of(classes):
    """Number of the area, from 1, of every cell; 0 where the class is 0."""
    areas = np.zeros(classes.shape, int)
    for value in np.unique(classes[classes > 0]):
        found, number = ndimage.label(classes == value)
        areas[found > 0] = found[found > 0] + areas.max()
    return areas


def without_specks(classes, minsize):
    """The class of every cell when specks are given away, by strips of three rows."""
    areas = areas_of(classes)
    cells = np.bincount(areas.ravel())
    values = np.zeros(len(cells), int)
    values[areas] = classes
    small = cells < minsize
    strips = [touching(areas[row : row + 4], small) for row in range(0, len(areas), 3)]
    pairs = np.unique(np.concatenate(strips), axis=0)
    return values[merged(cells, values, pairs, minsize)][areas]


def test_a_speck_goes_to_the_largest_neighbour_not_to_that_of_the_longest_border():
    classes = np.array(
        [
            [1, 1, 1, 1, 1],
            [2, 2, 3, 1, 1],
            [2, 2, 2, 2, 1],
        ]
    )
    expected = np.where(classes == 3, 1, classes)
    assert np.array_equal(without_specks(classes, 2), expected)


def test_a_speck_between_two_areas_of_a_class_joins_them():
    classes = np.array([[1, 1, 2, 1, 1, 3, 3, 3, 3, 3]])
    # The two areas of class 1 have five cells with the speck, enough to stay.
    assert without_specks(classes, 4).tolist() == [[1, 1, 1, 1, 1, 3, 3, 3, 3, 3]]


def test_specks_beside_specks_add_up():
    classes = np.array([[1, 2, 3, 0, 4, 4, 4, 4]])
    assert len(np.unique(without_specks(classes, 3)[0, :3])) == 1


def test_an_area_without_neighbours_stays_and_null_stays_null():
    classes = np.array([[1, 0, 2, 2, 2], [0, 3, 0, 2, 2]])
    assert np.array_equal(without_specks(classes, 4), classes)


@pytest.mark.parametrize("minsize", [2, 5, 40])
def test_no_area_with_a_neighbour_is_below_the_size(minsize):
    rng = np.random.default_rng(minsize)
    classes = rng.integers(1, 5, (60, 70))
    classes[rng.random(classes.shape) < 0.2] = 0
    found = without_specks(classes, minsize)
    assert np.array_equal(found == 0, classes == 0)
    areas = areas_of(found)
    cells = np.bincount(areas.ravel())
    neighbours = touching(areas, np.ones(len(cells), bool))
    assert cells[neighbours].min() >= minsize
    # Areas that were large enough keep their class.
    large = np.bincount(areas_of(classes).ravel())[areas_of(classes)] >= minsize
    assert np.array_equal(found[large & (classes > 0)], classes[large & (classes > 0)])
