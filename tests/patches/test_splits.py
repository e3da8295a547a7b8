# SPDX-License-Identifier: GPL-2.0-or-later
"""Splits that do not leak. All schemes run through one battery, see `patch_tables.py`, then come
the promises of single ones."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from array_reader import ArrayLabels
from grassdl.patches.sampling import Grid, GridSampling, RandomSampling
from grassdl.patches.split_membership import BUFFERED, DROPPED
from grassdl.patches.splits import (
    SCHEMES,
    BlockSplit,
    MapSplit,
    NoSplit,
    buffer_margin,
    parse_shares,
)
from patch_tables import EVERY_SCHEME

SHARES = parse_shares([70, 15, 15])


def assign(positions, counts, grid, shares=SHARES, seed=0):
    return BlockSplit(shares).assign(positions, counts, grid, np.random.default_rng(seed))


@st.composite
def scenes(draw):
    """A grid, patches on it that may lie across blocks, and the classes they hold."""
    size = draw(st.integers(1, 6))
    rows, cols = draw(st.integers(2 * size, 40)), draw(st.integers(2 * size, 40))
    grid = Grid(rows, cols, size, block_size=draw(st.integers(size, 2 * size)))
    design = draw(st.sampled_from([GridSampling(1), GridSampling(size), RandomSampling(40)]))
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    positions = design.candidates(grid, (0, 0), rng).positions
    positions = positions[np.lexsort((positions[:, 1], positions[:, 0]))]
    counts = rng.integers(0, size**2, (len(positions), 3)) * rng.integers(0, 2, 3)
    counts[:, 0] += 1
    return grid, positions, counts


def blocks_with_whole_patches(positions, grid):
    first, last = positions // grid.block_size, (positions + grid.size - 1) // grid.block_size
    whole = (first == last).all(axis=1)
    return {tuple(block) for block in first[whole].tolist()}


def test_the_table_holds_every_scheme():
    assert {row.name for row in EVERY_SCHEME} == set(SCHEMES)


@pytest.mark.parametrize("row", EVERY_SCHEME, ids=str)
class TestEveryScheme:
    """What any split scheme promises."""

    @settings(max_examples=30)
    @given(
        scene=scenes(),
        margin=st.sampled_from([(0, 0), (0, 1), (1, 0), (1, 2), (4, 3)]),
        seed=st.integers(0, 99),
    )
    def test_keeps_patches_of_two_splits_apart_by_twice_the_margin(self, row, scene, margin, seed):
        grid, positions, _ = scene
        splits = dealt(row, scene, margin, seed)
        # Without a margin: no cell is in patches of two splits.
        gap = 2 * margin[0], 2 * margin[1]
        assert pairs_too_near(positions, splits, grid.size, gap) == 0
        assert set(splits.tolist()) <= {BUFFERED, DROPPED, 0, 1, 2}
        if row.fills_every_split:
            assert set(splits.tolist()) >= {0, 1, 2}
        assert np.array_equal(splits, dealt(row, scene, margin, seed))


def dealt(row, scene, margin, seed):
    """The splits of a scene's patches by the scheme of a row, for which there is room."""
    grid, positions, counts = scene
    if row.fills_every_split:
        assume(len(blocks_with_whole_patches(positions, grid)) >= 3)
    rng = np.random.default_rng(seed)
    try:
        return row.make(grid, margin, rng).assign(positions, counts, grid, rng)
    except ValueError as error:
        assert str(error).startswith("The buffer leaves no patch for")
        assume(False)


def pairs_too_near(positions, splits, size, gap):
    """Pairs of patches of different splits nearer than `gap`, looked up one by one."""
    positions, splits = positions[splits >= 0], splits[splits >= 0]
    off = np.abs(positions[:, None] - positions[None])
    near = (off < [size + gap[0], size + gap[1]]).all(axis=2)
    return int((near & (splits[:, None] != splits[None])).sum())


@settings(max_examples=30)
@given(scene=scenes(), unused=st.sampled_from([(), (1,), (2,), (1, 2)]), seed=st.integers(0, 99))
def test_every_used_split_gets_patches_and_an_unused_one_none(scene, unused, seed):
    grid, positions, counts = scene
    shares = [0 if place in unused else share for place, share in enumerate((70, 15, 15))]
    assume(len(blocks_with_whole_patches(positions, grid)) >= 3 - len(unused))
    splits = assign(positions, counts, grid, parse_shares(shares), seed)
    found = set(splits.tolist()) - {DROPPED}
    assert found == {0, 1, 2} - set(unused)


@pytest.mark.parametrize(
    "starts, filled",
    [([0, 1, 4, 5], 1), ([0, 8, 14], 2), ([5, 13], 0), ([0, 5, 10, 13], 2)],
)
def test_too_few_blocks_with_whole_patches_are_refused(starts, filled):
    """Patches of four cells in a row of blocks of eight: those at 5 and 13 lie across two."""
    positions = np.array([(0, start) for start in starts])
    with pytest.raises(ValueError, match=f"labelled patches: {filled}, too few for 3 splits"):
        assign(positions, np.ones((len(starts), 2), int), Grid(8, 24, 4, 8))


@settings(max_examples=30)
@given(scene=scenes())
def test_a_patch_within_one_block_is_never_dropped(scene):
    grid, positions, counts = scene
    assume(len(blocks_with_whole_patches(positions, grid)) >= 3)
    splits = assign(positions, counts, grid)
    first, last = positions // grid.block_size, (positions + grid.size - 1) // grid.block_size
    assert (splits[(first == last).all(axis=1)] != DROPPED).all()


WIDE = Grid(80, 80, 4, block_size=8)
"""A grid of 100 blocks with four patches each."""


def patches_of(grid, stride=None):
    design = GridSampling(stride or grid.size)
    return design.candidates(grid, (0, 0), np.random.default_rng(0)).positions


@settings(max_examples=30)
@given(
    shares=st.sampled_from([(70, 15, 15), (50, 25, 25), (60, 40, 0), (1, 1, 1)]),
    seed=st.integers(0, 999),
)
def test_shares_are_met_where_blocks_are_many_and_alike(shares, seed):
    positions = patches_of(WIDE)
    counts = np.tile([10, 6], (len(positions), 1))
    splits = assign(positions, counts, WIDE, parse_shares(list(shares)), seed)
    found = np.bincount(splits, minlength=3) / len(splits)
    assert found == pytest.approx(np.array(shares) / sum(shares), abs=0.02)


@settings(max_examples=30)
@given(
    clusters=st.lists(st.integers(3, 30), min_size=1, max_size=4),
    pixels=st.integers(1, 10_000),
    seed=st.integers(0, 999),
)
def test_a_class_in_three_blocks_or_more_of_its_own_reaches_every_split(clusters, pixels, seed):
    """Classes that lie apart from each other, on a common one that lies everywhere."""
    rng = np.random.default_rng(seed)
    positions = patches_of(WIDE)
    blocks = positions // WIDE.block_size @ [10, 1]
    counts = np.zeros((len(positions), 1 + len(clusters)), int)
    counts[:, 0] = 1 + rng.integers(0, 16, len(positions))
    free = rng.permutation(100)
    for place, number in enumerate(clusters, start=1):
        own, free = free[:number], free[number:]
        for block in own:
            counts[rng.choice(np.flatnonzero(blocks == block)), place] = rng.integers(1, 1 + pixels)
    splits = assign(positions, counts, WIDE, seed=seed)
    for split in range(3):
        assert (counts[splits == split].sum(axis=0) > 0).all()


def test_a_class_with_most_pixels_in_one_of_three_blocks_reaches_every_split():
    grid = Grid(4, 12, 4, 4)
    positions = patches_of(grid)
    counts = np.array([[8, 5], [8, 3], [8, 2]])
    for seed in range(10):
        assert sorted(assign(positions, counts, grid, seed=seed)) == [0, 1, 2]


def test_without_split_all_patches_go_to_train():
    positions = patches_of(WIDE)
    splits = NoSplit().assign(positions, np.ones((400, 2)), WIDE, np.random.default_rng(0))
    assert splits.tolist() == [0] * 400


def test_shares_are_parts_of_one():
    assert parse_shares([70, 15, 15]).tolist() == pytest.approx([0.7, 0.15, 0.15])
    assert parse_shares([2, 1, 1]).tolist() == [0.5, 0.25, 0.25]
    assert parse_shares([1, 0, 0]).tolist() == [1, 0, 0]
    assert parse_shares([0, 100, 0]).tolist() == [0, 1, 0]


@pytest.mark.parametrize(
    "shares",
    [[], [70, 30], [70, 10, 10, 10], [70, -15, 15], [0, 0, 0]]
    + [[float("nan"), 1, 1], [1, 1, float("inf")]],
)
def test_what_is_no_split_is_refused(shares):
    with pytest.raises(ValueError, match="split takes the shares of train, val and test"):
        parse_shares(shares)


@st.composite
def maps(draw):
    """Areas of the three splits and of nobody, and all positions of patches on them."""
    rows, cols = draw(st.integers(6, 30)), draw(st.integers(6, 30))
    size = draw(st.integers(1, 4))
    edge = draw(st.integers(1, 8))
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    blocks = rng.choice(np.array([0, 1, 2, 3, 255], np.uint8), (rows, cols))
    areas = blocks.repeat(edge, axis=0).repeat(edge, axis=1)[:rows, :cols]
    areas[0, 0] = 0
    grid = Grid(rows, cols, size, max(rows, cols))
    return areas, grid, patches_of(grid, stride=1)


@settings(max_examples=60)
@given(scene=maps())
def test_a_patch_follows_the_map_where_all_its_cells_agree(scene):
    areas, grid, positions = scene
    found = assign_by_map(areas, positions, grid, (0, 0))
    for (row, col), split in zip(positions.tolist(), found, strict=True):
        cells = set(areas[row : row + grid.size, col : col + grid.size].ravel().tolist())
        (code,) = cells if len(cells) == 1 else (DROPPED,)
        assert split == (code if code in (0, 1, 2) else DROPPED)


def assign_by_map(areas, positions, grid, margin):
    split = MapSplit(ArrayLabels(areas), margin)
    counts = np.ones((len(positions), 2), int)
    return split.assign(positions, counts, grid, np.random.default_rng(0))


MARGINS = st.tuples(st.integers(0, 4), st.integers(0, 4))


@settings(max_examples=30)
@given(scene=maps(), margin=MARGINS)
def test_the_margin_drops_no_patch_that_is_twice_as_far_from_all_other_areas(scene, margin):
    areas, grid, positions = scene
    splits = assign_by_map(areas, positions, grid, margin)
    usual = assign_by_map(areas, positions, grid, (0, 0))
    assert np.array_equal(splits[splits >= 0], usual[splits >= 0])
    assert ((splits == DROPPED) == (usual == DROPPED)).all()
    for (row, col), split in zip(
        positions[splits == BUFFERED], usual[splits == BUFFERED], strict=True
    ):
        top, left = max(row - 2 * margin[0], 0), max(col - 2 * margin[1], 0)
        window = areas[
            top : row + grid.size + 2 * margin[0], left : col + grid.size + 2 * margin[1]
        ]
        assert (np.isin(window, (0, 1, 2)) & (window != split)).any()


def test_patches_beside_each_other_lose_the_margin_and_those_across_nobodys_cells_too():
    areas = np.array([[0] * 6 + [1] * 6 + [9] * 2 + [2] * 6], np.uint8)
    grid = Grid(1, 20, 1, 20)
    splits = assign_by_map(areas, patches_of(grid), grid, (0, 2))
    kept = [0] * 4 + [BUFFERED] * 4 + [1] * 2 + [BUFFERED] * 2
    assert splits.tolist() == kept + [DROPPED] * 2 + [BUFFERED] * 2 + [2] * 4


def test_of_several_deals_one_is_taken_whose_splits_all_keep_patches_beside_the_buffer():
    """A row of blocks of two patches: a block between others of another split loses both."""
    grid = Grid(4, 96, 4, 8)
    split = BlockSplit(parse_shares([60, 20, 20]), (0, 1))
    positions = patches_of(grid)
    for seed in range(25):
        rng = np.random.default_rng(seed)
        splits = split.assign(positions, np.ones((24, 1), int), grid, rng)
        assert set(splits.tolist()) == {BUFFERED, 0, 1, 2}


def test_a_buffer_leaves_most_patches_of_large_blocks():
    grid = Grid(400, 400, 8, 100)
    positions = patches_of(grid)
    splits = BlockSplit(SHARES, (4, 4)).assign(
        positions, np.ones((len(positions), 1), int), grid, np.random.default_rng(0)
    )
    assert (splits == BUFFERED).any()
    assert 0.7 < (splits >= 0).mean() < 0.95


@pytest.mark.parametrize("margin", [(4, 4), (8, 8)])
def test_a_buffer_that_leaves_nothing_is_refused(margin):
    grid = Grid(4, 12, 4, 4)
    split = BlockSplit(SHARES, margin)
    with pytest.raises(ValueError, match="The buffer leaves no patch for train: choose a smaller"):
        split.assign(patches_of(grid), np.ones((3, 1), int), grid, np.random.default_rng(0))


def test_a_scene_may_be_for_validation_or_test_as_a_whole():
    grid = Grid(9, 9, 3, 9)
    positions, rng = patches_of(grid), np.random.default_rng(0)
    split = MapSplit(ArrayLabels(np.full((9, 9), 2, np.uint8)))
    assert split.assign(positions, np.ones((9, 1), int), grid, rng).tolist() == [2] * 9
    only_val = BlockSplit(parse_shares([0, 100, 0]))
    assert only_val.assign(positions, np.ones((9, 1), int), grid, rng).tolist() == [1] * 9


def test_a_map_without_any_split_is_refused():
    with pytest.raises(ValueError, match="The split map holds no cell of a split in the region"):
        MapSplit(ArrayLabels(np.full((9, 9), 255, np.uint8)))


@pytest.mark.parametrize(
    "buffer, nsres, ewres, margin",
    [(0, 1, 1, (0, 0)), (5, 1, 1, (3, 3)), (0.6, 0.1, 0.3, (3, 1)), (1, 0.25, 2, (2, 1))],
)
def test_the_margin_is_half_of_the_buffer_rounded_up(buffer, nsres, ewres, margin):
    assert buffer_margin(buffer, nsres, ewres) == margin


@pytest.mark.parametrize("buffer", [-1, float("nan"), float("inf")])
def test_what_is_no_buffer_is_refused(buffer):
    with pytest.raises(ValueError, match="buffer must be at least 0, found"):
        buffer_margin(buffer, 1, 1)
