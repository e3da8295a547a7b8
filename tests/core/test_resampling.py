# SPDX-License-Identifier: GPL-2.0-or-later
"""Maps on another grid, checked against plain sums and functions that must come back."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grassdl.core.resampling import Axis, effective_method, resample

RNG = np.random.default_rng(3)


def onto(values, offset, ratio, cells, method, first=0):
    """A square map on a square grid of its own places and cells."""
    axis = Axis(offset, ratio, len(values))
    rows, cols = axis.taps(method, first, cells), axis.taps(method, 0, cells)
    start, count = rows.span
    return resample(values[start : start + count], start, rows, cols, method)


@pytest.mark.parametrize(
    "method, ratios, expected",
    [
        ("nearest", (3, 3), "nearest"),
        ("nearest", (0.5, 0.5), "nearest"),
        ("bilinear", (0.5, 0.5), "bilinear"),
        ("bicubic", (1, 1), "bicubic"),
        ("bilinear", (2, 2), "average"),
        ("bicubic", (1, 1.5), "average"),
        ("average", (2, 2), "average"),
        ("average", (1, 1), "nearest"),
        ("average", (0.5, 0.5), "nearest"),
    ],
)
def test_maps_are_interpolated_onto_finer_cells_and_averaged_onto_coarser_ones(
    method, ratios, expected
):
    assert effective_method(method, ratios) == expected


@pytest.mark.parametrize("method", ["bilinear", "bicubic"])
@pytest.mark.parametrize("offset, ratio", [(0.5, 0.5), (0, 0.5), (0.3, 0.7), (2, 1 / 3)])
def test_a_plane_comes_back_from_interpolation(method, offset, ratio):
    row, col = np.mgrid[:12, :12] + 0.5
    found = onto(3 * row - 2 * col + 7, offset, ratio, 9, method)
    places = offset + (np.arange(9) + 0.5) * ratio
    inner = (places > 1.5) & (places < 10.5)
    expected = 3 * places[:, None] - 2 * places + 7
    assert inner.any()
    assert found[inner][:, inner] == pytest.approx(expected[inner][:, inner], rel=1e-6)


def test_bilinear_weighs_four_cells_by_their_distance():
    values = np.array([[0.0, 10.0], [20.0, 40.0]])
    found = onto(values, 0.5, 0.5, 2, "bilinear")
    weights = np.array([[0.75, 0.25], [0.25, 0.75]])
    assert found == pytest.approx(weights @ values @ weights.T)


def test_bicubic_is_cubic_convolution_with_a_of_one_half():
    """Keys 1981: the kernel at the distances 1.5, 0.5, 0.5, 1.5 is -1/16, 9/16, 9/16, -1/16."""
    values = RNG.normal(size=(6, 6))
    found = onto(values, 2.5, 1.0, 1, "bicubic")
    kernel = np.array([-1, 9, 9, -1]) / 16
    assert found[0, 0] == pytest.approx(kernel @ values[1:5, 1:5] @ kernel, rel=1e-6)


@pytest.mark.parametrize("method", ["bilinear", "bicubic"])
def test_cells_beyond_the_map_are_null_and_its_rim_is_not(method):
    found = onto(np.full((4, 4), 5.0), -1, 0.5, 12, method)
    inside = np.zeros(12, bool)
    inside[2:10] = True
    assert np.array_equal(~np.isnan(found), inside[:, None] & inside)
    assert found[2:10, 2:10] == pytest.approx(5)


@pytest.mark.parametrize("method, reach", [("bilinear", 1), ("bicubic", 2)])
def test_a_null_takes_all_cells_that_it_is_a_neighbour_of(method, reach):
    values = np.ones((9, 9))
    values[4, 4] = np.nan
    found = onto(values, 0.5, 1.0, 8, method)
    lost = np.zeros(8, bool)
    lost[4 - reach : 4 + reach] = True
    assert np.array_equal(np.isnan(found), lost[:, None] & lost)


def test_an_average_counts_only_what_is_not_null_and_by_its_area():
    values = np.array([[1.0, 2.0, np.nan], [3.0, 4.0, 8.0], [5.0, 6.0, np.nan]])
    found = onto(values, 0, 1.5, 2, "average")
    assert found[0, 0] == pytest.approx((1 * 1 + 2 * 0.5 + 3 * 0.5 + 4 * 0.25) / 2.25)
    assert found[0, 1] == pytest.approx((2 * 0.5 + 4 * 0.25 + 8 * 0.5) / (0.5 + 0.25 + 0.5))


def test_the_average_of_whole_cells_is_numpys():
    values = RNG.normal(size=(12, 12))
    found = onto(values, 0, 3, 4, "average")
    expected = values.reshape(4, 3, 4, 3).mean(axis=(1, 3))
    assert found == pytest.approx(expected, rel=1e-6)


def test_an_average_of_nothing_is_null():
    values = np.full((4, 4), np.nan)
    values[0, 0] = 1
    found = onto(values, -2, 2, 4, "average")
    assert np.isnan(found).sum() == 15
    assert found[1, 1] == 1


@settings(max_examples=60)
@given(
    method=st.sampled_from(["bilinear", "bicubic", "average"]),
    offset=st.floats(-5, 8),
    ratio=st.floats(0.2, 4),
    first=st.integers(0, 9),
)
def test_rows_come_out_alike_however_many_are_asked_for(method, offset, ratio, first):
    values = np.random.default_rng(0).normal(size=(11, 11))
    values[3, 4] = np.nan
    whole = onto(values, offset, ratio, 10, method)
    axis = Axis(offset, ratio, 11)
    rows = axis.taps(method, first, 1)
    start, count = rows.span
    one = resample(values[start : start + count], start, rows, axis.taps(method, 0, 10), method)
    assert np.array_equal(one[0], whole[first], equal_nan=True)


@pytest.mark.parametrize("method, ratio", [("bilinear", 0.5), ("bicubic", 0.5), ("average", 1.5)])
def test_a_map_around_the_earth_goes_on_at_its_edge(method, ratio):
    values = RNG.normal(size=36)
    rows = Axis(0, 1, 1).taps("bilinear", 0, 1)
    twice = Axis(30.25, ratio, 72).taps(method, 0, 12)
    expected = resample(np.tile(values, 2)[None], 0, rows, twice, method)
    for offset in (30.25, 30.25 - 36, 30.25 + 36):
        found = Axis(offset, ratio, 36, around=36).taps(method, 0, 12)
        assert resample(values[None], 0, rows, found, method) == pytest.approx(
            expected, nan_ok=True
        )
    assert not np.isnan(expected).any()


@pytest.mark.parametrize("method, ratio", [("bilinear", 0.5), ("average", 2.0)])
def test_a_map_that_lacks_a_part_of_the_turn_has_its_edges(method, ratio):
    values = np.arange(30.0)
    rows = Axis(0, 1, 1).taps("bilinear", 0, 1)
    cells = int(10 / ratio)
    found = Axis(-8, ratio, 30, around=36).taps(method, 0, cells)
    values = resample(values[None], 0, rows, found, method)[0]
    # Of the cells from 28 to 38 the map has 28, 29, and, behind the gap, 0 and 1.
    inside = np.repeat([True, False, True], [int(2 / ratio), int(6 / ratio), int(2 / ratio)])
    assert np.array_equal(~np.isnan(values), inside)
    assert values[0] == pytest.approx(28.5 if method == "average" else 27.75)
