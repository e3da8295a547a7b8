# SPDX-License-Identifier: GPL-2.0-or-later
"""The requests to a worker of the cluster, and its answers.

The process of a Dask worker reads this file and `worker.py`, which need the standard library only:
network and maps are opened by the process that it starts.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import Enum
from pathlib import Path


@dataclass(frozen=True)
class Session:
    """The session of GRASS that the module runs in.

    Attributes:
        gisbase: The folder of GRASS.
        gisdbase, project, mapset: As a GISRC file names them.
    """

    gisbase: str
    gisdbase: str
    project: str
    mapset: str

    @property
    def folder(self) -> Path:
        """The folder of the mapset."""
        return Path(self.gisdbase, self.project, self.mapset)

    @property
    def gisrc(self) -> str:
        """The content of a file that opens the same mapset for another process."""
        return (
            f"GISDBASE: {self.gisdbase}\nLOCATION_NAME: {self.project}\nMAPSET: {self.mapset}\n"
            "GUI: text\n"
        )


@dataclass(frozen=True)
class Job:
    """A run that workers compute strips of.

    Attributes:
        word: Identifies the run.
        version: Of the toolset.
        session: Of GRASS.
        folder: The module's current folder, the origin of relative paths.
        environment: Further variables that the result depends on.
        threads: Threads of the computing process; 0 for those of the worker.
        task: A pickled `strip_writer.StripTask`, empty before it is known.
    """

    word: str
    version: str
    session: Session
    folder: str
    environment: dict[str, str]
    threads: int
    task: bytes = b""


@dataclass(frozen=True)
class Place:
    """A worker.

    Attributes:
        address: Its address in Dask.
        threads: Its threads.
        environment: Variables of its processes, as pairs.
    """

    address: str
    threads: int
    environment: tuple[tuple[str, str], ...] = ()


class Outcome(Enum):
    """How a request to a worker ended."""

    DONE = "done"
    REFUSED = "refused"
    """The worker cannot take part."""
    LOST = "lost"
    """Its process ended; another one may succeed."""


@dataclass(frozen=True)
class Answer:
    """The answer of a worker.

    Attributes:
        outcome: How the request ended.
        text: Why, unless it is done.
    """

    outcome: Outcome
    text: str = ""


DONE = Answer(Outcome.DONE)


def library_folder() -> str:
    """The folder from which the toolset's library is imported."""
    return os.fspath(Path(__file__).resolve().parents[2])
