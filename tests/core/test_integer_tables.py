# SPDX-License-Identifier: GPL-2.0-or-later
"""Integers by table, and by search where they lie too far from each other."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from grassdl.core.integer_tables import WIDEST_TABLE, CodeTable, distinct, distinct_places

LOWEST, HIGHEST = -(2**31), 2**31 - 1

integers = st.sampled_from([np.uint8, np.uint16, np.int32, np.int64]).flatmap(
    lambda dtype: arrays(dtype, st.integers(0, 30))
)


@given(integers)
@example(np.array([LOWEST, HIGHEST], np.int32))
def test_distinct_values_and_their_places(values):
    found, places = distinct_places(values)
    assert found.tolist() == sorted(set(values.tolist()))
    assert found.dtype == np.int64
    assert found[places].tolist() == values.tolist()
    assert distinct(values).tolist() == found.tolist()


near = st.integers(-5, 5)
values = st.one_of(near, st.integers(LOWEST, HIGHEST), st.sampled_from([LOWEST, HIGHEST]))


@pytest.mark.parametrize("dtype", [np.int32, np.int64])
@given(
    code_of=st.one_of(
        st.dictionaries(near, st.integers(0, 253)), st.dictionaries(values, st.integers(0, 253))
    ),
    asked=st.lists(values),
)
@example(code_of={LOWEST: 1, LOWEST + 1: 2}, asked=[HIGHEST, LOWEST, LOWEST + 2])
@example(code_of={HIGHEST: 1}, asked=[HIGHEST, LOWEST, 0])
@example(code_of={7: 0, 8: 1, 9: 2}, asked=[6, 7, 8, 9, 10, LOWEST, HIGHEST])
@example(code_of={0: 1, WIDEST_TABLE - 1: 2}, asked=[0, WIDEST_TABLE - 1, WIDEST_TABLE, -1])
@example(code_of={0: 1, WIDEST_TABLE: 2}, asked=[0, WIDEST_TABLE - 1, WIDEST_TABLE, -1])
def test_known_values_have_their_code_and_all_others_the_same(dtype, code_of, asked):
    found = CodeTable(code_of, 255).encode(np.array(asked, dtype).reshape(-1, 1))
    assert found.dtype == np.uint8
    assert found.tolist() == [[code_of.get(value, 255)] for value in asked]
