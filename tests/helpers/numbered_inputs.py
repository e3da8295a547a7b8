# SPDX-License-Identifier: GPL-2.0-or-later
"""Bands whose cells hold their row and column; other processes open them, too."""

from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np

from grassdl.core.readers import empty_layers


class NumberedRows:
    """A row reader, whose dtype is widened where it does not hold a row's number.

    Cells on a diagonal are NULL.
    """

    def __init__(self, rows, cols):
        self.rows, self.cols, self.dtype = rows, cols, np.dtype(np.uint8)

    def read(self, row, rows):
        assert 0 <= row < row + rows <= self.rows
        numbers = np.arange(row, row + rows)[:, None]
        if numbers.max() > 255:
            self.dtype = np.dtype(np.int32)
        values = empty_layers((rows, self.cols, 2), self.dtype)
        values[..., 0], values[..., 1] = numbers, np.arange(self.cols)
        return values, (numbers + np.arange(self.cols)) % 7 == 0


class NumberedInputs:
    """The inputs of a prediction, without GRASS."""

    dtype = np.dtype(np.uint8)

    def __init__(self, rows, cols):
        self.region = SimpleNamespace(rows=rows, cols=cols, nsres=1.0, ewres=1.0)
        self.frame = 0, rows, 0, cols

    @contextmanager
    def open(self, cells):
        _, rows, _, cols = cells
        yield NumberedRows(rows, cols)


class BrokenInputs:
    """Inputs that cannot be read."""

    def open(self, cells):
        raise ValueError("no such map")
