# SPDX-License-Identifier: GPL-2.0-or-later
"""The shape of tiles that computes least within a memory, against all shapes that there are."""

from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grassdl.predict.tiling.axis import Span, plan_axis, plan_blended_axis
from grassdl.predict.tiling.tile_shape import (
    LEAST_CORE,
    MOST_CELLS,
    Budget,
    CellMemory,
    blended_shape,
    computed_cells,
    exact_shape,
)

CELLS = CellMemory(window=400, buffered=11, output=7)


def exact_axes(shape, stride, halo, start=0, beyond=40):
    """The ways to tile rows and columns of a region that begins at `start` of maps that reach
    `beyond` it."""
    return [
        partial(
            plan_axis,
            start + cells + beyond,
            Span(start, start + cells),
            stride=stride,
            halo=halo,
        )
        for cells in shape
    ]


def assert_least(rows, cols, stride, halo, longest, budget):
    """Of all cores of whole strides, none that fits computes less than the chosen one."""
    sizes = range(-(-min(LEAST_CORE, longest) // stride) * stride, longest + 2 * stride, stride)
    tilings = [(rows(height), cols(width)) for height in sizes for width in sizes]
    fitting = [computed_cells(*one) for one in tilings if CELLS.of(*one) <= budget]
    chosen = exact_shape(rows, cols, stride, halo, CELLS, Budget(budget, budget))
    tiling = rows(chosen.rows), cols(chosen.cols)
    if fitting:
        assert CELLS.of(*tiling) <= budget
        assert computed_cells(*tiling) == min(fitting)
    else:
        assert CELLS.of(*tiling) == min(CELLS.of(*one) for one in tilings)


@settings(max_examples=40)
@given(
    shape=st.tuples(st.integers(1, 150), st.integers(1, 150)),
    start=st.integers(0, 20),
    stride=st.sampled_from([4, 8, 16]),
    halo_strides=st.integers(0, 3),
    budget=st.integers(100_000, 8_000_000),
)
def test_no_other_shape_that_fits_computes_less(shape, start, stride, halo_strides, budget):
    axes = exact_axes(shape, stride, stride * halo_strides, start)
    assert_least(*axes, stride, stride * halo_strides, max(shape) + stride, budget)


@settings(max_examples=10)
@given(
    shape=st.tuples(st.integers(42, 60), st.integers(42, 60)),
    halo=st.integers(0, 20),
    budget=st.integers(500_000, 3_000_000),
)
def test_nor_does_one_inside_of_larger_maps(shape, halo, budget):
    assert_least(*exact_axes(shape, 1, halo, start=30, beyond=30), 1, halo, max(shape), budget)


def test_a_narrow_region_is_computed_in_strips_over_its_whole_width():
    rows, cols = exact_axes((60_000, 1000), stride=16, halo=96)
    shape = exact_shape(rows, cols, 16, 96, CELLS, Budget(300e6, 300e6))
    assert len(cols(shape.cols).cores) == 1
    square = computed_cells(rows(512), cols(512))
    assert computed_cells(rows(shape.rows), cols(shape.cols)) < 0.9 * square


def test_memory_suffices_at_50_000_columns_whatever_the_height():
    for height in (600, 60_000):
        rows, cols = exact_axes((height, 50_000), stride=16, halo=96)
        shape = exact_shape(rows, cols, 16, 96, CELLS, Budget(300e6, 300e6))
        assert CELLS.of(rows(shape.rows), cols(shape.cols)) <= 300e6


def test_no_window_is_larger_than_what_may_be_lost_at_once():
    rows, cols = exact_axes((9000, 9000), stride=16, halo=96)
    shape = exact_shape(rows, cols, 16, 96, CELLS, Budget(1e12, 1e12))
    assert rows(shape.rows).longest_window * cols(shape.cols).longest_window <= MOST_CELLS


@pytest.mark.parametrize(("budget", "edge"), [(1e9, 512), (50e6, 288), (1, 32)])
def test_blended_tiles_are_512_cells_wide_or_as_wide_as_memory_allows(budget, edge):
    axes = [
        partial(plan_blended_axis, 2000, Span(0, 2000), stride=16),
        partial(plan_blended_axis, 2000, Span(0, 2000), stride=16),
    ]
    shape = blended_shape(*axes, 16, CELLS, Budget(budget, budget))
    assert shape.rows == shape.cols
    if budget > 1:
        assert CELLS.of(*(axis(shape.rows) for axis in axes)) <= budget
    assert shape.rows == edge
