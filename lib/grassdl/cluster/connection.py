# SPDX-License-Identifier: GPL-2.0-or-later
"""A Dask cluster: a running one by its address, or a temporary one on this machine."""

from __future__ import annotations

import asyncio
import logging
import os
import pickle
import re
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import dask
from distributed import Client, Future, LocalCluster, Security
from distributed.comm import connect

from .job import Answer, Outcome, Place
from .worker import end

LOCAL = "local"
"""Value of the option `scheduler`: a cluster on this machine."""

CONNECT_SECONDS = 5
"""Time in which a scheduler must answer."""

WORKER_SECONDS = 10
"""Time in which the first worker must be connected."""

ANSWER_SECONDS = 10
"""Time in which a finished answer must be fetched from its worker."""

POLL_SECONDS = 0.5
"""Time after which a lost worker is detected."""

_GPU_DEVICE = re.compile(r"nvidia(\d+)")


class Cluster:
    """The workers of a scheduler.

    Args:
        client: Connected to it.
        name: Its name in messages.
        environments: Variables of the processes of some workers, by address.
    """

    def __init__(
        self, client: Client, name: str, environments: dict[str, tuple[tuple[str, str], ...]]
    ):
        self._client = client
        self.name = name
        self._environments = environments

    def places(self) -> dict[str, Place]:
        """The connected workers, by address.

        Raises:
            ValueError: The scheduler is gone.
        """
        try:
            found = self._client.nthreads()
        # The error of a closed client depends on which part was closed first.
        except (OSError, AttributeError) as error:
            raise ValueError(
                f"The Dask scheduler <{self.name}> has stopped answering ({error})"
            ) from None
        return {
            address: Place(address, threads, self._environments.get(address, ()))
            for address, threads in found.items()
        }

    def submit(self, place: Place, function: Callable[..., Answer], *arguments: object) -> Future:
        """Have a worker call a function; `answer_of` gives the result."""
        # Pickled here, since the scheduler unpickles objects and may lack the toolset.
        call = pickle.dumps(_Call(function, arguments))
        return self._client.submit(pickle.loads, call, workers=[place.address], pure=False)

    def answers(
        self, function: Callable[..., Answer], arguments_of: Callable[[Place], tuple[object, ...]]
    ) -> Iterator[tuple[Place, Answer]]:
        """Have all workers call a function at the same time, and return their answers.

        Args:
            function: The function.
            arguments_of: Its arguments for a worker.
        """
        places = list(self.places().values())
        futures = [(one, self.submit(one, function, *arguments_of(one))) for one in places]
        for place, future in futures:
            while not future.done() and place.address in self.places():
                time.sleep(POLL_SECONDS)
            yield place, answer_of(future)

    def end(self, word: str) -> None:
        """End the processes of a run."""
        # The processes of a worker that does not answer end when they are idle.
        with suppress(Exception):
            self._client.run(end, word, on_error="ignore")


class _Call:
    """A call that is made where it is unpickled."""

    def __init__(self, function: Callable[..., Answer], arguments: tuple[object, ...]):
        self._call = function, arguments

    def __reduce__(self) -> tuple[Callable[..., Answer], tuple[object, ...]]:
        return self._call


def answer_of(future: Future) -> Answer:
    """The answer of a worker; `Outcome.LOST` if it is gone."""
    if not future.done() or future.status in ("cancelled", "lost"):
        return _gone(future)
    try:
        error = future.exception(timeout=ANSWER_SECONDS)
        if error is None:
            return future.result(timeout=ANSWER_SECONDS)
    # The answer is kept by the worker. Where that is gone, the scheduler would have the task
    # computed again, by that worker alone.
    except (TimeoutError, CancelledError):
        return _gone(future)
    if isinstance(error, ModuleNotFoundError) and (error.name or "").startswith("grassdl"):
        return Answer(
            Outcome.REFUSED,
            "lacks the toolset: start it with PYTHONPATH set to the folder etc/i.dl of the addons",
        )
    return Answer(Outcome.LOST, f"has failed ({type(error).__name__}: {error})")


def _gone(future: Future) -> Answer:
    future.cancel()
    return Answer(Outcome.LOST, "is gone")


def check_all(answers: Iterable[tuple[Place, Answer]]) -> None:
    """Refuse a cluster of which a worker cannot take part.

    Raises:
        ValueError: One cannot; the message says which one, and why.
    """
    for place, answer in answers:
        if answer.outcome is not Outcome.DONE:
            raise ValueError(f"Worker <{place.address}> {answer.text}")


@contextmanager
def connected(scheduler: str, nprocs: int, with_gpus: bool = True) -> Iterator[Cluster]:
    """A cluster with at least one worker.

    Args:
        scheduler: Address of a scheduler, or `LOCAL`.
        nprocs: Workers of a local one; 0 for one for each GPU, or else for each core.
        with_gpus: Whether GPUs may compute.

    Raises:
        ValueError: No scheduler answers, or it has no workers.
    """
    # Events of workers are reported by the module.
    for name in ("distributed", "distributed.client", "asyncio"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    warnings.filterwarnings("ignore", module="distributed")
    with dask.config.set({"distributed.comm.timeouts.connect": CONNECT_SECONDS}):
        if scheduler == LOCAL:
            with _local(nprocs, visible_gpus() if with_gpus else []) as cluster:
                yield cluster
            return
        with _client(scheduler) as client:
            _await_workers(client, scheduler)
            yield Cluster(client, scheduler, {})


@contextmanager
def _local(nprocs: int, gpus: list[str]) -> Iterator[Cluster]:
    """Workers in threads of this process: they start processes for the strips."""
    workers = nprocs or len(gpus) or os.cpu_count() or 1
    threads = max(1, (os.cpu_count() or 1) // workers)
    # No memory limit: a worker in a thread would pause when this process exceeds it.
    options: dict[str, Any] = {"processes": False, "dashboard_address": None, "memory_limit": 0}
    with (
        LocalCluster(n_workers=workers, threads_per_worker=threads, **options) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        addresses = sorted(client.nthreads())
        shares = gpu_shares(len(addresses), gpus)
        yield Cluster(client, LOCAL, dict(zip(addresses, shares, strict=True)))


def visible_gpus() -> list[str]:
    """What CUDA_VISIBLE_DEVICES lists, or else the numbers of NVIDIA's devices."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is not None:
        return [one.strip() for one in named.split(",") if one.strip()]
    devices = Path("/dev").glob("nvidia*")
    found = [match[1] for one in devices if (match := _GPU_DEVICE.fullmatch(one.name))]
    return sorted(found, key=int)


def gpu_shares(workers: int, gpus: list[str]) -> list[tuple[tuple[str, str], ...]]:
    """Variables that give every worker one of several GPUs, in turn."""
    if len(gpus) < 2:
        return [()] * workers
    return [(("CUDA_VISIBLE_DEVICES", gpus[place % len(gpus)]),) for place in range(workers)]


@contextmanager
def _client(scheduler: str) -> Iterator[Client]:
    try:
        asyncio.run(_try(scheduler))
        client = Client(scheduler, timeout=CONNECT_SECONDS, set_as_default=False)
    # TypeError: of an address that needs more, such as certificates.
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"<{scheduler}> is no address of a Dask scheduler ({error}): expected for example "
            "scheduler=tcp://host:8786, or scheduler=local"
        ) from None
    # OverflowError, MemoryError: bytes of another server are read as the size of a message.
    except (OSError, OverflowError, MemoryError):
        raise ValueError(
            f"No Dask scheduler answers at <{scheduler}> within {CONNECT_SECONDS} s: start one "
            "with 'dask scheduler', or correct the address"
        ) from None
    with client:
        yield client


async def _try(scheduler: str) -> None:
    """Connect once: `Client` waits for ever for a server other than Dask's."""
    # Resolving the name of the host takes time, too.
    async with asyncio.timeout(CONNECT_SECONDS + 1):
        how = Security().get_connection_args("client")
        comm = await connect(scheduler, timeout=CONNECT_SECONDS, **how)
        await comm.close()


def _await_workers(client: Client, scheduler: str) -> None:
    deadline = time.monotonic() + WORKER_SECONDS
    while not client.nthreads():
        if time.monotonic() > deadline:
            raise ValueError(
                f"The Dask scheduler at <{scheduler}> has no workers: start some with "
                f"'dask worker {scheduler}'"
            )
        time.sleep(POLL_SECONDS)
