# SPDX-License-Identifier: GPL-2.0-or-later
"""The network computes one window while the next is read and the one before is written."""

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
    """Compute windows in the background, and nothing else there.

    Windows are read in the thread that asks for results, since the GRASS library allows one
    thread only. One window is computed, one waits, and one result is ready: the
    network has its next window as soon as it is done with one. While the first is read, the engine
    gets ready for it.

    Args:
        engine: Computes a window.
        shape: Rows, columns and bands of the first window.
        jobs: What there is to do, with the values of its window, or None where there are none.

    Yields:
        The jobs in their order with the results of their windows, or None.

    Raises:
        Exception: What the engine raises, at the job that it concerns.
    """
    keep_pieces()
    background = ThreadPoolExecutor(max_workers=1, thread_name_prefix="network")
    try:
        # What fails in it fails at the first window again.
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
