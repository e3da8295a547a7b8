# SPDX-License-Identifier: GPL-2.0-or-later
"""The interface that turns the engine's results into rows of the output, for every target."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator
from typing import Any, Protocol

import numpy as np


class CellBand(Protocol):
    """Rows of the output."""

    null: np.ndarray
    """Cells without data (rows, cols)."""


RowBands = Generator[Any, None, None]
"""Row bands, each a `CellBand`, from north to south, computed on demand; closing it ends the
computation."""


class CellDecision(ABC):
    """Turns results of cells into row bands."""

    @property
    @abstractmethod
    def layers(self) -> int:
        """Values that the engine gives for a cell."""

    @property
    @abstractmethod
    def features(self) -> int:
        """Number of features among them."""

    @property
    def cell_bytes(self) -> int:
        """Memory in bytes that a cell of a row band takes."""
        parts = vars(self.empty(1, 1)).values()
        return sum(part.nbytes for part in parts if part is not None)

    @abstractmethod
    def empty(self, rows: int, cols: int) -> Any:
        """Rows that are NULL throughout, as a `CellBand`."""

    def empty_bands(self, rows: int, cols: int, height: int) -> RowBands:
        """Rows that are NULL throughout, in bands of at most `height` rows."""
        for first in range(0, rows, height):
            yield self.empty(min(height, rows - first), cols)

    @abstractmethod
    def blended(self, result: np.ndarray) -> None:
        """Correct rounding errors of weighted means (rows, cols, layers), in place."""

    @abstractmethod
    def decide(
        self, band: Any, place: tuple[slice, slice], result: np.ndarray, null: np.ndarray
    ) -> None:
        """Put a part of a row band into its place.

        Args:
            band: The row band.
            place: Rows and columns of the part.
            result: What the engine gives (rows, cols, layers) float32; of any value where `null`.
            null: Cells without data (rows, cols).
        """
