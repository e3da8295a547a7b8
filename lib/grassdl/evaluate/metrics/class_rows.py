# SPDX-License-Identifier: GPL-2.0-or-later
"""Cells of class maps, strip by strip, as class codes: 0 for no class, then the classes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

import numpy as np

from ...core.classes import MAX_CLASSES, MAX_VALUE
from ...core.integer_tables import CodeTable, distinct
from ...core.readers import RowReader

NO_CLASS = 0
"""Code of a cell that is NULL, masked, or of a value that is no class."""

STRIP_CELLS = 1 << 20
"""Cells that are read at a time: some megabytes of every map."""


class ClassCodes:
    """Assigns class codes from 1 on, in the order in which values occur.

    Args:
        values: Values to number first, in this order.
        fixed: Whether other values are no class, instead of further classes.
    """

    def __init__(self, values: Iterable[int] = (), fixed: bool = False):
        self.values: list[int] = []
        self._fixed = fixed
        self._number(values)

    def encode(self, cells: np.ndarray, null: np.ndarray, name: str) -> np.ndarray:
        """The codes (uint8) of the values of a map.

        Args:
            cells: Values, any shape.
            null: Which of them are NULL, same shape.
            name: Name of the map, for the message.

        Raises:
            ValueError: A value is no class value, or there are too many of them.
        """
        codes = self._table.encode(cells)
        codes[null] = NO_CLASS
        if self._fixed:
            return codes
        unknown = (codes == NO_CLASS) & ~null
        if unknown.any():
            self._learn(distinct(cells[unknown]), name)
            codes[unknown] = self._table.encode(cells[unknown])
        return codes

    def _learn(self, values: np.ndarray, name: str) -> None:
        """Number new values (ascending)."""
        if values[0] < 0:
            raise ValueError(
                f"<{name}> holds the value {values[0]}, class values run from 0 to "
                f"{MAX_VALUE}: set cells without class to NULL (r.null)"
            )
        if len(self.values) + values.size > MAX_CLASSES:
            raise ValueError(
                f"<{name}> holds too many different values, at most {MAX_CLASSES} "
                "classes are possible: is it a class map?"
            )
        self._number(values.tolist())

    def _number(self, values: Iterable[int]) -> None:
        self.values += values
        code_of = {value: code for code, value in enumerate(self.values, start=1)}
        self._table = CodeTable(code_of, NO_CLASS)


class CodedRows(Protocol):
    """Rows of several maps of the region as codes."""

    rows: int
    cols: int

    def read(self, row: int, rows: int) -> list[np.ndarray]:
        """The codes (rows, cols) of each map, 0 in all of them where one has no class."""


class ClassRows:
    """Rows of several maps as codes, whose cells count only where all maps have a class.

    Args:
        readers: One for each map; all on the region's grid.
        values: The class values; other values are no class.
    """

    def __init__(self, readers: Sequence[RowReader], values: Iterable[int]):
        self._readers = list(readers)
        self._codes = ClassCodes(values, fixed=True)
        self.rows, self.cols = readers[0].rows, readers[0].cols

    def read(self, row: int, rows: int) -> list[np.ndarray]:
        """The codes (rows, cols) of each map, 0 in all of them where one has no class."""
        coded = [self._codes.encode(*reader.read(row, rows), "") for reader in self._readers]
        valid = np.logical_and.reduce([codes != NO_CLASS for codes in coded])
        return [np.where(valid, codes, np.uint8(NO_CLASS)) for codes in coded]


def strips(rows: int, cols: int, within: int | None = None) -> Iterator[tuple[int, int]]:
    """First row and number of rows of strips that cover a region from top to bottom.

    Args:
        rows: Rows of the region.
        cols: Columns of the region.
        within: A strip begins at every multiple of this, so that it lies in one row of blocks.
    """
    most = max(1, STRIP_CELLS // cols)
    row = 0
    while row < rows:
        last = rows if within is None else min(rows, (row // within + 1) * within)
        count = min(most, last - row)
        yield row, count
        row += count
