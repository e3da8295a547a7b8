# SPDX-License-Identifier: GPL-2.0-or-later
"""The trial before the start."""

import numpy as np
import pytest

from function_engine import FunctionEngine
from grassdl.predict.engines import timing

FILL = np.array([1, 2], np.float32)


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
def test_the_time_of_a_cell_is_that_of_the_last_window(monkeypatch, apart, stride, window, seen):
    clock = [100.0]
    monkeypatch.setattr(timing.time, "perf_counter", lambda: clock[0])

    def engine_gets_quicker(values):
        assert (values == FILL).all()
        clock[0] += 8 / len(engine.seen)
        return values

    engine = FunctionEngine(engine_gets_quicker, prepares_each_size=apart)
    found = timing.seconds_per_cell(engine, FILL, stride, window)
    assert engine.seen == [(*size, 2) for size in seen]
    assert found == pytest.approx(8 / len(seen) / np.prod(seen[-1]))
