# SPDX-License-Identifier: GPL-2.0-or-later
"""The check that splits do not leak."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grassdl.patches.leakage import check_apart


def too_near(positions, splits, size, gap):
    """Whether any two patches of different splits are, looked up pair by pair."""
    off = np.abs(positions[:, None] - positions[None])
    near = (off < [size + gap[0], size + gap[1]]).all(axis=2)
    return bool((near & (splits[:, None] != splits[None])).any())


@settings(max_examples=200)
@given(
    patches=st.lists(
        st.tuples(st.integers(0, 60), st.integers(0, 60), st.integers(0, 2)),
        min_size=1,
        max_size=8,
    ),
    size=st.integers(1, 7),
    gap=st.tuples(st.integers(0, 9), st.integers(0, 9)),
)
def test_patches_of_two_splits_that_are_too_near_are_found_and_no_others(patches, size, gap):
    table = np.array(patches)
    positions, splits = table[:, :2], table[:, 2]
    if too_near(positions, splits, size, gap):
        with pytest.raises(ValueError, match="The splits leak"):
            check_apart(positions, splits, size, gap)
    else:
        check_apart(positions, splits, size, gap)


@pytest.mark.parametrize(
    "row, gap, fault",
    [
        (1003, (0, 0), "share cells"),
        (1004, (0, 0), None),
        (1005, (2, 6), "are not 2 rows or 6 columns apart"),
        (1006, (2, 6), None),
    ],
)
def test_the_two_patches_are_named(row, gap, fault):
    positions = np.array([[0, 0], [1000, 7], [row, 7]])
    splits = np.array([0, 0, 2], np.int8)
    if fault is None:
        check_apart(positions, splits, 4, gap)
        return
    named = rf"row 1000, column 7 \(train\) and row {row}, column 7 \(test\) {fault}"
    with pytest.raises(ValueError, match=named):
        check_apart(positions, splits, 4, gap)
