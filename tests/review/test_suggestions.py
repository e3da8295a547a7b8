# SPDX-License-Identifier: GPL-2.0-or-later
"""Squares that are worth a label."""

import numpy as np
import pytest

from grassdl.dataset.windows import Windows
from grassdl.review.squares import SquareGrid, SquareSums
from grassdl.review.suggestions import Spacing, suggest

SIZE = 4
GRID = SquareGrid(rows=42, cols=80, size=SIZE)
"""Of 10 x 20 squares, with two rows of cells left over."""

NOWHERE = Spacing(SIZE, SIZE, 0)


def scores(seed=1):
    return np.random.default_rng(seed).random((GRID.down, GRID.across))


def looks():
    """West is dark and east is bright."""
    bright = np.arange(GRID.across) >= GRID.across // 2
    return np.broadcast_to(bright, (GRID.down, GRID.across))[..., None].astype(float)


def chosen(score=None, look=None, free=None, wanted=6, spacing=NOWHERE, seed=1):
    score = scores() if score is None else score
    free = np.ones_like(score, bool) if free is None else free
    look = np.zeros((*score.shape, 1)) if look is None else look
    return suggest(GRID, score, look, free, wanted, spacing, seed)


def test_the_squares_of_the_highest_score_are_suggested_with_the_best_first():
    found = chosen()
    highest = np.sort(scores().ravel())[::-1][:6]
    assert [one.score for one in found] == pytest.approx(highest.tolist())
    place = found[0].row // SIZE, found[0].col // SIZE
    assert (found[0].row % SIZE, found[0].col % SIZE) == (0, 0)
    assert scores()[place] == scores().max()


@pytest.mark.parametrize("distance", [0.5, 4, 9, 13])
def test_squares_are_the_distance_apart(distance):
    found = chosen(spacing=Spacing(SIZE, SIZE, distance))
    for number, one in enumerate(found):
        for other in found[:number]:
            down = max(abs(one.row - other.row) - SIZE, 0)
            across = max(abs(one.col - other.col) - SIZE, 0)
            assert np.hypot(down, across) >= distance


def test_fewer_come_back_where_no_more_are_far_enough_apart():
    # The first is in the west; 80 map units hold one more that is 60 apart.
    score = scores() + (np.arange(GRID.across) == 0)
    assert len(chosen(score, spacing=Spacing(SIZE, SIZE, 60))) == 2
    assert len(chosen(wanted=300)) == GRID.down * GRID.across


def test_looks_that_are_less_uncertain_have_their_turn():
    # All of the west is more uncertain than any of the east.
    score = scores() + 10 * (looks()[..., 0] == 0)
    assert all(one.col < GRID.cols // 2 for one in chosen(score))
    score = scores() + 0.2 * (looks()[..., 0] == 0)
    found = chosen(score, looks())
    east = [one for one in found if one.col >= GRID.cols // 2]
    assert len(east) == 3
    assert len({one.cluster for one in east}) == 1
    assert {one.cluster for one in found} == {1, 2}


def test_what_is_hardly_uncertain_is_not_suggested_for_its_looks():
    score = np.where(looks()[..., 0] == 0, 0.5 + scores(), 0.0)
    wanted = 4
    assert all(one.score > 0.5 for one in chosen(score, looks(), wanted=wanted))


def test_squares_that_share_a_cell_with_a_patch_are_left_out():
    windows = Windows(np.array([[0, 5, 0, 4], [38, 42, 79, 80]]), GRID.cols)
    touched = GRID.touched_by(windows)
    expected = np.zeros_like(touched)
    expected[:2, 0], expected[9, 19] = True, True
    assert np.array_equal(touched, expected)
    found = chosen(score=touched + 0.1, free=~touched, wanted=3)
    assert {(one.row // SIZE, one.col // SIZE) for one in found}.isdisjoint(
        {(0, 0), (1, 0), (9, 19)}
    )
    assert chosen(free=np.zeros_like(touched)) == []


def test_the_same_seed_gives_the_same_squares():
    look = np.random.default_rng(3).random((GRID.down, GRID.across, 3))
    assert chosen(look=look, seed=5) == chosen(look=look, seed=5)


@pytest.mark.parametrize("heights", [[42], [1] * 42, [5, 9, 28], [3, 39]])
def test_means_of_squares_do_not_depend_on_how_rows_come(heights):
    values = np.random.default_rng(1).random((42, 80, 2))
    null = np.random.default_rng(2).random((42, 80)) < 0.3
    null[:4, :4] = True
    sums, row = SquareSums(GRID, 2), 0
    for height in heights:
        part = np.s_[row : row + height]
        sums.add(row, np.where(null[part][..., None], np.nan, values[part]), null[part])
        row += height
    known = (~null)[:40].reshape(10, 4, 20, 4).sum(axis=(1, 3))
    assert np.array_equal(sums.cells, known)
    total = np.where(null[..., None], 0, values)[:40].reshape(10, 4, 20, 4, 2).sum(axis=(1, 3))
    assert np.allclose(sums.means, total / np.maximum(known, 1)[..., None])
    assert sums.means[0, 0].tolist() == [0, 0]


def test_regions_with_no_square_or_too_many_are_refused():
    GRID.check()
    with pytest.raises(ValueError, match="smaller than a square of 4 x 4: use a smaller size"):
        SquareGrid(3, 80, 4).check()
    with pytest.raises(ValueError, match="holds 3000000 squares of 1 x 1"):
        SquareGrid(3000, 1000, 1).check()
