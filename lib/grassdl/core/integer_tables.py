# SPDX-License-Identifier: GPL-2.0-or-later
"""Lookup tables of integers, many times faster than sorting or searching: the distinct ones, and
the code of each."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import numpy as np

SPARSE = 4
"""Integers whose range is more than this times their number are sorted, others looked up in a
table."""

WIDEST_TABLE = 1 << 20
"""Largest range of values whose codes are looked up in a table."""


def distinct(values: np.ndarray) -> np.ndarray:
    """The distinct integers (int64, ascending) among some, of any shape."""
    table = _occurring(values)
    if table is None:
        return np.unique(values).astype(np.int64)
    lowest, _, found = table
    return found + lowest


def distinct_places(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The distinct integers (int64, ascending) among some (n,), and the index of each among them.

    The ids of neighbouring segments are mostly close to each other, so that a table suffices.
    """
    table = _occurring(values)
    if table is None:
        found, places = np.unique(values, return_inverse=True)
        return found.astype(np.int64), places
    lowest, offset, found = table
    if not len(found):
        return found, np.zeros(0, np.int64)
    places = np.empty(found[-1] + 1, np.int64)
    places[found] = np.arange(len(found))
    return found + lowest, places[offset]


def _occurring(values: np.ndarray) -> tuple[int, np.ndarray, np.ndarray] | None:
    """An offset, the integers minus the offset, and the distinct ones of these; None if their range
    is too large for a table."""
    if not values.size:
        return 0, values, np.zeros(0, np.int64)
    if values.dtype in (np.uint8, np.uint16):
        lowest, span, offset = 0, np.iinfo(values.dtype).max + 1, values
    else:
        lowest = int(values.min())
        span = int(values.max()) - lowest + 1
        if span > SPARSE * values.size:
            return None
        # The dtype of the values may be too small for their differences.
        offset = values.astype(np.int64) - lowest
    seen = np.zeros(span, bool)
    seen[offset] = True
    return lowest, offset, np.flatnonzero(seen)


class CodeTable:
    """Codes of integers: each of some known values has its own, all others have the same.

    Args:
        code_of: Code by known value; values are of int32.
        otherwise: Code of all other values.
        dtype: Type of the codes.
    """

    def __init__(
        self, code_of: Mapping[int, int], otherwise: int, dtype: np.dtype | type = np.uint8
    ):
        values = sorted(code_of)
        self._values = np.array(values, np.int64)
        # The last entry is that of all other values.
        self._codes = np.array([*(code_of[value] for value in values), otherwise], dtype)

    def encode(self, values: np.ndarray) -> np.ndarray:
        """The codes of values of any shape; a table is used for int32, the type of maps."""
        if values.dtype == np.int32 and self._table is not None:
            last = len(self._table) - 1
            # As unsigned numbers those below the lowest are above the highest.
            places = (values - self._lowest).view(np.uint32)
            np.minimum(places, last, out=places)
            if not self._counts_up:
                return self._table.take(places)
            # Twice as fast as a lookup.
            codes = places.astype(self._codes.dtype)
            codes[places == last] = self._codes[-1]
            return codes
        if not len(self._values):
            return np.full(values.shape, self._codes[-1])
        place = np.minimum(np.searchsorted(self._values, values), len(self._values) - 1)
        return self._codes[np.where(self._values[place] == values, place, -1)]

    @cached_property
    def _counts_up(self) -> bool:
        """Whether the codes of the table are its indices."""
        places = np.arange(len(self._values))
        values = self._values - self._lowest
        return np.array_equal(values, places) and np.array_equal(self._codes[:-1], places)

    @property
    def _lowest(self) -> np.int32:
        return np.int32(self._values[0] if len(self._values) else 0)

    @cached_property
    def _table(self) -> np.ndarray | None:
        """Codes from the lowest value to one above the highest, or None if they are too many."""
        offset = self._values - self._lowest
        size = int(offset[-1]) + 1 if len(offset) else 0
        if size > WIDEST_TABLE:
            return None
        table = np.full(size + 1, self._codes[-1])
        table[offset] = self._codes[:-1]
        return table
