# SPDX-License-Identifier: GPL-2.0-or-later
"""Strips handed out to workers that are slow, get lost, or cannot take part."""

from __future__ import annotations

import threading

import pytest

from grassdl.cluster import dispatcher
from grassdl.cluster.dispatcher import Dispatcher
from grassdl.cluster.job import DONE, Answer, Job, Outcome, Place, Session
from grassdl.predict.strips import Strip

JOB = Job("word", "1", Session("", "", "", ""), "", {}, 0)
STRIPS = [Strip(start, start + 10) for start in range(0, 100, 10)]


class Request:
    """What a worker is asked for, as a future of Dask."""

    def __init__(self, answer):
        self.answer = answer
        self.cancelled = False

    def add_done_callback(self, call):
        if self.answer:
            threading.Timer(0.001, call, [self]).start()

    def cancel(self):
        self.cancelled = True


class Workers:
    """A cluster whose workers answer as a function of worker and strip says; None never comes."""

    name = "somewhere"

    def __init__(self, names, answer=lambda name, start: DONE):
        self.names, self._answer = list(names), answer
        self.asked = []

    def places(self):
        return {name: Place(name, 1) for name in self.names}

    def submit(self, place, function, job, its_place, start, stop):
        assert (job, its_place, stop) == (JOB, place, start + 10)
        self.asked.append((place.address, start))
        return Request(self._answer(place.address, start))


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Answers are those that the requests hold, and nobody waits long."""
    monkeypatch.setattr(dispatcher, "answer_of", lambda request: request.answer)
    monkeypatch.setattr(dispatcher, "POLL_SECONDS", 0.01)


def dispatched(workers, strips=STRIPS):
    """Wait for all strips; what was reported."""
    lines = []
    with Dispatcher(workers, JOB, strips, lines.append) as running:
        for one in strips:
            running.wait_for(one)
    return lines


def test_every_strip_is_computed_once_and_all_workers_are_used():
    workers = Workers("ab")
    assert dispatched(workers) == []
    assert sorted(start for _, start in workers.asked) == [one.start for one in STRIPS]
    assert {name for name, _ in workers.asked} == {"a", "b"}


def test_no_worker_runs_far_ahead_of_the_rows_that_are_taken():
    workers = Workers("a")
    with Dispatcher(workers, JOB, STRIPS, print) as running:
        running.wait_for(STRIPS[0])
        threading.Event().wait(0.2)
        assert len(workers.asked) == 1 + dispatcher.AHEAD


def test_strips_of_a_worker_that_goes_are_computed_elsewhere():
    def answer(name, start):
        if name == "a" and start:
            workers.names.remove("a")
            return None
        return DONE

    workers = Workers("ab", answer)
    lines = dispatched(workers)
    [lost] = [start for name, start in workers.asked if name == "a" and start]
    assert ("b", lost) in workers.asked
    assert lines == [f"Worker <a> is gone: rows {lost + 1} to {lost + 10} are computed elsewhere"]


def test_workers_that_come_later_get_strips():
    def answer(name, start):
        if start == 20:
            workers.names.append("b")
        return DONE

    workers = Workers("a", answer)
    dispatched(workers)
    assert "b" in {name for name, _ in workers.asked}


def test_a_strip_that_is_lost_three_times_ends_the_run():
    killed = Answer(Outcome.LOST, "was killed")
    workers = Workers("ab", lambda name, start: killed if start == 30 else DONE)
    with pytest.raises(ValueError, match=r"rows 31 to 40 lost its worker 3 times.*was killed"):
        dispatched(workers)
    assert [start for _, start in workers.asked].count(30) == 3


def test_a_worker_that_cannot_take_part_gets_no_further_strip():
    refused = Answer(Outcome.REFUSED, "has i.dl 1")
    workers = Workers("ab", lambda name, start: refused if name == "b" else DONE)
    assert dispatched(workers) == ["Worker <b> has i.dl 1: it gets no strips"]
    assert [name for name, _ in workers.asked].count("b") == 1


def test_when_all_workers_are_gone_the_run_ends(monkeypatch):
    monkeypatch.setattr(dispatcher, "ALONE_SECONDS", 0.05)
    with pytest.raises(ValueError, match="All workers of <somewhere> are gone"):
        dispatched(Workers(""))


def test_how_far_the_work_is_is_told_from_time_to_time(monkeypatch):
    monkeypatch.setattr(dispatcher, "REPORT_SECONDS", 0)
    lines = dispatched(Workers("ab"), STRIPS[:2])
    assert lines[0].startswith("1 of 2 strips are finished, ")
    assert "left" in lines[0]
