# SPDX-License-Identifier: GPL-2.0-or-later
"""The line of an epoch tells how much time is left, once that is known."""

from types import SimpleNamespace

import pytest

from grassdl.train.callbacks import history
from grassdl.train.callbacks.history import History


@pytest.fixture
def epoch(monkeypatch):
    """Lets an epoch of a history pass in so many seconds."""
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(history.time, "monotonic", lambda: clock.now)

    def let_pass(rows, seconds):
        rows.on_epoch_begin(len(rows.rows))
        clock.now += seconds
        rows.on_epoch_end(len(rows.rows), {"loss": 1.0, "mean_iou": 0.5})

    return let_pass


def begun(epochs, lines, rows=()):
    """A history whose training has just begun."""
    started = History(epochs, lines.append, rows)
    rate = SimpleNamespace(learning_rate=0.1)
    started.set_model(SimpleNamespace(optimizer=rate))
    started.on_train_begin()
    return started


def endings(lines):
    return [line.rpartition("; ")[2] for line in lines]


def test_the_time_left_does_not_count_the_start(epoch):
    lines = []
    rows = begun(100, lines)
    epoch(rows, 150)
    epoch(rows, 2)
    epoch(rows, 4)
    assert endings(lines) == [
        "150.0 s with the start",
        "2.0 s, at most 3 min left",
        "4.0 s, at most 5 min left",
    ]


def test_nor_that_of_a_second_phase_or_a_resumed_training(epoch):
    lines = []
    earlier = [{"seconds": 150.0}, {"seconds": 2.0}]
    rows = begun(102, lines, earlier)
    epoch(rows, 90)
    rows.on_train_begin()
    epoch(rows, 60)
    epoch(rows, 4)
    assert endings(lines) == [
        "90.0 s, at most 3 min left",
        "60.0 s, at most 3 min left",
        "4.0 s, at most 5 min left",
    ]


def test_a_single_epoch_leaves_nothing(epoch):
    lines = []
    epoch(begun(1, lines), 150)
    assert endings(lines) == ["150.0 s, at most 0 s left"]
