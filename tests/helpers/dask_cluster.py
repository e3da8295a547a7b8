# SPDX-License-Identifier: GPL-2.0-or-later
"""A Dask scheduler with workers, each a process of its own as users start them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from paths import LIBRARY

DASK = Path(sys.executable).parent / "dask"
START_SECONDS = 60


class DaskCluster:
    """A scheduler, and workers that are started and killed."""

    def __init__(self, folder: Path, environment: dict[str, str]):
        self._file = folder / "scheduler.json"
        self._log = (folder / "dask.log").open("wb")
        self._environment = environment
        words = ["--port", "0", "--no-dashboard", "--no-show", "--scheduler-file", self._file]
        self._scheduler = self._start("scheduler", *words)
        self.workers: list[subprocess.Popen] = []
        wait_until(lambda: self._file.is_file() and self._file.read_text().endswith("}"))
        self.address = json.loads(self._file.read_text())["address"]

    def _start(self, kind: str, *words: object, **environment: str) -> subprocess.Popen:
        return subprocess.Popen(
            [DASK, kind, *words],
            env={**self._environment, **environment},
            stdout=self._log,
            stderr=self._log,
        )

    def start_worker(self, **environment: str) -> None:
        """Start a worker of one thread, which finds the toolset unless told otherwise."""
        words = ["--nthreads", "1", "--no-nanny", "--no-dashboard"]
        found = {"PYTHONPATH": os.fspath(LIBRARY), **environment}
        self.workers.append(self._start("worker", self.address, *words, **found))

    def await_workers(self, number: int) -> None:
        """Wait until so many workers are there."""
        from distributed import Client

        with Client(self.address, set_as_default=False) as client:
            wait_until(lambda: len(client.nthreads()) == number)

    def close(self) -> None:
        """End all."""
        for process in (*self.workers, self._scheduler):
            process.send_signal(signal.SIGKILL)
            process.wait()
        self._log.close()


def wait_until(reached) -> None:
    """Wait for something."""
    deadline = time.monotonic() + START_SECONDS
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.01)
