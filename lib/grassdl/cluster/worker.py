# SPDX-License-Identifier: GPL-2.0-or-later
"""The part in the process of a Dask worker: starts the processes that compute strips.

GRASS's C library allows one session per process, and may end it; so may the kernel if memory runs
out. The worker survives both.
"""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from .. import __version__
from .job import DONE, Answer, Job, Outcome, Place, library_folder

OF_ANOTHER_SESSION = ("WIND_OVERRIDE", "GRASS_REGION", "GRASS_MASK")
"""Variables of a surrounding session that would set another region or mask."""

LAST_BYTES = 2000
"""Bytes of the standard error of an ended process that are read."""

_processes: dict[tuple[str, str], StripProcess] = {}
"""The processes by run and worker; several workers of a local cluster share this memory."""

_one_at_a_time = threading.Lock()


def check(job: Job) -> Answer:
    """Whether this worker can take part, as far as is known without starting anything."""
    if __version__ != job.version:
        return Answer(Outcome.REFUSED, f"has i.dl {__version__}, the module is {job.version}")
    if not job.session.folder.is_dir():
        return Answer(
            Outcome.REFUSED,
            f"does not see the mapset <{job.session.folder}>: put the project on a file system "
            "that all workers share",
        )
    if _gisbase(job) is None:
        return Answer(
            Outcome.REFUSED, "has no GRASS GIS on its PATH: install it, or set GISBASE there"
        )
    return DONE


def prepare(job: Job, place: Place) -> Answer:
    """Start the process that computes strips, unless it runs.

    Args:
        job: The run.
        place: This worker.
    """
    key = job.word, place.address
    with _one_at_a_time:
        process = _processes.get(key)
        if process and process.is_alive:
            return DONE
        process = _processes[key] = StripProcess(job, place)
    return process.begin()


def compute(job: Job, place: Place, start: int, stop: int) -> Answer:
    """Compute a strip, and write it to the spool of the module.

    Args:
        job, place: See `prepare`.
        start, stop: The rows.
    """
    answer = prepare(job, place)
    if answer.outcome is not Outcome.DONE:
        return answer
    return _processes[job.word, place.address].ask({"start": start, "stop": stop})


def end(word: str) -> None:
    """End all processes of a run, also during a strip."""
    with _one_at_a_time:
        ended = [key for key in _processes if key[0] == word]
        for key in ended:
            _processes.pop(key).kill()


class StripProcess:
    """A process with a session of GRASS that computes one strip after the other.

    It ends when its standard input does, thus with the worker, however that ends.

    Args:
        job: The run.
        place: The worker.
    """

    def __init__(self, job: Job, place: Place):
        self._scratch = tempfile.TemporaryDirectory(prefix="i_dl_worker_")
        gisrc = Path(self._scratch.name, "gisrc")
        gisrc.write_text(job.session.gisrc, encoding="utf-8")
        self._errors = Path(self._scratch.name, "stderr")
        self._first = pickle.dumps((job.task, job.threads or place.threads))
        with self._errors.open("wb") as errors:
            # Ctrl-C goes to all processes of a terminal; only the module handles it.
            self._process = subprocess.Popen(
                [sys.executable, "-m", "grassdl.cluster.strip_process"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                cwd=job.folder if Path(job.folder).is_dir() else None,
                env={**_environment(job, gisrc), **dict(place.environment)},
                start_new_session=True,
            )

    @property
    def is_alive(self) -> bool:
        """Whether it runs."""
        return self._process.poll() is None

    def begin(self) -> Answer:
        """Send it the run; done when the network is loaded."""
        return self._exchange(self._first)

    def ask(self, request: dict[str, int]) -> Answer:
        """Send it a request, and return its answer."""
        return self._exchange(json.dumps(request).encode() + b"\n")

    def _exchange(self, message: bytes) -> Answer:
        assert self._process.stdin and self._process.stdout
        try:
            self._process.stdin.write(message)
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except OSError:
            line = b""
        if not line:
            return self._lost()
        told = json.loads(line)
        return Answer(Outcome(told["outcome"]), told["text"])

    def _lost(self) -> Answer:
        status = self._process.wait()
        last = self._errors.read_bytes()[-LAST_BYTES:].decode(errors="replace").strip()
        ended = f"killed by signal {-status}" if status < 0 else f"exit status {status}"
        told = f": {last.splitlines()[-1]}" if last else ""
        for pipe in (self._process.stdin, self._process.stdout):
            # Pending input of an ended process is lost.
            with contextlib.suppress(OSError):
                if pipe:
                    pipe.close()
        self._scratch.cleanup()
        return Answer(Outcome.LOST, f"has lost its process ({ended}{told})")

    def kill(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()


def _gisbase(job: Job) -> str | None:
    """The folder of GRASS on this machine: by its environment, that of the module, or by PATH."""
    named = os.environ.get("GISBASE") or job.session.gisbase
    if Path(named, "bin").is_dir():
        return named
    with contextlib.suppress(OSError, subprocess.CalledProcessError):
        words = ["grass", "--config", "path"]
        return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()
    return None


def _environment(job: Job, gisrc: Path) -> dict[str, str]:
    """The variables of a process in a session of GRASS."""
    gisbase = _gisbase(job) or job.session.gisbase

    def led_by(name: str, *paths: str) -> str:
        return os.pathsep.join([*paths, *filter(None, [os.environ.get(name)])])

    own = {name: text for name, text in os.environ.items() if name not in OF_ANOTHER_SESSION}
    return {
        **own,
        **job.environment,
        "GISBASE": gisbase,
        "GISRC": os.fspath(gisrc),
        "PATH": led_by("PATH", f"{gisbase}/bin", f"{gisbase}/scripts"),
        "LD_LIBRARY_PATH": led_by("LD_LIBRARY_PATH", f"{gisbase}/lib"),
        "PYTHONPATH": led_by("PYTHONPATH", library_folder(), f"{gisbase}/etc/python"),
    }
