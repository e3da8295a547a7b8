# SPDX-License-Identifier: GPL-2.0-or-later
"""Reading, computing and writing at the same time."""

import threading

import numpy as np
import pytest

from grassdl.predict.ahead import computed


def window(number):
    return np.full((1, 1, 1), number, np.float32)


def test_results_come_in_order_and_windows_without_data_are_not_computed():
    jobs = [(0, window(0)), (1, None), (2, window(2)), (3, None)]
    found = list(computed(lambda values: values + 10, jobs))
    assert [(job, None if one is None else one.item()) for job, one in found] == [
        (0, 10),
        (1, None),
        (2, 12),
        (3, None),
    ]


def test_the_next_window_is_read_while_one_is_computed():
    was_read = [threading.Event() for _ in range(4)]
    reader = threading.current_thread()

    def jobs():
        for number, event in enumerate(was_read):
            assert threading.current_thread() is reader
            event.set()
            yield number, window(number)

    def engine(values):
        number = int(values.item())
        assert threading.current_thread() is not reader
        # It would wait for ever if nobody read meanwhile.
        assert was_read[min(number + 1, 3)].wait(timeout=30)
        return values

    assert [job for job, _ in computed(engine, jobs())] == [0, 1, 2, 3]


def test_few_windows_are_read_ahead():
    read = []

    def jobs():
        for number in range(10):
            read.append(number)
            yield number, window(number)

    for job, _ in computed(lambda values: values, jobs()):
        assert len(read) <= job + 2


def test_what_the_engine_raises_arrives_and_ends_the_work():
    calls = []

    def engine(values):
        calls.append(int(values.item()))
        if calls[-1] == 1:
            raise ValueError("no such layer")
        return values

    found = []
    with pytest.raises(ValueError, match="no such layer"):
        for job, _ in computed(engine, ((number, window(number)) for number in range(10))):
            found.append(job)
    assert found == [0]
    assert max(calls) <= 2
