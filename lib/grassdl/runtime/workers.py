# SPDX-License-Identifier: GPL-2.0-or-later
"""Worker processes: several that do the same work, for a library that allows one thread only, or
one whose memory is freed at its end; and how processes are ended.

`concurrent.futures.ProcessPoolExecutor` was tried in place of `Workers`. Its processes outlive the
one that started them if that is killed (SIGKILL, out of memory), forked or spawned, since each
holds both ends of the pipe that it waits on; here a process ends when its pipe does. It also gives
each job to any process as a task of its own, so that a process could not read the next job while a
thread of it writes the last one, as `Work` does, and it starts processes while it runs, when
SIGINT would have to be blocked again.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkContext, SpawnContext
from multiprocessing.process import BaseProcess
from typing import Any, Protocol, TypeVar

from .malloc import keep_pieces

Job = TypeVar("Job", contravariant=True)
Data = TypeVar("Data")
Result = TypeVar("Result", covariant=True)
Context = ForkContext | SpawnContext


class Terminated(KeyboardInterrupt):
    """The process was asked to end (SIGTERM), by a batch system for instance, not by its user.

    The exception of a signal handler is lost if Python was just destroying an object, so long work
    also checks `asked` from time to time.
    """

    asked = False

    heeded = False
    """Whether the process is about to end by itself: the signal is often sent twice, to the process
    and to its group."""


class Work(Protocol[Job, Data, Result]):
    """Work on jobs in two steps; while one job is in the second, the next is in the first."""

    def read(self, job: Job) -> Data:
        """The first step, always in the main thread of a process."""

    def write(self, job: Job, data: Data) -> Result:
        """The second step, in another thread."""


class Workers:
    """Processes that are started once and do several kinds of work in turn.

    Use as a context manager. They are forked where that is safe, so that they need not import again
    what this process has imported, which takes longer than reading a small map.

    Args:
        nprocs: How many processes; with 1 the work is done in this one.
    """

    def __init__(self, nprocs: int = 1):
        self._nprocs = nprocs
        self._processes: list[BaseProcess] = []
        self._connections: list[Connection] = []

    def __enter__(self) -> Workers:
        for _ in range(self._nprocs if self._nprocs > 1 else 0):
            connection, process = _started(_context(), self._connections, _serve)
            self._connections.append(connection)
            self._processes.append(process)
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.kill()
            process.join()

    def run(self, work: Work[Job, Data, Result], jobs: Sequence[Job]) -> Iterator[Result]:
        """Do all jobs; processes begin at once, this one as results are asked for.

        Args:
            work: Does the jobs. It must be picklable, as must jobs and results.
            jobs: Jobs that can be done in any order.

        Returns:
            The results, in any order.

        Raises:
            ChildProcessError: A process ended before its work was done; it has reported why.
            Exception: What the work raised.
        """
        if not self._connections:
            return _done(work, jobs)
        self._share_out(work, jobs)
        counts = {
            connection: len(jobs[place :: self._nprocs])
            for place, connection in enumerate(self._connections)
        }
        return _results({connection: count for connection, count in counts.items() if count})

    def run_in_order(self, work: Work[Job, Data, Result], jobs: Sequence[Job]) -> Iterator[Result]:
        """Do all jobs as `run` does, with the results in the order of the jobs.

        A process is at most a job or two ahead of the results that were taken, since it waits until
        a result is received.
        """
        if not self._connections:
            return _done(work, jobs)
        self._share_out(work, jobs)
        return (_received(self._connections[place % self._nprocs]) for place in range(len(jobs)))

    def _share_out(self, work: Work[Job, Data, Result], jobs: Sequence[Job]) -> None:
        """Send the jobs to the processes in turn."""
        for connection, place in zip(self._connections, range(self._nprocs), strict=True):
            share = jobs[place :: self._nprocs]
            if share:
                connection.send((work, share))


def run_apart(function: Callable[..., None], *arguments: object) -> None:
    """Run a function in a process of its own, whose memory is freed at its end.

    Args:
        function: Picklable, as are its arguments.

    Raises:
        ChildProcessError: The process was killed, or failed, before its work was done.
        Exception: What the function raised.
    """
    connection, process = _started(get_context("spawn"), [], _do, function, arguments)
    try:
        _received(connection)
    finally:
        process.kill()
        process.join()


def _do(connection: Connection, function: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    try:
        function(*arguments)
    except Exception as error:
        connection.send(_Failure(error))
    else:
        connection.send(None)


def _started(
    context: Context,
    connections: Sequence[Connection],
    function: Callable[..., None],
    *arguments: object,
) -> tuple[Connection, BaseProcess]:
    """A process that runs a function on its end of a pipe, and the other end.

    Args:
        context: Starts it.
        connections: The ends of pipes to other processes that this one has.
        function: Takes its end of the pipe and `arguments`.
    """
    here, there = context.Pipe()
    # A fork inherits this process's ends, and while one is open no process detects that this one
    # has ended.
    inherited = [*connections, here] if isinstance(context, ForkContext) else []
    process = context.Process(target=_begin, args=(there, inherited, function, arguments))
    # Ctrl-C reaches all processes of a terminal; only this one must react to it.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        process.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    there.close()
    return here, process


def _results(missing: dict[Connection, int]) -> Iterator[Result]:
    """Results that are received from processes that have `missing` results each to send."""
    while missing:
        ready = wait(list(missing))
        for connection in [one for one in missing if one in ready]:
            yield _received(connection)
            missing[connection] -= 1
            if not missing[connection]:
                del missing[connection]


def _done(work: Work[Job, Data, Result], jobs: Sequence[Job]) -> Iterator[Result]:
    """The results of jobs in their order."""
    keep_pieces()
    with ThreadPoolExecutor(max_workers=1) as second:
        writing = None
        for job in jobs:
            data = work.read(job)
            if writing:
                yield writing.result()
            writing = second.submit(work.write, job, data)
        if writing:
            yield writing.result()


def _context() -> Context:
    """What starts processes: a fork of a process with several threads may never run."""
    forks = sys.platform == "linux" and threading.active_count() == 1
    return get_context("fork") if forks else get_context("spawn")


def _begin(
    connection: Connection,
    inherited: Sequence[Connection],
    function: Callable[..., None],
    arguments: tuple[Any, ...],
) -> None:
    """The first steps of a process: it closes what it inherited."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    for one in inherited:
        one.close()
    function(connection, *arguments)


def _serve(connection: Connection) -> None:
    """Do all work that is received, until the process at the other end of the pipe has ended."""
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while True:
            work: Work[Any, Any, Any]
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


def _received(connection: Connection) -> Any:
    try:
        result = connection.recv()
    except (EOFError, ConnectionResetError):
        raise ChildProcessError("A process ended before its work was done") from None
    if isinstance(result, _Failure):
        raise result.error
    return result
