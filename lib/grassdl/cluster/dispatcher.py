# SPDX-License-Identifier: GPL-2.0-or-later
"""Distributes strips to workers, and again if a worker is lost."""

from __future__ import annotations

import queue
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Protocol

from ..core.text import duration
from ..predict.strips import Strip
from .connection import POLL_SECONDS, Cluster, answer_of
from .job import Answer, Job, Outcome, Place
from .worker import compute

MOST_LOSSES = 3
"""Losses of the worker of a strip after which the run ends."""

AHEAD = 4
"""Most finished strips per worker that wait for the rows before them."""

ALONE_SECONDS = 60
"""Time to wait for another worker after the last one is lost."""

REPORT_SECONDS = 30
"""Time between two lines on the progress."""


class Task(Protocol):
    """A request to a worker: a `distributed.Future`."""

    def add_done_callback(self, call: Callable[[Task], None]) -> None:
        """Call a function when there is an answer."""

    def cancel(self) -> None:
        """Drop the request."""


class Dispatcher:
    """Keeps all workers of a cluster busy, in a thread of its own; use as a context manager.

    A worker has one strip at a time, with all its threads, and a strip one worker at a time.
    Strips are distributed from north to south, and only a few ahead of the one that the module
    writes, so that few wait on disk.

    Args:
        cluster: The workers.
        job: The run.
        strips: The strips to compute, from north to south.
        report: Takes a line for the user.
    """

    def __init__(
        self, cluster: Cluster, job: Job, strips: Sequence[Strip], report: Callable[[str], None]
    ):
        self._cluster, self._job, self._report = cluster, job, report
        self._strips = list(strips)
        self._waiting = list(strips)
        self._running: dict[Task, tuple[Place, Strip]] = {}
        self._answered: queue.Queue[Task] = queue.Queue()
        self._losses: Counter[Strip] = Counter()
        self._refused: set[str] = set()
        self._done: set[Strip] = set()
        self._taken = 0
        self._failure: BaseException | None = None
        self._closing = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._serve, name="dispatcher", daemon=True)
        self._began = self._reported = self._last_seen = time.monotonic()

    def __enter__(self) -> Dispatcher:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing = True
        self._thread.join()
        for task in self._running:
            task.cancel()

    def wait_for(self, strip: Strip) -> None:
        """Wait until a strip is finished.

        Raises:
            ValueError: The scheduler or all workers are gone, or the strip was lost too often.
        """
        with self._changed:
            while strip not in self._done:
                if self._failure:
                    raise self._failure
                self._changed.wait(POLL_SECONDS)
        self._taken += 1

    def _serve(self) -> None:
        try:
            while not self._closing and (self._waiting or self._running):
                places = self._cluster.places()
                self._give_up_lost(places)
                self._hand_out(places)
                self._take_answers()
        # `wait_for` raises it, whatever it is, or it would wait for ever.
        except BaseException as error:
            with self._changed:
                self._failure = error
                self._changed.notify_all()

    def _give_up_lost(self, places: dict[str, Place]) -> None:
        """Put back the strips of lost workers."""
        for task, (place, strip) in list(self._running.items()):
            if place.address not in places:
                del self._running[task]
                task.cancel()
                self._lose(place, strip, "is gone")

    def _hand_out(self, places: dict[str, Place]) -> None:
        """Give a strip to each worker that has none."""
        usable = [one for one in places.values() if one.address not in self._refused]
        busy = {place.address for place, _ in self._running.values()}
        if usable:
            self._last_seen = time.monotonic()
        elif time.monotonic() - self._last_seen > ALONE_SECONDS:
            raise ValueError(f"All workers of <{self._cluster.name}> are gone: start others")
        ahead = set(self._strips[: self._taken + AHEAD * len(usable)])
        for place in usable:
            if place.address in busy or not self._waiting or self._waiting[0] not in ahead:
                continue
            strip = self._waiting.pop(0)
            request = self._job, place, strip.start, strip.stop
            task: Task = self._cluster.submit(place, compute, *request)
            self._running[task] = place, strip
            task.add_done_callback(self._answered.put)

    def _take_answers(self) -> None:
        """Wait for an answer for a moment, and process all."""
        try:
            tasks = [self._answered.get(timeout=POLL_SECONDS)]
        except queue.Empty:
            return
        while not self._answered.empty():
            tasks.append(self._answered.get())
        for task in tasks:
            # The worker of a strip that was put back may answer, too.
            if task in self._running:
                place, strip = self._running.pop(task)
                self._take(place, strip, answer_of(task))

    def _take(self, place: Place, strip: Strip, answer: Answer) -> None:
        if answer.outcome is Outcome.DONE:
            with self._changed:
                self._done.add(strip)
                self._changed.notify_all()
            self._tell()
        elif answer.outcome is Outcome.REFUSED:
            self._refused.add(place.address)
            self._report(f"Worker <{place.address}> {answer.text}: it gets no strips")
            self._put_back(strip)
        else:
            self._lose(place, strip, answer.text)

    def _lose(self, place: Place, strip: Strip, why: str) -> None:
        self._losses[strip] += 1
        if self._losses[strip] == MOST_LOSSES:
            raise ValueError(
                f"The strip of {strip} lost its worker {MOST_LOSSES} times, the last time "
                f"<{place.address}>, which {why}: check the worker's log, and whether it has "
                "enough memory"
            )
        self._report(f"Worker <{place.address}> {why}: {strip} are computed elsewhere")
        self._put_back(strip)

    def _put_back(self, strip: Strip) -> None:
        self._waiting.append(strip)
        self._waiting.sort(key=self._strips.index)

    def _tell(self) -> None:
        """Report progress and time left from time to time."""
        now = time.monotonic()
        if now - self._reported < REPORT_SECONDS:
            return
        self._reported = now
        left = len(self._strips) - len(self._done)
        seconds = (now - self._began) / len(self._done) * left
        workers = len({place.address for place, _ in self._running.values()})
        self._report(
            f"{len(self._done)} of {len(self._strips)} strips are finished, {workers} workers, "
            f"about {duration(seconds)} left"
        )
