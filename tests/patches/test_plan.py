# SPDX-License-Identifier: GPL-2.0-or-later
"""The plan: which patches are cut."""

import numpy as np
import pytest
from array_reader import ArrayBands, ArrayLabels
from hypothesis import given, settings
from hypothesis import strategies as st

from grassdl.classes import NULL_INDEX, UNLABELLED_INDEX, ClassScheme, MapClass
from grassdl.patches import survey
from grassdl.patches.plan import describe, make_plan, shortcomings
from grassdl.patches.sampling import Grid, GridSampling, RandomSampling
from grassdl.patches.splits import BlockSplit, NoSplit, parse_shares

CLASSES = ClassScheme([MapClass(3, "water", "0:0:255"), MapClass(12, "roof", "9:9:9")])
SHARES = BlockSplit(parse_shares([50, 25, 25]))


def plan_of(codes, design, split=None, size=4, block_size=8, min_labelled=0.0, seed=1):
    grid = Grid(*codes.shape, size, block_size)
    return make_plan(codes, CLASSES, grid, design, split or NoSplit(), min_labelled, seed)


def some_codes(shape=(24, 24), seed=0):
    codes = np.array([0, 1, NULL_INDEX, UNLABELLED_INDEX], np.uint8)
    return codes[np.random.default_rng(seed).integers(0, 4, shape)]


def test_patches_are_in_the_order_of_rows_and_columns():
    plan = plan_of(some_codes(), RandomSampling(20), SHARES)
    assert plan.positions.tolist() == sorted(plan.positions.tolist())
    assert len(plan.positions) == 20


def test_counts_are_those_of_the_labelled_cells_of_each_patch():
    codes = some_codes()
    plan = plan_of(codes, GridSampling(3), SHARES)
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


@settings(deadline=None)
@given(npatches=st.integers(1, 40), seed=st.integers(0, 50))
def test_sparse_labels_give_as_many_patches_as_asked_where_there_are_enough(npatches, seed):
    codes = np.full((40, 40), UNLABELLED_INDEX, np.uint8)
    codes[17, 30] = 1
    plan = plan_of(codes, RandomSampling(npatches), block_size=40, seed=seed)
    assert len(plan.positions) == min(npatches, 16)
    assert (plan.counts == [0, 1]).all()


def test_the_same_seed_gives_the_same_plan_and_another_one_another():
    first, again, other = (
        plan_of(some_codes(), RandomSampling(9), SHARES, seed=seed) for seed in (3, 3, 4)
    )
    assert np.array_equal(first.positions, again.positions)
    assert np.array_equal(first.splits, again.splits)
    assert not np.array_equal(first.positions, other.positions)


def test_classes_that_a_split_lacks_are_told():
    codes = np.zeros((4, 12), np.uint8)
    codes[0, 0] = 1
    plan = plan_of(codes, GridSampling(4), SHARES, block_size=4)
    sentences = shortcomings(plan, CLASSES, GridSampling(4), lost=7)
    assert sentences[0] == "NULL in a band costs 7 labelled cells"
    assert len(sentences) == 3
    assert all(sentence.endswith("holds no pixel of: roof") for sentence in sentences[1:])


def test_a_class_in_no_patch_is_told_once():
    plan = plan_of(np.zeros((4, 12), np.uint8), GridSampling(4), SHARES, block_size=4)
    (sentence,) = shortcomings(plan, CLASSES, GridSampling(4), lost=0)
    assert sentence.startswith("No patch holds a pixel of: roof")


def test_the_plan_is_printed_in_eighty_columns():
    classes = ClassScheme([CLASSES.classes[0], MapClass(12, "roof " * 20, "9:9:9")])
    codes = np.zeros((4, 16), np.uint8)
    codes[:, 8:] = 1
    grid = Grid(4, 16, 4, 8)
    text = describe(plan_of(codes, GridSampling(4)), classes, grid, 1_500_000)
    lines = text.splitlines()
    assert lines[0] == "Candidates: 4; too few labelled cells: 0; across two splits: 0"
    assert lines[1] == "Edge of a patch: 4 cells, of a block: 8 cells; disk size: 1.5 MB"
    assert lines[3].split() == ["train", "val", "test"]
    assert lines[4].split() == ["patches", "4", "0", "0"]
    assert lines[5].split() == ["labelled", "pixels", "64", "0", "0"]
    assert lines[6].split() == ["3", "water"] + ["50.00", "%"] + ["0.00", "%"] * 2
    assert max(map(len, lines)) <= 80


def test_null_wins_over_every_label(tmp_path, monkeypatch):
    monkeypatch.setattr(survey, "STRIP_CELLS", 50)
    codes = some_codes((17, 12), 1)
    null = np.random.default_rng(2).random((17, 12)) < 0.3
    bands = ArrayBands(np.zeros((17, 12, 1), np.uint8), null)
    rows = []
    labelled = codes != UNLABELLED_INDEX
    found, lost = survey.spool_codes(bands, ArrayLabels(codes), tmp_path / "codes.bin", rows.append)
    assert np.array_equal(found, np.where(null, NULL_INDEX, codes))
    assert rows == [4, 8, 12, 16, 17]
    assert not found.flags.writeable
    assert lost == (null & labelled).sum()
