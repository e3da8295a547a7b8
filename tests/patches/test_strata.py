# SPDX-License-Identifier: GPL-2.0-or-later
"""Positions from every stratum."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from array_reader import ArrayLabels
from grassdl.core.classes import NO_STRATUM
from grassdl.patches import window_counts
from grassdl.patches.candidates import distinct
from grassdl.patches.strata import deal, draw_from_blocks, draw_from_map


def some_strata(seed, shape=(30, 20)):
    codes = np.array([0, 2, 5, NO_STRATUM], np.uint16)
    chances = [0.5, 0.3, 0.01, 0.19]
    return codes[np.random.default_rng(seed).choice(4, shape, p=chances)]


@settings(max_examples=40)
@given(seed=st.integers(0, 999), most=st.integers(1, 700), strip=st.sampled_from([1, 90, 10**6]))
def test_cells_are_of_their_stratum_in_the_given_rows_and_columns(seed, most, strip):
    codes = some_strata(seed)
    codes[10, 10] = 0
    rows, cols = np.arange(3, 28), np.array([1, 2, 5, 10, 19])
    rng = np.random.default_rng(seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(window_counts, "STRIP_CELLS", strip)
        cells, groups, found = draw_from_map(ArrayLabels(codes), rows, cols, most, rng)
    assert np.isin(cells[:, 0], rows).all() and np.isin(cells[:, 1], cols).all()
    assert len({tuple(cell) for cell in cells.tolist()}) == len(cells)
    assert np.array_equal(codes[cells[:, 0], cells[:, 1]], found[groups])
    sizes = {code: (codes[np.ix_(rows, cols)] == code).sum() for code in (0, 2, 5)}
    assert found.tolist() == [code for code, size in sizes.items() if size]
    each = max(1, most // len(found))
    assert np.bincount(groups).tolist() == [min(sizes[code], each) for code in found]


def test_cells_do_not_depend_on_the_strips():
    drawn = []
    for strip in (1, 90, 10**6):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(window_counts, "STRIP_CELLS", strip)
            rows, cols = np.arange(30), np.arange(20)
            rng = np.random.default_rng(4)
            drawn.append(draw_from_map(ArrayLabels(some_strata(1)), rows, cols, 60, rng)[0])
    assert np.array_equal(drawn[0], drawn[1]) and np.array_equal(drawn[0], drawn[2])


def test_a_map_without_any_category_is_refused():
    reader = ArrayLabels(np.full((9, 9), NO_STRATUM, np.uint16))
    with pytest.raises(ValueError, match="The strata hold no category where patches may lie"):
        draw_from_map(reader, np.arange(9), np.arange(9), 5, np.random.default_rng(0))


def test_every_block_gives_positions_of_its_own():
    rows, cols = np.array([0, 1, 2, 8, 9, 17]), np.array([3, 4, 8])
    positions, groups, blocks = draw_from_blocks(rows, cols, 8, 100, np.random.default_rng(0))
    assert blocks == [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (2, 1)]
    assert np.bincount(groups).tolist() == [6, 3, 4, 2, 2, 1]
    assert np.array_equal(positions // 8, np.array(blocks)[groups])
    assert sorted(map(tuple, positions.tolist())) == [(r, c) for r in rows for c in cols]


def test_equal_numbers_are_dealt_and_the_remainder_to_some():
    wanted = deal(11, 4, np.random.default_rng(0))
    assert sorted(wanted.tolist()) == [2, 3, 3, 3]
    assert sorted(deal(2, 4, np.random.default_rng(0)).tolist()) == [0, 0, 1, 1]


@settings(max_examples=50)
@given(possible=st.integers(1, 60), wanted=st.integers(0, 80), seed=st.integers(0, 99))
def test_distinct_numbers_are_as_many_as_wanted_or_possible(possible, wanted, seed):
    found = distinct(possible, wanted, np.random.default_rng(seed)).tolist()
    assert len(set(found)) == len(found) == min(possible, wanted)
    assert all(0 <= one < possible for one in found)


def test_distinct_numbers_are_uniform():
    rng = np.random.default_rng(0)
    drawn = np.concatenate([distinct(10, 3, rng) for _ in range(4000)])
    assert np.bincount(drawn) / 4000 == pytest.approx(np.full(10, 0.3), abs=0.03)
