# SPDX-License-Identifier: GPL-2.0-or-later
"""Strips computed by the workers of a cluster."""

from __future__ import annotations

import os
import pickle
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from .. import __version__
from ..core.options import whole
from ..gis.session.mapset import session_variables
from ..io.folders import check_disk
from ..predict.cell_decision import RowBands
from ..predict.settings import MOST_PROCS, OPENVINO
from ..predict.strips import Strip, StripComputer, StripWork
from .connection import LOCAL, Cluster, check_all, connected
from .dispatcher import AHEAD, Dispatcher
from .job import Job, Session
from .strip_writer import StripTask
from .worker import check, prepare

VISIBLE_SECONDS = 60
"""Time in which a file of a worker must be visible on this machine: NFS takes up to 30 s."""

KEPT_VARIABLES = ("GRASS_MASK", "KERAS_BACKEND", "NVIDIA_TF32_OVERRIDE", "TF_DETERMINISTIC_OPS")
"""Variables of the module on which the result depends."""


@contextmanager
def cluster_strips(
    options: Mapping[str, str],
    flags: Mapping[str, bool],
    report: Callable[[str], None],
) -> Iterator[ClusterStrips]:
    """The workers of the cluster that the options name, checked as far as is possible at once.

    Args:
        options, flags: Of the module.
        report: Takes a line for the user.

    Raises:
        ValueError: There is no such cluster, or a worker cannot take part.
    """
    scheduler = options["scheduler"]
    nprocs = whole(options, "nprocs", 0, MOST_PROCS)
    job = Job(
        word=secrets.token_hex(8),
        version=__version__,
        session=Session(**session_variables()),
        folder=os.fspath(Path.cwd()),
        environment={},
        threads=0 if scheduler == LOCAL else nprocs,
    )
    with connected(scheduler, nprocs, options["engine"] != OPENVINO) as cluster:
        check_all(cluster.answers(check, lambda place: (job,)))
        yield ClusterStrips(cluster, job, options, flags, report)


class ClusterStrips(StripComputer):
    """Computes strips on workers; finished ones wait in files for the rows before them.

    Args:
        cluster: The workers.
        job: The run, without its task.
        options, flags, report: See `cluster_strips`.
    """

    def __init__(
        self,
        cluster: Cluster,
        job: Job,
        options: Mapping[str, str],
        flags: Mapping[str, bool],
        report: Callable[[str], None],
    ):
        self._cluster, self._job = cluster, job
        self._options, self._flags = dict(options), dict(flags)
        self._report = report

    def row_bands(self, work: StripWork, done: int) -> RowBands:
        """See `StripComputer.row_bands`.

        Raises:
            ValueError: A worker cannot take part, the disk cannot hold the strips that wait, or a
                strip cannot be computed.
        """
        left = work.left(done)
        missing = [one for one in left if not work.is_finished(one)]
        job = self._with_task(work)
        self._check_disk(work, missing)
        with self._processes(job), Dispatcher(self._cluster, job, missing, self._report) as running:
            for strip in left:
                if strip in missing:
                    running.wait_for(strip)
                    _await_file(work, strip)
                yield from work.waiting(strip, done)

    @contextmanager
    def _processes(self, job: Job) -> Iterator[None]:
        """Keep the processes of the workers until the block ends, before the spool is cleared."""
        try:
            check_all(self._cluster.answers(prepare, lambda place: (job, place)))
            yield
        finally:
            self._cluster.end(job.word)

    def _with_task(self, work: StripWork) -> Job:
        task = StripTask(
            options={**self._options, "engine": work.engine, "precision": work.precision},
            flags=self._flags,
            bands=work.bands,
            figures=work.figures,
            shape=work.plan.shape,
            adjustment=work.adjustment,
            fingerprint=work.fingerprint,
            folder=work.files.folder.absolute(),
        )
        kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
        return replace(self._job, environment=kept, task=pickle.dumps(task))

    def _check_disk(self, work: StripWork, missing: list[Strip]) -> None:
        at_once = AHEAD * len(self._cluster.places())
        rows = sum(sorted((one.stop - one.start for one in missing), reverse=True)[:at_once])
        cells = rows * len(work.plan.cols.output)
        needed = cells * work.decision.cell_bytes
        check_disk(work.files.folder, needed, f"the spool of {at_once} strips")


def _await_file(work: StripWork, strip: Strip) -> None:
    """Wait until the file of a finished strip is visible on this machine."""
    deadline = time.monotonic() + VISIBLE_SECONDS
    while not work.is_finished(strip):
        if time.monotonic() > deadline:
            raise ValueError(
                f"A worker has finished {strip}, but its file is not in <{work.files.folder}>: "
                "put the project on a file system that all workers share"
            )
        # Listing the folder refreshes the cache of a network file system.
        list(work.files.folder.iterdir())
        time.sleep(0.1)
