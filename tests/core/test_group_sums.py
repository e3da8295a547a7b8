# SPDX-License-Identifier: GPL-2.0-or-later
"""Sums over groups."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from grassdl.core.group_sums import GroupTally, places_of


@given(st.lists(st.tuples(st.integers(-3, 3), st.booleans()), max_size=12))
def test_cells_outside_have_a_place_behind_the_last(cells):
    ids = np.array([one for one, _ in cells], np.int32).reshape(-1, 1)
    outside = np.array([out for _, out in cells], bool).reshape(-1, 1)
    found, places = places_of(ids, outside)
    counted = sorted({one for one, out in cells if not out})
    assert found.tolist() == counted
    expected = [len(counted) if out else counted.index(one) for one, out in cells]
    assert places.ravel().tolist() == expected
    assert places.shape == ids.shape


def test_parts_are_added_up_while_they_come(monkeypatch):
    monkeypatch.setattr("grassdl.core.group_sums.FEWEST_WAITING", 20)
    tally = GroupTally()
    rows_held = []
    for number in range(100):
        ids = np.arange(10) + number % 2
        tally.add(ids, np.ones(10, np.int64), np.stack([ids, -ids], axis=1))
        rows_held.append(sum(len(part[0]) for part in tally._parts))
    ids, counts, sums = tally.total()
    assert ids.tolist() == list(range(11))
    assert counts.tolist() == [50, *[100] * 9, 50]
    assert sums[:, 0].tolist() == (ids * counts).tolist()
    assert sums[:, 1].tolist() == (-ids * counts).tolist()
    assert max(rows_held) <= 20 + 11
