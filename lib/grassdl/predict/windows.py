# SPDX-License-Identifier: GPL-2.0-or-later
"""The windows of a tiling: read, filled where there are no data, and computed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..bands import BandReader
from .engines import Engine
from .tiles import Axis, Core


@dataclass(frozen=True)
class Windows:
    """Computes the windows of a tiling.

    Attributes:
        reader: The bands of the cells `rows.input` by `cols.input`.
        engine: Computes the network.
        fill: Value of every band that stands for NULL and fills the frame, (bands,) float32.
        rows, cols: The tiling, as `tiles` plans it.
    """

    reader: BandReader
    engine: Engine
    fill: np.ndarray
    rows: Axis
    cols: Axis

    def read(self, step: Core) -> tuple[np.ndarray, np.ndarray]:
        """Read the rows of a step's window that the frame has, in all columns of the input.

        Returns:
            Values (rows, cols, bands) float32, NULL filled, and the NULL mask (rows, cols).
        """
        present = step.window.clipped(self.rows.frame)
        values, null = self.reader.read(present.start - self.rows.input.start, len(present))
        values = values.astype(np.float32, copy=False)
        values[null] = self.fill
        return values, null

    def compute(self, values: np.ndarray, step: Core, tile: Core) -> np.ndarray:
        """Class probabilities (rows, cols, classes) of a window, out of the values of its step."""
        present = tile.window.clipped(self.cols.frame)
        window = values[:, present.relative_to(self.cols.input.start)]
        missing = (len(step.window) - window.shape[0], len(tile.window) - window.shape[1])
        return self.engine(self._filled(window, missing) if any(missing) else window)

    def _filled(self, window: np.ndarray, missing: tuple[int, int]) -> np.ndarray:
        """The window with rows below and columns to the right that the stride needs."""
        rows, cols, bands = window.shape
        whole = np.empty((rows + missing[0], cols + missing[1], bands), np.float32)
        whole[:] = self.fill
        whole[:rows, :cols] = window
        return whole
