# SPDX-License-Identifier: GPL-2.0-or-later
"""The same work in several processes, for a library that allows one thread only."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Protocol, TypeVar

Job = TypeVar("Job")
Data = TypeVar("Data")
Result = TypeVar("Result")


class Terminated(KeyboardInterrupt):
    """The process was asked to end (SIGTERM), by a batch system for instance, not by its user.

    What a signal's handler raises is lost if Python was just clearing away an object, so long work
    also looks at `asked` from time to time.
    """

    asked = False


class Work(Protocol[Job, Data, Result]):
    """Work on jobs that has two steps; while one job is in the second, the next is in the first."""

    def read(self, job: Job) -> Data:
        """The first step, always in the main thread of a process."""

    def write(self, job: Job, data: Data) -> Result:
        """The second step, in another thread."""


class Workers:
    """Processes that are started once and do one kind of work after the other.

    Use as a context manager. Where it is safe they are forked: they then need not import again what
    this process has imported, which takes longer than to read a small map.

    Args:
        nprocs: How many processes; with 1 the work is done in this one.
    """

    def __init__(self, nprocs: int = 1):
        self._nprocs = nprocs
        self._processes: list[BaseProcess] = []
        self._connections: list[Connection] = []

    def __enter__(self) -> Workers:
        if self._nprocs > 1:
            # Ctrl-C goes to all processes of a terminal; only this one is to act on it.
            before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
            try:
                for _ in range(self._nprocs):
                    self._start()
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return self

    def _start(self) -> None:
        context = get_context(_start_method())
        here, there = context.Pipe()
        # A fork also has this process's ends, and as long as one is open no worker finds out that
        # this process has ended.
        inherited = [*self._connections, here] if context.get_start_method() == "fork" else []
        process = context.Process(target=_serve, args=(there, inherited))
        process.start()
        there.close()
        self._processes.append(process)
        self._connections.append(here)

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.kill()
            process.join()

    def run(self, work: Work, jobs: Sequence[Job]) -> Iterator[Result]:
        """Do all jobs; processes begin at once, this one as results are asked for.

        Args:
            work: Does the jobs. It must be picklable, as must jobs and results.
            jobs: Jobs that can be done in any order.

        Returns:
            The results, in any order.

        Raises:
            ChildProcessError: A process ended before its work was done; it has told why.
            Exception: What the work raised.
        """
        if not self._connections:
            return _done(work, jobs)
        missing = {}
        for place, connection in enumerate(self._connections):
            share = jobs[place :: self._nprocs]
            if share:
                connection.send((work, share))
                missing[connection] = len(share)
        return _results(missing)


def _results(missing: dict[Connection, int]) -> Iterator[Result]:
    """What comes from processes that have so many results each to send."""
    while missing:
        for connection in wait(list(missing)):
            yield _received(connection)
            missing[connection] -= 1
            if not missing[connection]:
                del missing[connection]


def _done(work: Work, jobs: Sequence[Job]) -> Iterator[Result]:
    """The results of jobs in their order."""
    with ThreadPoolExecutor(max_workers=1) as second:
        writing = None
        for job in jobs:
            data = work.read(job)
            if writing:
                yield writing.result()
            writing = second.submit(work.write, job, data)
        if writing:
            yield writing.result()


def _start_method() -> str:
    """How to start a process: a fork of a process with several threads may never run."""
    forks = sys.platform == "linux" and threading.active_count() == 1
    return "fork" if forks else "spawn"


def _serve(connection: Connection, inherited: Sequence[Connection]) -> None:
    """What a process does; it ends when nobody is there any more."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    for one in inherited:
        one.close()
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while True:
            work, jobs = connection.recv()
            try:
                for result in _done(work, jobs):
                    connection.send(result)
            except Exception as error:
                connection.send(_Failure(error))


class _Failure:
    """Carries an exception out of a process."""

    def __init__(self, error: Exception):
        self.error = error


def _received(connection: Connection) -> object:
    try:
        result = connection.recv()
    except (EOFError, ConnectionResetError):
        raise ChildProcessError("A reading process ended before its work was done") from None
    if isinstance(result, _Failure):
        raise result.error
    return result
