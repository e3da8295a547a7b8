# SPDX-License-Identifier: GPL-2.0-or-later
"""Test-time augmentation: results for flips and quarter turns of a window are averaged."""

from __future__ import annotations

from functools import reduce

import numpy as np

from ...core.readers import by_layers
from .keras_engine import Engine

QUARTER_TURNS = range(4)


class AugmentedEngine:
    """The mean of an engine's results over the eight flips and quarter turns of a window.

    It takes eight times as long. In nadir imagery all eight orientations are equally likely.

    Tiles stay exact: the mean is that of the network run over the eight images of the whole frame.
    The frame is filled to a multiple of the stride, and cores begin and end on such multiples,
    counted from either end of the frame. The halo is the largest of all sides and directions, so
    that windows contain what a turned core depends on.
    """

    def __init__(self, engine: Engine):
        self._engine = engine
        self.prepares_each_size = engine.prepares_each_size

    def prepare(self, shape: tuple[int, int, int]) -> None:
        """See `Engine.prepare`; the first window computed is not turned."""
        self._engine.prepare(shape)

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Class probabilities and features, see `Engine`."""
        images = [(turns, mirrored) for turns in QUARTER_TURNS for mirrored in (False, True)]
        results = (self._result(values, *image) for image in images)
        return reduce(np.add, results) / np.float32(len(images))

    def _result(self, values: np.ndarray, turns: int, mirrored: bool) -> np.ndarray:
        """The result for the turned window, turned back."""
        image = np.rot90(np.fliplr(values) if mirrored else values, turns)
        result = np.rot90(self._engine(by_layers(image)), -turns)
        return np.fliplr(result) if mirrored else result
