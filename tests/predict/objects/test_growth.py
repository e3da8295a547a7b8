# SPDX-License-Identifier: GPL-2.0-or-later
"""Objects grow over the border, the same for every tiling."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import label

from grassdl.predict.objects.growth import grown, halo_of


def row(values, dtype=np.uint8):
    return np.array([values], dtype)


def grow(seeds, barrier, reach, codes=None):
    seeds, barrier = row(seeds, np.int32), row(barrier)
    codes = np.ones(seeds.shape, np.uint8) if codes is None else row(codes)
    return grown(seeds, codes, barrier, reach)[0].tolist()


def test_two_objects_meet_at_the_surest_cell_of_the_border_between_them():
    #              |           ridge            |
    seeds, barrier = [1, 0, 0, 0, 0, 2], [0, 40, 200, 80, 60, 0]
    assert grow(seeds, barrier, 5) == [1, 1, 1, 2, 2, 2]
    seeds, barrier = [1, 0, 0, 0, 0, 2], [0, 40, 50, 80, 200, 0]
    assert grow(seeds, barrier, 5) == [1, 1, 1, 1, 2, 2]


def test_equal_barriers_are_shared_by_distance_and_no_step_goes_beyond_the_reach():
    assert grow([1, 0, 0, 0, 0, 2], [0, 9, 9, 9, 9, 0], 5) == [1, 1, 1, 2, 2, 2]
    assert grow([1, 0, 0, 0, 0, 0], [0, 9, 9, 9, 9, 9], 2) == [1, 1, 1, 0, 0, 0]
    assert grow([1, 0, 0], [0, 9, 9], 0) == [1, 0, 0]


def test_objects_grow_over_the_border_of_their_own_class_alone():
    assert grow([1, 0, 0, 2], [0, 9, 9, 0], 3, codes=[1, 2, 0, 1]) == [1, 0, 0, 2]
    # What is no border is no way either.
    assert grow([1, 0, 0], [0, 0, 9], 3) == [1, 0, 0]


@st.composite
def maps(draw):
    """Seeds, codes and barriers of few values, so that many ways are alike."""
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    shape = draw(st.integers(5, 16)), draw(st.integers(3, 9))
    codes = rng.choice([0, 1, 1, 1, 2], shape).astype(np.uint8)
    barrier = rng.integers(1, draw(st.sampled_from([2, 5, 255])), shape).astype(np.uint8)
    seeds = np.where(rng.random(shape) < 0.15, rng.integers(1, 99, shape), 0).astype(np.int32)
    seeds[codes == 0] = 0
    barrier[seeds > 0] = 0
    return seeds, codes, barrier


@settings(max_examples=150)
@given(maps(), st.integers(0, 4), st.integers(1, 6))
def test_strips_with_their_halo_grow_as_the_whole_does(layers, reach, strip):
    whole = grown(*layers, reach)
    for first in range(0, len(whole), strip):
        top, end = max(0, first - halo_of(reach)), first + strip + halo_of(reach)
        part = grown(*(one[top:end] for one in layers), reach)
        np.testing.assert_array_equal(
            part[first - top : first - top + strip], whole[first : first + strip]
        )


@settings(max_examples=150)
@given(maps(), st.integers(1, 5))
def test_every_grown_cell_is_connected_with_its_seed(layers, reach):
    seeds, codes, _ = layers
    seeds = label(seeds > 0)[0].astype(np.int32)
    found = grown(seeds, codes, layers[2], reach)
    assert np.array_equal(found[seeds > 0], seeds[seeds > 0])
    for number in np.unique(found[found > 0]):
        areas = label(found == number)[0]
        assert set(areas[found == number]) <= set(areas[seeds == number])
