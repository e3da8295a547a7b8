# SPDX-License-Identifier: GPL-2.0-or-later
"""A buffer of rows for windows that move down; each row is read once."""

from __future__ import annotations

import numpy as np

from ...core.readers import RowReader, by_layers, empty_layers

PIECE_CELLS = 500_000
"""Cells that are read at once: reading takes several times their memory."""


class RowBuffer:
    """The rows of a window; as it moves down, its upper rows are replaced by new ones.

    Args:
        reader: The bands.
        bands: Their number.
        most: Rows of the longest window.
    """

    def __init__(self, reader: RowReader, bands: int, most: int):
        self._reader = reader
        self._values = empty_layers((most, reader.cols, bands), reader.dtype)
        self._null = np.empty((most, reader.cols), bool)
        self._start = self._stop = 0
        self._piece = max(1, PIECE_CELLS // reader.cols)

    def read(self, start: int, rows: int) -> tuple[np.ndarray, np.ndarray]:
        """Rows `start` to `start + rows` of the reader, `start` never below an earlier one.

        Returns:
            Values (rows, cols, bands), 0 where NULL, and the NULL mask (rows, cols). The arrays
            are valid until the next call.
        """
        self._leave(start)
        for row in range(self._stop, start + rows, self._piece):
            count = min(self._piece, start + rows - row)
            place = slice(row - start, row - start + count)
            values, self._null[place] = self._reader.read(row, count)
            if values.dtype != self._values.dtype:
                # The reader has widened its dtype.
                self._values = by_layers(self._values.astype(values.dtype))
            self._values[place] = values
        self._stop = max(self._stop, start + rows)
        return self._values[:rows], self._null[:rows]

    def _leave(self, start: int) -> None:
        """Move the rows from `start` on to the beginning of the buffer."""
        shift, kept = start - self._start, max(0, self._stop - start)
        for held in (*np.moveaxis(self._values, -1, 0), self._null):
            # Layer by layer, in pieces that do not overlap, or NumPy would copy them first.
            for row in range(0, kept if shift else 0, max(shift, 1)):
                count = min(shift, kept - row)
                held[row : row + count] = held[row + shift : row + shift + count]
        self._start, self._stop = start, start + kept
