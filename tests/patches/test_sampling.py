# SPDX-License-Identifier: GPL-2.0-or-later
"""Sampling designs: where patches may lie. All of them run through one battery, see
`patch_tables.py`, then come the promises of single ones."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from array_reader import ArrayStrata
from grassdl.core.classes import NO_STRATUM
from grassdl.patches import sampling
from grassdl.patches.candidates import FIT, Examined
from grassdl.patches.sampling import (
    NEGATIVES,
    OBJECTS,
    BalancedSampling,
    Grid,
    GridSampling,
    ObjectSampling,
    RandomSampling,
    StratifiedSampling,
)
from patch_tables import EVERY_DESIGN


@st.composite
def grids(draw):
    size = draw(st.integers(1, 9))
    rows, cols = draw(st.integers(size, 40)), draw(st.integers(size, 40))
    return Grid(rows, cols, size, block_size=draw(st.integers(size, 4 * size)))


def positions(design, grid, seed=0):
    return design.candidates(grid, (0, 0), np.random.default_rng(seed)).positions


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


def test_the_table_holds_every_design():
    assert {row.name for row in EVERY_DESIGN} == set(sampling.DESIGNS)


@pytest.mark.parametrize("row", EVERY_DESIGN, ids=str)
class TestEveryDesign:
    """What any design promises of the candidates that it offers."""

    @settings(max_examples=30)
    @given(grid=grids(), npatches=st.integers(1, 60), seed=st.integers(0, 99))
    def test_offers_patches_in_the_region_and_none_twice(self, row, grid, npatches, seed):
        found = offered(row, grid, npatches, seed)
        check_positions(found, grid)
        assert np.array_equal(found, offered(row, grid, npatches, seed))
        if row.within_blocks:
            last = found + grid.size - 1
            assert np.array_equal(found // grid.block_size, last // grid.block_size)


def offered(row, grid, npatches, seed, margin=(0, 0)):
    """Positions that the design of a row offers in a grid, in which it has a place for patches."""
    rng = np.random.default_rng(seed)
    design = row.make(grid, npatches, rng)
    try:
        return design.candidates(grid, margin, rng).positions
    except ValueError as error:
        assert str(error).startswith("The strata hold no category where patches may lie")
        assume(False)


@pytest.mark.parametrize("row", [row for row in EVERY_DESIGN if row.within_blocks], ids=str)
@pytest.mark.parametrize("margin", [(0, 0), (1, 0), (2, 3)])
def test_patches_and_their_margin_lie_in_one_block_or_off_the_region(row, margin):
    grid = Grid(24, 31, 4, 12)
    found = offered(row, grid, 20, 0, margin)
    first = np.maximum(found - margin, 0) // 12
    last = np.minimum(found + grid.size - 1 + margin, [23, 30]) // 12
    assert np.array_equal(first, last)
    assert {tuple(block) for block in first.tolist()} == {(r, c) for r in (0, 1) for c in (0, 1, 2)}


@given(grid=grids(), stride=st.integers(1, 12))
def test_a_grid_takes_every_position_that_fits(grid, stride):
    found = positions(GridSampling(stride), grid)
    assert (found % stride == 0).all()
    down, across = (grid.rows - grid.size) // stride + 1, (grid.cols - grid.size) // stride + 1
    assert len(found) == down * across


@given(grid=grids(), npatches=st.integers(1, 60))
def test_random_sampling_offers_all_positions_of_a_small_region(grid, npatches):
    possible = starts_within_blocks(grid.rows, grid) * starts_within_blocks(grid.cols, grid)
    assert len(positions(RandomSampling(npatches), grid)) == possible


def test_random_sampling_offers_no_more_than_is_sensible(monkeypatch):
    monkeypatch.setattr(sampling, "MOST_CANDIDATES", 1000)
    grid = Grid(500, 500, 64, 256)
    for npatches, offered in [(5, 1000), (300, 1200)]:
        found = positions(RandomSampling(npatches), grid)
        check_positions(found, grid)
        assert len(found) == offered


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


def test_blocks_without_room_for_a_patch_and_its_margin_are_refused():
    grid = Grid(40, 40, 8, 10)
    message = "Blocks of 10 cells are too small for patches of 8 cells that keep 5 rows and 0 col"
    with pytest.raises(ValueError, match=message):
        RandomSampling(3).candidates(grid, (5, 0), np.random.default_rng(0))


def chosen_by(design, grid, codes, classes=3, seed=0, least=1):
    """Positions that a design chooses by the labels alone, what it says, and their groups."""

    def examine(positions, groups):
        counts = [
            np.bincount(codes[row : row + grid.size, col : col + grid.size].ravel(), minlength=256)
            for row, col in positions
        ]
        counts = np.array(counts).reshape(-1, 256)[:, :classes]
        return counts, np.where(design.accepts(counts, groups, least), FIT, 1)

    rng = np.random.default_rng(seed)
    examined = Examined(design.candidates(grid, (0, 0), rng), classes, examine)
    chosen = design.choose(examined, rng)
    candidates = examined.candidates
    return candidates.positions[chosen], design.notes(examined, chosen), candidates.groups[chosen]


@settings(max_examples=20)
@given(npatches=st.integers(1, 90), seed=st.integers(0, 99))
def test_every_category_gives_equal_numbers_by_the_cell_at_the_centre(npatches, seed):
    strata = np.zeros((40, 40), np.uint16)
    strata[:, 20:] = 3
    strata[:2, :] = NO_STRATUM
    strata[10:14, 10:15] = 7
    design = StratifiedSampling(npatches, ArrayStrata(strata))
    grid = Grid(40, 40, 5, 40)
    found, notes, _ = chosen_by(design, grid, np.zeros((40, 40), np.uint8), seed=seed)
    check_positions(found, grid)
    centres = strata[found[:, 0] + 2, found[:, 1] + 2]
    numbers = {code: int((centres == code).sum()) for code in (0, 3, 7)}
    if npatches <= 60:
        assert sum(numbers.values()) == npatches
        assert max(numbers.values()) - min(numbers.values()) <= 1
        assert notes == []
    else:
        assert numbers[7] == 20
        wanted = npatches - numbers[0] - numbers[3]
        assert wanted - max(numbers.values()) <= 1
        expected = f"Strata that gave fewer patches than wanted: 70 (20 of {wanted})"
        assert notes == ([expected] if wanted > 20 else [])


def test_every_block_gives_equal_numbers_without_strata():
    grid = Grid(20, 30, 4, 10)
    codes = np.zeros((20, 30), np.uint8)
    codes[10:, 20:] = 255
    codes[19, 29] = 0
    found, notes, _ = chosen_by(StratifiedSampling(24), grid, codes)
    blocks = found // 10 @ [3, 1]
    assert np.bincount(blocks).tolist() == [4, 4, 4, 4, 4, 1]
    assert notes == ["Strata that gave fewer patches than wanted: block 2/3 (1 of 4)"]


@settings(max_examples=50)
@given(data=st.data())
def test_every_object_in_the_region_has_a_patch_that_holds_its_centre(data):
    grid = data.draw(grids())
    reach = st.tuples(st.floats(-5, grid.rows + 5), st.floats(-5, grid.cols + 5))
    centres = np.array(data.draw(st.lists(reach, min_size=1, max_size=9)) + [(0.5, 0.5)])
    jitter = data.draw(st.integers(0, 12))
    found = positions(ObjectSampling(centres, jitter), grid, data.draw(st.integers(0, 99)))
    check_positions(found, grid)
    inside = ((centres >= 0) & (centres < [grid.rows, grid.cols])).all(axis=1)
    for centre in centres[inside]:
        held = (found <= np.floor(centre)) & (np.floor(centre) < found + grid.size)
        usual = centre - grid.size / 2
        near = np.abs(found - usual.clip(0, [grid.rows - grid.size, grid.cols - grid.size]))
        assert (held & (near <= jitter + 0.5)).all(axis=1).any()
    assert len(found) <= inside.sum()


def test_without_jitter_objects_are_in_the_middle_and_patches_moved_inwards_at_the_edge():
    centres = [(10.5, 7.5), (0.2, 19.9), (25.0, 3.0), (10.6, 7.4)]
    design = ObjectSampling(np.array(centres))
    candidates = design.candidates(Grid(20, 20, 5, 20), (0, 0), np.random.default_rng(0))
    assert candidates.positions.tolist() == [[8, 5], [0, 15]]
    assert candidates.notes == [
        "Objects with their centre outside the region: 1",
        "Objects in the patch of another one: 1",
    ]


def test_centred_patches_are_not_moved_and_all_objects_without_one_are_reported():
    centres = [(10.5, 7.5), (0.2, 19.9), (25.0, 3.0), (10.6, 7.4)]
    design = ObjectSampling(np.array(centres), centred=True)
    candidates = design.candidates(Grid(20, 20, 5, 20), (0, 0), np.random.default_rng(0))
    assert candidates.positions.tolist() == [[8, 5]]
    assert candidates.notes == [
        "Objects with their centre outside the region: 1",
        "Objects too near the edge of the region for a patch around them: 1",
        "Objects in the patch of another one: 1",
    ]


def test_jitter_moves_patches_by_up_to_as_many_cells_both_ways():
    centres = np.stack(np.divmod(np.arange(900), 30), axis=-1) * 5 + 10.5
    found = positions(ObjectSampling(centres, jitter=2), Grid(170, 170, 9, 170))
    moved = found - (np.floor(centres).astype(int) - 4)
    assert len(found) == 900
    for axis in (0, 1):
        assert sorted(set(moved[:, axis].tolist())) == [-2, -1, 0, 1, 2]


def test_negatives_hold_nothing_but_background():
    codes = np.zeros((40, 40), np.uint8)
    codes[20, 5:30] = 2
    codes[:, 35:] = 255
    centres = np.array([(20.5, 8.5), (20.5, 15.5), (20.5, 25.5)])
    design = ObjectSampling(centres, negatives=2.4, background=0)
    grid = Grid(40, 40, 6, 20)
    found, notes, groups = chosen_by(design, grid, codes, least=9)
    check_positions(found, grid)
    assert np.bincount(groups).tolist() == [3, 7]
    assert notes == []
    for (row, col), group in zip(found, groups, strict=True):
        patch = codes[row : row + 6, col : col + 6]
        assert (patch == 2).any() == (group == OBJECTS)
        assert (patch != 255).sum() >= 9
    blocks = found[groups == NEGATIVES] // 20, (found[groups == NEGATIVES] + 5) // 20
    assert np.array_equal(*blocks)


def test_negatives_that_cannot_be_had_are_told():
    codes = np.full((12, 12), 1, np.uint8)
    codes[:4, :5] = 0
    design = ObjectSampling(np.array([(8.0, 8.0)]), negatives=5, background=0)
    _, notes, groups = chosen_by(design, Grid(12, 12, 4, 12), codes)
    assert np.bincount(groups).tolist() == [1, 1]
    assert notes == [
        "Patches without objects: 1 of 5 wanted. There is no room for more that share no cell: "
        "a smaller size, or a larger region, gives more"
    ]


@pytest.mark.parametrize("seed", range(3))
def test_negatives_share_no_cell_and_fill_what_objects_leave(seed):
    codes = np.zeros((120, 120), np.uint8)
    codes[::40, ::40] = 1
    centres = np.argwhere(codes) + 0.5
    design = ObjectSampling(centres, negatives=20, background=0)
    found, notes, groups = chosen_by(design, Grid(120, 120, 8, 120), codes, seed=seed)
    negatives = found[groups == NEGATIVES]
    covered = np.zeros(codes.shape, int)
    for row, col in negatives:
        covered[row : row + 8, col : col + 8] += 1
    assert covered.max() == 1
    # Squares put down at random fill 56 % where nothing is in their way.
    assert 0.45 < covered.mean() < 0.62
    assert notes[0].startswith(f"Patches without objects: {len(negatives)} of 180 wanted. ")
    quarters = np.bincount((negatives // 60) @ [2, 1], minlength=4)
    assert quarters.min() > len(negatives) / 8


def test_negatives_are_a_multiple_of_the_objects_that_have_a_patch():
    codes = np.zeros((60, 60), np.uint8)
    codes[10, 10] = codes[40, 40] = 1
    codes[30:50, 30:50] = 254
    centres = np.array([(10.5, 10.5), (40.5, 40.5)])
    design = ObjectSampling(centres, negatives=3, background=0)
    _, notes, groups = chosen_by(design, Grid(60, 60, 6, 60), codes)
    assert np.bincount(groups).tolist() == [1, 3]
    assert notes == []


CENTRE = np.array([(1.0, 1.0)])


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: GridSampling(0), "stride must be at least 1, found 0"),
        (lambda: RandomSampling(0), "npatches must be at least 1, found 0"),
        (lambda: StratifiedSampling(-3), "npatches must be at least 1, found -3"),
        (lambda: BalancedSampling(0), "npatches must be at least 1, found 0"),
        (lambda: ObjectSampling(None), "sampling=objects needs training areas, segments or points"),
        (lambda: ObjectSampling(CENTRE, jitter=-1), "jitter must be at least 0, found -1"),
        (lambda: ObjectSampling(CENTRE, 0, -0.5, 0), "negatives must be at least 0, found -0.5"),
        (lambda: ObjectSampling(CENTRE, 0, np.nan, 0), "negatives must be at least 0, found nan"),
        (lambda: ObjectSampling(CENTRE, negatives=2), "give background=, or negatives=0"),
        (
            lambda: positions(ObjectSampling(CENTRE + 50), Grid(20, 20, 4, 8)),
            "None of 1 objects has its centre in the region",
        ),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(make, message):
    with pytest.raises(ValueError, match=message) as refusal:
        make()
    assert "\n" not in str(refusal.value)


@settings(max_examples=100)
@given(st.lists(st.integers(0, 50), min_size=3, max_size=3), st.integers(1, 99))
def test_portions_are_those_of_the_splits_and_no_split_goes_without(available, wanted):
    available = np.array(available)
    assume(available.any())
    portions = np.array(sampling._portions(available, wanted))
    assert portions.sum() == min(wanted, available.sum())
    assert (portions <= available).all()
    if wanted >= 3:
        assert (portions[available > 0] > 0).all()
    exact = available * min(1, wanted / available.sum())
    assert np.abs(portions - exact).max() <= 2
