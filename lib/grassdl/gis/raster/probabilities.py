# SPDX-License-Identifier: GPL-2.0-or-later
"""Reading class probabilities that an earlier run wrote."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ...core.readers import check_probabilities, empty_layers
from .info import probability_maps
from .rows import MapRows


class ProbabilityRows:
    """Reads the maps PREFIX_VALUE of class probabilities in the process's region, as a
    `grassdl.core.readers.RowReader`.

    Args:
        prefix: Their prefix, with `@mapset` or without.
        values: Class values in the order of the classes.

    Attributes:
        names: Fully qualified names of the maps.

    Raises:
        ValueError: One of the maps is missing.
    """

    dtype = np.dtype(np.float32)

    def __init__(self, prefix: str, values: Iterable[int]):
        self.names = probability_maps(prefix, values)
        self._maps = [MapRows(name) for name in self.names]
        self.rows, self.cols = self._maps[0].rows, self._maps[0].cols

    def read(self, row: int, rows: int) -> tuple[np.ndarray, np.ndarray]:
        """Probabilities (rows, cols, classes) float32, and cells that are NULL in a map.

        Raises:
            ValueError: A map holds values that are no probabilities.
        """
        probabilities = empty_layers((rows, self.cols, len(self._maps)), np.float32)
        null = np.zeros((rows, self.cols), bool)
        for place, one in enumerate(self._maps):
            values, missing = one.read(row, rows)
            check_probabilities(values[~missing])
            probabilities[..., place] = values
            null |= missing
        return probabilities, null

    def close(self) -> None:
        """Close the maps."""
        for one in self._maps:
            one.close()
