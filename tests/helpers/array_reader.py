# SPDX-License-Identifier: GPL-2.0-or-later
"""Bands and labels that lie in memory, for tests without GRASS."""

import numpy as np

from grassdl.core.label_codes import CLASS_CODES


class ArrayBands:
    """A band reader over an array (rows, cols, bands), which is 0 where its mask says NULL.

    Reads are noted in `reads`.
    """

    cell_bytes = 8

    def __init__(self, values, null):
        self.values, self.null_cells = values, null
        self.rows, self.cols = null.shape
        self.dtype = values.dtype
        self.reads = []

    def read(self, row, rows):
        assert 0 <= row < row + rows <= self.rows
        self.reads.append((row, rows))
        return self.values[row : row + rows].copy(), self.scan(row, rows)[0]

    def planes(self, row, rows):
        assert 0 <= row < row + rows <= self.rows
        self.reads.append((row, rows))
        return {"all": self.values[row : row + rows].copy()}

    def stack(self, planes, null):
        assert planes["all"].shape[:2] == null.shape
        return planes["all"]

    def learn(self, found):
        assert found == {}

    def scan(self, row, rows):
        return self.null_cells[row : row + rows].copy(), {}


class ArrayLabels:
    """A reader of codes over an array; reads are noted in `reads`."""

    coding = CLASS_CODES

    def __init__(self, codes):
        self.codes = codes
        self.rows, self.cols = codes.shape
        self.reads = []

    def read(self, row, rows):
        assert 0 <= row < row + rows <= self.rows
        self.reads.append((row, rows))
        return np.ascontiguousarray(self.codes[row : row + rows])


class ArrayStrata(ArrayLabels):
    """A reader of strata over an array, the categories of a map ten times their codes."""

    categories = range(0, 10 * 65535, 10)
