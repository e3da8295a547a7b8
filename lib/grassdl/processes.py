# SPDX-License-Identifier: GPL-2.0-or-later
"""The same work in several processes, for a library that allows one thread only."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from typing import Protocol, TypeVar

Job = TypeVar("Job")
Data = TypeVar("Data")
Result = TypeVar("Result")


class Work(Protocol[Job, Data, Result]):
    """Work on jobs that has two steps; while one job is in the second, the next is in the first."""

    def read(self, job: Job) -> Data:
        """The first step, always in the main thread of a process."""

    def write(self, job: Job, data: Data) -> Result:
        """The second step, in another thread."""


def run_jobs(work: Work, jobs: Sequence[Job], nprocs: int = 1) -> Iterator[Result]:
    """Do all jobs, in this process or in several new ones.

    Args:
        work: Does the jobs. It must be picklable, as must jobs and results.
        jobs: Jobs that can be done in any order.
        nprocs: How many processes; 1 takes this one.

    Yields:
        The results, in any order.

    Raises:
        ChildProcessError: A process ended before its work was done; it has told why.
        Exception: What the work raised.
    """
    nprocs = min(nprocs, len(jobs))
    if nprocs <= 1:
        yield from _done(work, jobs)
        return
    shares = [jobs[place::nprocs] for place in range(nprocs)]
    with _started(work, shares) as connections:
        missing = {one: len(share) for one, share in zip(connections, shares, strict=True)}
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


@contextmanager
def _started(work: Work, shares: Sequence[Sequence]) -> Iterator[list[Connection]]:
    """Processes at work on their shares; they end with the block."""
    context = get_context("spawn")
    processes, connections = [], []
    try:
        # Ctrl-C goes to all processes of a terminal; only this one is to act on it.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            for share in shares:
                receiving, sending = context.Pipe(duplex=False)
                process = context.Process(target=_do, args=(work, share, sending))
                process.start()
                processes.append(process)
                sending.close()
                connections.append(receiving)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        yield connections
    finally:
        for process in processes:
            process.kill()
            process.join()


def _do(work: Work, jobs: Sequence, connection: Connection) -> None:
    """What a process does; it ends when nobody listens any more."""
    with suppress(BrokenPipeError):
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
    except EOFError:
        raise ChildProcessError("A reading process ended before its work was done") from None
    if isinstance(result, _Failure):
        raise result.error
    return result
