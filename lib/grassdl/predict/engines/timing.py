# SPDX-License-Identifier: GPL-2.0-or-later
"""The speed of an engine, measured before the start."""

from __future__ import annotations

import time

import numpy as np

from ...core.readers import by_layers
from ..tiling.axis import up
from .keras_engine import Engine

SMALL_EDGE = 64
TIMED_EDGE = 384
"""Edges in cells of the trial windows, which must exceed a processor's cache."""


def seconds_per_cell(
    engine: Engine, fill: np.ndarray, stride: int, window: tuple[int, int]
) -> float:
    """Time for a cell of a window, from a trial.

    An engine that is not compiled for each size computes windows of two sizes in the trial. So it
    is in the same state before the first tile of any run, and a resumed run gives the same result.

    Args:
        engine: The engine.
        fill: A value for every band, (bands,) float32.
        stride: Total stride of the network.
        window: Rows and columns of the largest window.
    """
    timed = tuple(min(cells, up(TIMED_EDGE, stride)) for cells in window)
    if not engine.prepares_each_size:
        small = up(SMALL_EDGE, stride)
        engine(_window(fill, small, small + stride * (timed == (small, small))))
    engine(_window(fill, *timed))
    values = _window(fill, *timed)
    number = engine.at_once(values.shape)
    if number > 1:
        # Compiles.
        engine.several([values], number)
    begin = time.perf_counter()
    engine.several([values] * number, number)
    return (time.perf_counter() - begin) / (number * values[..., 0].size)


def _window(fill: np.ndarray, rows: int, cols: int) -> np.ndarray:
    return by_layers(np.broadcast_to(fill, (rows, cols, len(fill))))
