# SPDX-License-Identifier: GPL-2.0-or-later
"""The trial before the start."""

import time

import numpy as np
import pytest
from function_engine import FunctionEngine

from grassdl.predict.timing import seconds_per_cell

FILL = np.array([1, 2], np.float32)
SECONDS = 0.05


def slow(values):
    time.sleep(SECONDS)
    assert (values == FILL).all()
    return values


@pytest.mark.parametrize(
    ("apart", "stride", "window", "seen"),
    [
        (True, 16, (2000, 3000), [(384, 384), (384, 384)]),
        (True, 7, (21, 3000), [(21, 385), (21, 385)]),
        (False, 16, (2000, 3000), [(64, 64), (384, 384), (384, 384)]),
        # Still two sizes where the largest window is the small one.
        (False, 16, (64, 64), [(64, 80), (64, 64), (64, 64)]),
    ],
)
def test_the_time_of_a_cell_is_that_of_the_last_window(apart, stride, window, seen):
    engine = FunctionEngine(slow, takes_sizes_apart=apart)
    found = seconds_per_cell(engine, FILL, stride, window)
    assert engine.seen == [(*size, 2) for size in seen]
    cells = np.prod(seen[-1])
    assert SECONDS <= found * cells < 20 * SECONDS
