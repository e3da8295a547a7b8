# SPDX-License-Identifier: GPL-2.0-or-later
"""Computes some windows while the next are read and those before are written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import numpy as np

from ...runtime.malloc import keep_pieces
from ..engines.keras_engine import Engine

Job = TypeVar("Job")

Group = list[tuple[Job, np.ndarray | None]]
"""Jobs whose windows, of one size, are computed at once; None has no values."""


def computed(
    engine: Engine,
    shape: tuple[int, int, int],
    jobs: Iterable[tuple[Job, np.ndarray | None]],
    number: int = 1,
    is_last: Callable[[Job], bool] = lambda job: False,
) -> Iterator[tuple[Job, np.ndarray | None]]:
    """Compute windows in a background thread.

    Windows are read in the calling thread, since the GRASS library allows only one. One group of
    windows is computed, one waits, and the results of one are ready, so that the engine never waits
    for reading. While the first is read, the engine prepares for it.

    Args:
        engine: Computes windows.
        shape: Rows, columns and bands of the first window.
        jobs: The jobs with the values of their windows, or None without values.
        number: How many windows are computed at once.
        is_last: Whether a group ends with a job, however few windows it has.

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
        for group in _groups(jobs, number, is_last):
            values = [one for _, one in group if one is not None]
            results = background.submit(_results, engine, values, number) if values else None
            own = [(job, one is not None) for job, one in group]
            del values, group
            if earlier:
                yield from _finished(*earlier)
            earlier = (own, results)
        if earlier:
            yield from _finished(*earlier)
    finally:
        background.shutdown(cancel_futures=True)


def _groups(
    jobs: Iterable[tuple[Job, np.ndarray | None]], number: int, is_last: Callable[[Job], bool]
) -> Iterator[Group[Job]]:
    """The jobs in groups of at most `number` windows of one size, or of one job without values."""
    group: Group[Job] = []
    for job, values in jobs:
        shapes = {one.shape for _, one in group if one is not None}
        if values is not None and shapes and values.shape not in shapes:
            yield group
            group = []
        group.append((job, values))
        del values
        windows = sum(one is not None for _, one in group)
        if windows in (0, number) or is_last(job):
            yield group
            group = []
    if group:
        yield group


def _results(engine: Engine, windows: list[np.ndarray], number: int) -> list[np.ndarray]:
    return [engine(windows[0])] if number == 1 else engine.several(windows, number)


def _finished(
    jobs: list[tuple[Job, bool]], results: Future[list[np.ndarray]] | None
) -> Iterator[tuple[Job, np.ndarray | None]]:
    found = iter(results.result() if results else [])
    for job, has_values in jobs:
        yield job, next(found) if has_values else None
