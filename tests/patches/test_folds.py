# SPDX-License-Identifier: GPL-2.0-or-later
"""Folds: blocks outside the test split, dealt into parts that do not leak into each other."""

import numpy as np
import pytest

from grassdl.dataset.manifest import SPLITS
from grassdl.patches.leakage import check_apart
from grassdl.patches.sampling import Grid, GridSampling
from grassdl.patches.settings import _check_enough
from grassdl.patches.splits import BlockSplit, parse_shares, parts_with_folds

WIDE = Grid(80, 80, 4, block_size=8)
"""A grid of 100 blocks with four patches each."""


def dealt(folds, shares=(70, 15, 15), margin=(0, 0), grid=WIDE, counts=None, seed=0):
    """Patches, and the part that each is dealt to."""
    rng = np.random.default_rng(seed)
    positions = GridSampling(grid.size).candidates(grid, (0, 0), rng).positions
    counts = np.tile([10, 6], (len(positions), 1)) if counts is None else counts
    scheme = BlockSplit(parse_shares(shares), margin, folds)
    return positions, scheme.assign(positions, counts, grid, rng)


def test_the_first_fold_is_the_split_val_and_the_others_are_train():
    parts = [(str(one), one.split, one.fold) for one in parts_with_folds(3)]
    assert parts == [
        ("fold 1", "val", 1),
        ("fold 2", "train", 2),
        ("fold 3", "train", 3),
        ("test", "test", 0),
    ]
    assert tuple(one.split for one in parts_with_folds(0)) == SPLITS


@pytest.mark.parametrize("shares", [(70, 10, 20), (80, 0, 20), (0, 80, 20)])
def test_folds_share_equally_what_is_not_for_test(shares):
    _, parts = dealt(4, shares)
    assert np.bincount(parts) == pytest.approx([80, 80, 80, 80, 80], abs=4)
    _, parts = dealt(5, (70, 30, 0))
    assert np.bincount(parts) == pytest.approx([80] * 5, abs=4)


def test_a_rare_class_reaches_every_fold_and_the_test_split():
    rng = np.random.default_rng(4)
    positions, _ = dealt(4)
    blocks = positions // WIDE.block_size @ [10, 1]
    counts = np.zeros((len(positions), 2), int)
    counts[:, 0] = 16
    for block in rng.permutation(100)[:5]:
        counts[np.flatnonzero(blocks == block)[0], 1] = 9
    _, parts = dealt(4, counts=counts)
    assert [(counts[parts == one, 1] > 0).sum() for one in range(5)] == [1] * 5


@pytest.mark.parametrize("margin", [(0, 0), (1, 2)])
def test_patches_of_two_folds_are_as_far_apart_as_those_of_two_splits(margin):
    positions, parts = dealt(5, margin=margin)
    assert set(parts[parts >= 0]) == set(range(6))
    gap = 2 * margin[0], 2 * margin[1]
    kept = parts >= 0
    off = np.abs(positions[kept][:, None] - positions[kept][None])
    near = (off < [4 + gap[0], 4 + gap[1]]).all(axis=2)
    assert not (near & (parts[kept][:, None] != parts[kept][None])).any()
    assert (parts < 0).any() == (margin != (0, 0))


def test_a_leak_between_folds_is_found_and_both_are_named():
    names = [str(one) for one in parts_with_folds(3)]
    with pytest.raises(ValueError, match=r"column 0 \(fold 2\) and row 0, column 6 \(fold 3\)"):
        check_apart(np.array([(0, 0), (0, 6)]), np.array([1, 2]), 4, (4, 4), names)


def test_folds_that_the_region_cannot_give_are_refused_with_the_number_it_can():
    four_blocks = Grid(16, 16, 4, 8)
    with pytest.raises(ValueError, match="4, too few for 5 folds and test, enough for 3 folds"):
        dealt(5, grid=four_blocks)
    with pytest.raises(ValueError, match="4, too few for 5 folds, enough for 4 folds: choose"):
        dealt(5, (80, 20, 0), grid=four_blocks)
    with pytest.raises(ValueError, match=r"no patch for fold \d of folds=3, only for . folds"):
        dealt(3, (80, 20, 0), (6, 6), four_blocks)


def test_as_many_patches_are_wanted_as_there_are_folds_and_a_test_split():
    _check_enough(4, 3, parse_shares([70, 15, 15]))
    with pytest.raises(ValueError, match="npatches=3 is too few for 3 folds and test"):
        _check_enough(3, 3, parse_shares([70, 15, 15]))
