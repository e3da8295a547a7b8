# SPDX-License-Identifier: GPL-2.0-or-later
"""Sampling designs: where patches may lie."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grassdl.patches.sampling import Grid, GridSampling, RandomSampling


@st.composite
def grids(draw):
    size = draw(st.integers(1, 9))
    rows, cols = draw(st.integers(size, 40)), draw(st.integers(size, 40))
    return Grid(rows, cols, size, block_size=draw(st.integers(size, 4 * size)))


def positions(design, grid, seed=0):
    return design.positions(grid, np.random.default_rng(seed))


def check_positions(found, grid):
    """Every patch lies wholly in the region, and none twice."""
    assert found.shape == (len(found), 2)
    assert found.min(initial=0) >= 0
    assert (found + grid.size <= [grid.rows, grid.cols]).all()
    assert len(set(map(tuple, found.tolist()))) == len(found)


def starts_within_blocks(cells, grid):
    return sum(
        start // grid.block_size == (start + grid.size - 1) // grid.block_size
        for start in range(cells - grid.size + 1)
    )


@settings(deadline=None)
@given(grid=grids(), stride=st.integers(1, 12))
def test_a_grid_takes_every_position_that_fits(grid, stride):
    found = positions(GridSampling(stride), grid)
    check_positions(found, grid)
    assert (found % stride == 0).all()
    down, across = (grid.rows - grid.size) // stride + 1, (grid.cols - grid.size) // stride + 1
    assert len(found) == down * across


@settings(deadline=None)
@given(grid=grids(), npatches=st.integers(1, 60), seed=st.integers(0, 99))
def test_random_patches_lie_in_the_region_and_within_one_block(grid, npatches, seed):
    found = positions(RandomSampling(npatches), grid, seed)
    check_positions(found, grid)
    assert np.array_equal(found // grid.block_size, (found + grid.size - 1) // grid.block_size)


@settings(deadline=None)
@given(grid=grids(), npatches=st.integers(1, 60))
def test_random_sampling_offers_four_candidates_per_patch_or_all_there_are(grid, npatches):
    possible = starts_within_blocks(grid.rows, grid) * starts_within_blocks(grid.cols, grid)
    assert len(positions(RandomSampling(npatches), grid)) == min(possible, 4 * npatches)


@settings(deadline=None)
@given(grid=grids(), seed=st.integers(0, 99))
def test_the_same_seed_gives_the_same_positions(grid, seed):
    design = RandomSampling(10)
    assert np.array_equal(positions(design, grid, seed), positions(design, grid, seed))


def test_another_seed_gives_other_positions():
    grid = Grid(100, 100, 8, 50)
    first, second = (positions(RandomSampling(20), grid, seed) for seed in (1, 2))
    assert not np.array_equal(first, second)


def test_random_positions_reach_every_cell_of_the_region():
    grid = Grid(6, 6, 3, block_size=6)
    starts = {tuple(one) for one in positions(RandomSampling(16), grid).tolist()}
    assert starts == {(row, col) for row in range(4) for col in range(4)}


def test_a_patch_larger_than_the_region_is_refused():
    with pytest.raises(ValueError, match="Patches of 9 cells do not fit into the region of 8 rows"):
        Grid(8, 20, 9, 20)


def test_a_block_smaller_than_a_patch_is_refused():
    with pytest.raises(ValueError, match="Blocks of 7 cells are smaller than a patch of 8 cells"):
        Grid(20, 20, 8, 7)
