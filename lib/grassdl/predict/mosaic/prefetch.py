# SPDX-License-Identifier: GPL-2.0-or-later
"""Computes one window while the next is read and the one before is written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import numpy as np

from ...runtime.malloc import keep_pieces
from ..engines.keras_engine import Engine

Job = TypeVar("Job")


def computed(
    engine: Engine, shape: tuple[int, int, int], jobs: Iterable[tuple[Job, np.ndarray | None]]
) -> Iterator[tuple[Job, np.ndarray | None]]:
    """Compute windows in a background thread.

    Windows are read in the calling thread, since the GRASS library allows only one. One window is
    computed, one waits, and one result is ready, so that the engine never waits for reading. While
    the first is read, the engine prepares for it.

    Args:
        engine: Computes a window.
        shape: Rows, columns and bands of the first window.
        jobs: The jobs with the values of their windows, or None without values.

    Yields:
        The jobs in their order with the results of their windows, or None.

    Raises:
        Exception: An error of the engine, at its job.
    """
    keep_pieces()
    background = ThreadPoolExecutor(max_workers=1, thread_name_prefix="network")
    try:
        # An error here is raised again at the first window.
        background.submit(engine.prepare, shape)
        earlier = None
        for job, values in jobs:
            result = None if values is None else background.submit(engine, values)
            del values
            if earlier:
                yield _finished(*earlier)
            earlier = (job, result)
        if earlier:
            yield _finished(*earlier)
    finally:
        background.shutdown(cancel_futures=True)


def _finished(job: Job, result: Future[np.ndarray] | None) -> tuple[Job, np.ndarray | None]:
    return job, None if result is None else result.result()
