# SPDX-License-Identifier: GPL-2.0-or-later
"""Test-time augmentation: results for flips and quarter turns of a window are averaged."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...core.readers import by_layers
from .keras_engine import Engine

IMAGES = [(turns, mirrored) for turns in range(4) for mirrored in (False, True)]
"""Quarter turns of a window, each as it is and mirrored."""


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

    def at_once(self, shape: tuple[int, ...]) -> int:
        """See `Engine.at_once`."""
        return self._engine.at_once(shape)

    def prepare(self, shape: tuple[int, int, int]) -> None:
        """See `Engine.prepare`; the first window computed is not turned."""
        self._engine.prepare(shape)

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Class probabilities and features, see `Engine`."""
        return self.several([values], 1)[0]

    def several(self, windows: Sequence[np.ndarray], number: int) -> list[np.ndarray]:
        """See `Engine.several`."""
        first, *others = IMAGES
        sums = self._results(windows, number, *first)
        for image in others:
            results = self._results(windows, number, *image)
            sums = [sum_ + one for sum_, one in zip(sums, results, strict=True)]
        return [one / np.float32(len(IMAGES)) for one in sums]

    def _results(
        self, windows: Sequence[np.ndarray], number: int, turns: int, mirrored: bool
    ) -> list[np.ndarray]:
        """The results for the turned windows, turned back."""
        images = [np.rot90(np.fliplr(one) if mirrored else one, turns) for one in windows]
        results = self._engine.several([by_layers(one) for one in images], number)
        back = [np.rot90(one, -turns) for one in results]
        return [np.fliplr(one) for one in back] if mirrored else back
