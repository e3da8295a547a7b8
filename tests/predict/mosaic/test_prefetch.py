# SPDX-License-Identifier: GPL-2.0-or-later
"""Reading, computing and writing at the same time."""

import threading

import numpy as np
import pytest

from function_engine import FunctionEngine
from grassdl.predict.mosaic.prefetch import computed

SHAPE = (1, 1, 1)


def window(number):
    return np.full(SHAPE, number, np.float32)


def test_results_come_in_order_and_windows_without_data_are_not_computed():
    jobs = [(0, window(0)), (1, None), (2, window(2)), (3, None)]
    found = list(computed(FunctionEngine(lambda values: values + 10), SHAPE, jobs))
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

    assert [job for job, _ in computed(FunctionEngine(engine), SHAPE, jobs())] == [0, 1, 2, 3]


def test_the_engine_gets_ready_while_the_first_window_is_read():
    is_ready = threading.Event()
    engine = FunctionEngine(lambda values: values + len(engine.prepared))

    def prepare(shape):
        engine.prepared.append(shape)
        is_ready.set()

    def jobs():
        # It would wait for ever if nobody prepared meanwhile.
        assert is_ready.wait(timeout=30)
        yield 0, window(5)

    engine.prepare = prepare
    ((_, found),) = computed(engine, (7, 8, 9), jobs())
    assert engine.prepared == [(7, 8, 9)] and found.item() == 6


def test_what_fails_while_the_engine_gets_ready_is_told_by_the_first_window():
    def fails(_):
        raise ValueError("no such size")

    engine = FunctionEngine(fails)
    engine.prepare = fails
    with pytest.raises(ValueError, match="no such size"):
        list(computed(engine, SHAPE, [(0, window(0))]))


def test_few_windows_are_read_ahead():
    read = []

    def jobs():
        for number in range(10):
            read.append(number)
            yield number, window(number)

    for job, _ in computed(FunctionEngine(lambda values: values), SHAPE, jobs()):
        assert len(read) <= job + 2


def test_what_the_engine_raises_arrives_and_ends_the_work():
    calls = []

    def engine(values):
        calls.append(int(values.item()))
        if calls[-1] == 1:
            raise ValueError("no such layer")
        return values

    found = []
    jobs = ((number, window(number)) for number in range(10))
    with pytest.raises(ValueError, match="no such layer"):
        for job, _ in computed(FunctionEngine(engine), SHAPE, jobs):
            found.append(job)
    assert found == [0]
    assert max(calls) <= 2


def test_windows_of_one_size_are_computed_in_groups_that_end_where_they_must():
    small, large = (np.zeros((rows, 1, 1), np.float32) for rows in (1, 2))
    windows = [None, small, None, small, small, small, large, small, None, small]
    groups = []

    class Engine(FunctionEngine):
        def several(self, windows, number):
            assert number == 2
            groups.append([len(one) for one in windows])
            return [one + len(one) for one in windows]

    found = list(
        computed(Engine(None), SHAPE, enumerate(windows), number=2, is_last=lambda job: job == 4)
    )
    assert groups == [[1, 1], [1], [1], [2], [1, 1]]
    assert [job for job, _ in found] == list(range(10))
    assert [None if one is None else one.flat[0] for _, one in found] == [
        None if one is None else len(one) for one in windows
    ]
