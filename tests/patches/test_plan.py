# SPDX-License-Identifier: GPL-2.0-or-later
"""The plan: which patches are cut."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from array_reader import ArrayBands, ArrayLabels
from grassdl.core.classes import NULL_INDEX, UNLABELLED_INDEX, ClassScheme, MapClass
from grassdl.patches import label_spool, window_counts
from grassdl.patches.plan import make_plan, shortcomings
from grassdl.patches.plan_report import describe, record
from grassdl.patches.sampling import (
    BalancedSampling,
    Grid,
    GridSampling,
    RandomSampling,
)
from grassdl.patches.splits import BlockSplit, MapSplit, NoSplit
from grassdl.runtime.workers import Workers
from patch_tables import EVERY_DESIGN, EVERY_SCHEME, SHARES

CLASSES = ClassScheme([MapClass(3, "water", "0:0:255"), MapClass(12, "roof", "9:9:9")])
BLOCKS = BlockSplit(SHARES)


def plan_of(codes, design, split=None, size=4, block_size=8, min_labelled=0.0, seed=1):
    grid = Grid(*codes.shape, size, block_size)
    return make_plan(
        ArrayLabels(codes), CLASSES, grid, design, split or NoSplit(), min_labelled, seed
    )


def some_codes(shape=(24, 24), seed=0):
    codes = np.array([0, 1, NULL_INDEX, UNLABELLED_INDEX], np.uint8)
    return codes[np.random.default_rng(seed).integers(0, 4, shape)]


def test_patches_are_in_the_order_of_rows_and_columns():
    plan = plan_of(some_codes(), RandomSampling(20), BLOCKS)
    assert plan.positions.tolist() == sorted(plan.positions.tolist())
    assert len(plan.positions) == 20


def test_counts_are_those_of_the_labelled_cells_of_each_patch():
    codes = some_codes()
    plan = plan_of(codes, GridSampling(3), BLOCKS)
    for (row, col), found in zip(plan.positions, plan.counts, strict=True):
        patch = codes[row : row + 4, col : col + 4]
        assert found.tolist() == [(patch == 0).sum(), (patch == 1).sum()]
    chosen = [plan.counts[plan.splits == split].sum(axis=0) for split in range(3)]
    assert plan.class_pixels().tolist() == np.array(chosen).tolist()
    assert sum(plan.split_counts.values()) == len(plan.positions)
    assert plan.candidates == 49
    assert len(plan.positions) + plan.unlabelled + plan.dropped == 49


def test_a_patch_without_any_labelled_cell_is_never_kept():
    codes = np.full((8, 8), UNLABELLED_INDEX, np.uint8)
    codes[4:, 4:] = NULL_INDEX
    codes[0, 7] = 1
    assert plan_of(codes, GridSampling(4)).positions.tolist() == [[0, 4]]


@pytest.mark.parametrize("percent, kept", [(0, 3), (25, 3), (26, 2), (100, 1)])
def test_min_labelled_is_a_share_of_all_cells_of_a_patch(percent, kept):
    codes = np.full((4, 16), UNLABELLED_INDEX, np.uint8)
    codes[0, 0:4] = 0
    codes[:2, 4:8] = 1
    codes[:, 8:12] = 0
    plan = plan_of(codes, GridSampling(4), min_labelled=percent)
    assert len(plan.positions) == kept
    assert plan.unlabelled == 4 - kept


def test_nothing_labelled_is_told():
    codes = np.full((8, 8), NULL_INDEX, np.uint8)
    with pytest.raises(ValueError, match="No patch of 4 cells holds enough labelled cells"):
        plan_of(codes, RandomSampling(5))


@given(npatches=st.integers(1, 40), seed=st.integers(0, 50))
def test_sparse_labels_give_as_many_patches_as_asked_where_there_are_enough(npatches, seed):
    codes = np.full((40, 40), UNLABELLED_INDEX, np.uint8)
    codes[17, 30] = 1
    plan = plan_of(codes, RandomSampling(npatches), block_size=40, seed=seed)
    assert len(plan.positions) == min(npatches, 16)
    assert (plan.counts == [0, 1]).all()


def test_the_same_seed_gives_the_same_plan_and_another_one_another():
    first, again, other = (
        plan_of(some_codes(), RandomSampling(9), BLOCKS, seed=seed) for seed in (3, 3, 4)
    )
    assert np.array_equal(first.positions, again.positions)
    assert np.array_equal(first.splits, again.splits)
    assert not np.array_equal(first.positions, other.positions)


def test_classes_that_a_split_lacks_are_told():
    codes = np.zeros((4, 12), np.uint8)
    codes[0, 0] = 1
    plan = plan_of(codes, GridSampling(4), BLOCKS, block_size=4)
    sentences = shortcomings(plan, CLASSES, GridSampling(4), lost=7)
    assert sentences[0] == (
        "7 labelled cells are left out, as a band is NULL there: null_cells of r.univar -g tells "
        "which"
    )
    assert len(sentences) == 3
    assert all(sentence.endswith("holds no pixel of: roof") for sentence in sentences[1:])


def test_a_buffer_that_takes_most_patches_is_told():
    # Patches of the grid end where blocks do; of a smaller stride some lie in their middle.
    codes = np.tile(np.array([[0, 1], [1, 0]], np.uint8), (24, 24))
    split = BlockSplit(SHARES, margin=(1, 1))

    def told(stride):
        design = GridSampling(stride)
        return shortcomings(plan_of(codes, design, split, block_size=8), CLASSES, design, lost=0)

    (sentence,) = told(4)
    assert sentence.startswith("116 of 144 patches lie within the buffer of another split")
    assert "a smaller stride" in sentence
    assert told(2) == []


@pytest.mark.parametrize(
    ("roof", "min_labelled", "reason"),
    [
        (np.s_[:0], 0, "a band is NULL in all their cells"),
        (np.s_[:, 20:], 0, "no whole patch lies over their cells, as at the edge of the region"),
        (np.s_[:2, 4:6], 60, "the patches over them lie across two splits"),
    ],
)
def test_a_class_in_no_patch_is_told_once_with_the_reason(roof, min_labelled, reason):
    codes = np.zeros((4, 22), np.uint8)
    codes[:, 4:8] = UNLABELLED_INDEX
    codes[roof] = 1
    plan = plan_of(codes, GridSampling(4), BLOCKS, block_size=4, min_labelled=min_labelled)
    told = shortcomings(plan, CLASSES, GridSampling(4), lost=0)
    (sentence,) = [one for one in told if one.startswith("No patch holds a pixel of: roof; ")]
    assert reason in sentence


def test_the_plan_is_printed_in_eighty_columns():
    classes = ClassScheme([CLASSES.classes[0], MapClass(12, "roof " * 20, "9:9:9")])
    codes = np.zeros((4, 16), np.uint8)
    codes[:, 8:] = 1
    grid = Grid(4, 16, 4, 8)
    text = describe(plan_of(codes, GridSampling(4)), classes, grid, 1_500_000)
    lines = text.splitlines()
    assert lines[0] == "Candidates: 4; too few labelled cells: 0; across two splits: 0"
    assert lines[1] == "Edge of a patch: 4 cells, of a block: 8 cells"
    assert lines[2] == "Disk size: 1.5 MB"
    assert lines[4].split() == ["train", "val", "test"]
    assert lines[5].split() == ["patches", "4", "0", "0"]
    assert lines[6].split() == ["labelled", "pixels", "64", "0", "0"]
    assert lines[7].split() == ["3", "water"] + ["50.00", "%"] + ["0.00", "%"] * 2
    assert max(map(len, lines)) <= 80


def test_a_script_gets_all_that_the_table_tells_as_numbers():
    codes = np.zeros((4, 16), np.uint8)
    codes[:, 12:] = 1
    grid = Grid(4, 16, 4, 8)
    assert record(plan_of(codes, GridSampling(4)), CLASSES, grid, 1_500_000, 0.25) == {
        "candidates": 4,
        "too_few_labelled": 0,
        "across_splits": 0,
        "within_buffer": 0,
        "size": 4,
        "block_size": 8,
        "bytes": 1_500_000,
        "seconds": 0.25,
        "patches": {"train": 4, "val": 0, "test": 0},
        "labelled_pixels": {"train": 64, "val": 0, "test": 0},
        "classes": [
            {
                "value": 3,
                "label": "water",
                "pixels": {"train": 48, "val": 0, "test": 0},
                "percent": {"train": 75.0, "val": 0.0, "test": 0.0},
            },
            {
                "value": 12,
                "label": "roof",
                "pixels": {"train": 16, "val": 0, "test": 0},
                "percent": {"train": 25.0, "val": 0.0, "test": 0.0},
            },
        ],
        "folds": [],
        "notes": [],
    }


def test_the_expected_time_is_told_as_people_tell_it():
    plan = plan_of(np.zeros((4, 16), np.uint8), GridSampling(4))
    for seconds, told in [(0.4, "below 1 s"), (12.3, "about 12 s"), (400, "about 7 min")]:
        text = describe(plan, CLASSES, Grid(4, 16, 4, 8), 10**12, seconds)
        assert f"expected time: {told}" in " ".join(text.split())
        assert max(map(len, text.splitlines())) <= 80


def test_notes_of_the_design_are_told_below_the_table():
    codes = some_codes((40, 40), 2)
    plan = plan_of(codes, BalancedSampling(10), BLOCKS, block_size=10)
    pixels = plan.class_pixels().sum(axis=0)
    shares = 100 * pixels / pixels.sum()
    (note,) = plan.notes
    assert note == (
        "Class shares reached (even ones: 50.00 %): "
        f"<water> {shares[0]:.2f} %, <roof> {shares[1]:.2f} %"
    )
    lines = describe(plan, CLASSES, Grid(40, 40, 4, 10), 1).splitlines()
    assert " ".join(" ".join(lines[lines.index("", 4) :]).split()) == note
    assert max(map(len, lines)) <= 80


def test_little_more_is_counted_than_is_wanted_where_all_is_labelled():
    plan = plan_of(np.zeros((99, 99), np.uint8), RandomSampling(200), block_size=99)
    assert len(plan.positions) == 200 <= plan.candidates <= 222


def test_balanced_patches_hold_more_of_a_rare_class_than_random_ones():
    rng = np.random.default_rng(0)
    codes = (rng.random((15, 15)) < 0.04).astype(np.uint8).repeat(8, axis=0).repeat(8, axis=1)
    shares = []
    for design in (RandomSampling(30), BalancedSampling(30)):
        pixels = plan_of(codes, design, size=8, block_size=120).class_pixels()[0]
        shares.append(pixels[1] / pixels.sum())
    assert shares[0] < 0.15
    assert shares[1] == pytest.approx(0.5, abs=0.02)


def test_npatches_are_reached_on_a_map_that_leaves_most_of_the_region_to_nobody():
    areas = np.full((60, 60), 3, np.uint8)
    areas[:20, :20], areas[:20, 40:], areas[50:, :10] = 0, 1, 2
    split = MapSplit(ArrayLabels(areas), (1, 1))
    plan = plan_of(np.zeros((60, 60), np.uint8), RandomSampling(150), split, block_size=60)
    assert len(plan.positions) == 150
    assert min(plan.split_counts.values()) > 0
    assert plan.dropped > 150


@pytest.mark.parametrize("npatches", [1, 2, 3])
def test_npatches_are_those_of_all_splits_together(npatches):
    areas = np.repeat(np.arange(3, dtype=np.uint8), 8 * 24).reshape(24, 24)
    split = MapSplit(ArrayLabels(areas))
    plan = plan_of(some_codes((24, 24), 2), BalancedSampling(npatches), split, block_size=24)
    assert list(plan.split_counts.values()) == [1, int(npatches > 1), int(npatches > 2)]


def test_labels_off_all_areas_of_a_split_map_are_told():
    areas = np.zeros((20, 20), np.uint8)
    areas[:, 10:] = 3
    codes = np.full((20, 20), UNLABELLED_INDEX, np.uint8)
    codes[:, 16:] = 1
    with pytest.raises(ValueError, match="No labelled patch lies wholly in one split"):
        plan_of(codes, GridSampling(4), MapSplit(ArrayLabels(areas)), block_size=20)


def scene_of(data, design, scheme):
    """Codes, a grid, and the design and the split of two rows of the tables."""
    rows, cols = data.draw(st.integers(16, 50)), data.draw(st.integers(16, 50))
    size = data.draw(st.integers(1, 5))
    margin = data.draw(st.sampled_from([(0, 0), (1, 0), (1, 2)]))
    block_size = max(size + 2 * max(margin), 8) if scheme.name == "blocks" else max(rows, cols)
    grid = Grid(rows, cols, size, block_size)
    rng = np.random.default_rng(data.draw(st.integers(0, 999)))
    codes = some_codes((rows, cols), data.draw(st.integers(0, 99)))
    npatches = data.draw(st.integers(3, 60))
    return codes, grid, design.make(grid, npatches, rng), scheme.make(grid, margin, rng)


def plan_or_none(codes, grid, design, split, seed):
    try:
        return make_plan(ArrayLabels(codes), CLASSES, grid, design, split, 10, seed)
    except ValueError as error:
        # Whatever the reason, the splits must never be found to leak.
        assert "leak" not in str(error)
        return None


@pytest.mark.parametrize("design", EVERY_DESIGN, ids=str)
@pytest.mark.parametrize("scheme", EVERY_SCHEME, ids=str)
class TestAnyDesignWithAnyScheme:
    """What a plan promises, whatever design and split scheme it is made with."""

    @settings(max_examples=8)
    @given(data=st.data(), seed=st.integers(0, 99))
    def test_keeps_its_promises(self, design, scheme, data, seed):
        codes, grid, design, split = scene_of(data, design, scheme)
        plan = plan_or_none(codes, grid, design, split, seed)
        assume(plan is not None)
        positions = plan.positions.tolist()
        assert positions == sorted(positions)
        assert len({tuple(one) for one in positions}) == len(positions)
        assert plan.positions.min() >= 0
        assert (plan.positions + grid.size <= [grid.rows, grid.cols]).all()
        assert (plan.counts.sum(axis=1) >= max(1, 0.1 * grid.size**2)).all()
        if design.limit():
            assert len(positions) <= design.limit()
        painted = np.full((grid.rows, grid.cols), -1)
        for (row, col), one in zip(positions, plan.splits, strict=True):
            window = slice(row, row + grid.size), slice(col, col + grid.size)
            assert np.isin(painted[window], (-1, one)).all()
            painted[window] = one
        check_gap(painted, plan, grid, split.margin)

    @settings(max_examples=2)
    @given(data=st.data(), seed=st.integers(0, 99))
    def test_is_the_same_for_the_same_seed_whatever_the_strips(self, design, scheme, data, seed):
        codes, grid, design, split = scene_of(data, design, scheme)
        plans = []
        for strip, table in [(10**7, 0.0), (1, 1e9), (70, 3.5)]:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(window_counts, "STRIP_CELLS", strip)
                patch.setattr(window_counts, "TABLE_CELL_NS", table)
                plans.append(plan_or_none(codes, grid, design, split, seed))
        assume(plans[0] is not None)
        for other in plans[1:]:
            assert np.array_equal(plans[0].positions, other.positions)
            assert np.array_equal(plans[0].splits, other.splits)
            assert np.array_equal(plans[0].counts, other.counts)
            assert plans[0].notes == other.notes


def check_gap(painted, plan, grid, margin):
    """No painted cell of another split nearer than twice the margin, in rows and columns."""
    down, across = 2 * margin[0], 2 * margin[1]
    for (row, col), one in zip(plan.positions.tolist(), plan.splits, strict=True):
        around = painted[
            max(row - down, 0) : row + grid.size + down,
            max(col - across, 0) : col + grid.size + across,
        ]
        assert np.isin(around, (-1, one)).all()


@pytest.mark.parametrize("row", [row for row in EVERY_DESIGN if row.gives_npatches], ids=str)
@pytest.mark.parametrize("npatches", [1, 7, 40])
def test_as_many_patches_are_cut_as_wanted_where_there_is_room(row, npatches):
    grid, rng = Grid(48, 48, 4, 12), np.random.default_rng(0)
    codes = rng.integers(0, 2, (48, 48)).astype(np.uint8)
    design = row.make(grid, npatches, rng)
    assert len(plan_of(codes, design, block_size=12).positions) == npatches


def test_a_split_scheme_that_leaks_is_found_out():
    class Leaking(NoSplit):
        def assign(self, positions, counts, grid, rng):
            return np.arange(len(positions), dtype=np.int8) % 2

    with pytest.raises(ValueError, match="The splits leak: the patches of 4 cells at row 0, col"):
        plan_of(np.zeros((8, 8), np.uint8), GridSampling(2), Leaking())


def test_null_wins_over_every_label(tmp_path):
    codes = some_codes((17, 12), 1)
    null = np.random.default_rng(2).random((17, 12)) < 0.3
    bands = ArrayBands(np.zeros((17, 12, 1), np.uint8), null)
    rows = []
    labelled = codes != UNLABELLED_INDEX
    spool = tmp_path / "codes.bin"
    found = label_spool.spool_codes(bands, ArrayLabels(codes), spool, 50, Workers(), rows.append)
    assert np.array_equal(found.codes.read(0, 17), np.where(null, NULL_INDEX, codes))
    assert np.array_equal(found.codes.read(5, 3), np.where(null, NULL_INDEX, codes)[5:8])
    assert rows == [4, 8, 12, 16, 17]
    assert found.lost == (null & labelled).sum()
    assert found.present.tolist() == np.unique(codes[codes < NULL_INDEX]).tolist()
