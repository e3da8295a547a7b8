# SPDX-License-Identifier: GPL-2.0-or-later
"""Interfaces from which the steps read rows of maps, and the memory layout of arrays of layers.

There is one convention for NULL: `read` gives the values and, as a second array, the mask (rows,
cols) of the cells that are NULL. The values there are undefined, unless a reader states otherwise.
How GRASS marks NULL in its rows is handled in `grassdl.gis` only.

Readers of codes give one array, since every cell has a code: that of its class or stratum, or one
of those that `core.classes` defines for cells without (`UNLABELLED_INDEX`, `NULL_INDEX`,
`NO_STRATUM`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from .label_codes import LabelCodes


class RowReader(Protocol):
    """A map on a grid, or several of the same grid as layers, some rows at a time."""

    rows: int
    cols: int
    dtype: np.dtype

    def read(self, row: int, rows: int) -> tuple[np.ndarray, np.ndarray]:
        """Rows `row` to `row + rows` as values of `dtype`, (rows, cols) of a single map and (rows,
        cols, layers) of several, and the mask (rows, cols) of cells that are NULL in one of them.

        Bands are 0 where NULL.
        """


class NullReader(Protocol):
    """The mask of a map or of several alone, which may take less time to read."""

    def null(self, row: int, rows: int) -> np.ndarray:
        """Which cells (rows, cols) of rows `row` to `row + rows` are NULL in one of the maps."""


class CellSet(Protocol):
    """A subset of the cells of a grid."""

    def contains(self, row: int, rows: int) -> np.ndarray:
        """Which cells (rows, cols) of rows `row` to `row + rows` are among them."""


class RowsWithin:
    """A `RowReader` whose cells are NULL outside a set of cells.

    Args:
        reader: The map.
        inside: The cells that keep their values.
    """

    def __init__(self, reader: RowReader, inside: CellSet):
        self._reader, self._inside = reader, inside
        self.rows, self.cols, self.dtype = reader.rows, reader.cols, reader.dtype

    def read(self, row: int, rows: int) -> tuple[np.ndarray, np.ndarray]:
        """See `RowReader.read`."""
        values, null = self._reader.read(row, rows)
        return values, null | ~self._inside.contains(row, rows)


class CodeReader(Protocol):
    """Codes of the cells of a grid, some rows at a time."""

    @property
    def rows(self) -> int:
        """Number of rows."""

    @property
    def cols(self) -> int:
        """Number of columns."""

    def read(self, row: int, rows: int) -> np.ndarray:
        """Codes (rows, cols), uint8 or uint16, of rows `row` to `row + rows`."""


class ObjectReader(Protocol):
    """Numbered objects on a grid, each of a class, some rows at a time."""

    def read(self, row: int, rows: int) -> np.ndarray:
        """Number of each cell's object (rows, cols) from 1 on, 0 for none."""

    def are_of(self, numbers: np.ndarray, value: int) -> np.ndarray:
        """Which cells (rows, cols) of numbers belong to objects of a class value."""


class LabelReader(CodeReader, Protocol):
    """Labels of the cells of a grid: class codes or values."""

    @property
    def coding(self) -> LabelCodes:
        """How the labels are stored in what is read."""


class StratumReader(CodeReader, Protocol):
    """Stratum 0, 1, ... of every cell, NO_STRATUM for none."""

    @property
    def categories(self) -> Sequence[int | str]:
        """The category, or the name, of each stratum."""


class BandReader(RowReader, NullReader, Protocol):
    """The interface of exports, which also read the mask alone, and bands in two steps."""

    cell_bytes: int
    """Bytes of memory per cell while it is read, all bands together."""

    def scan(self, row: int, rows: int) -> tuple[np.ndarray, dict[str, tuple[int, int]]]:
        """The mask alone, which may take less time, and the lowest and highest value, if there is
        one, by name of each integer map whose metadata do not give its range reliably."""

    def learn(self, found: dict[str, tuple[int, int]]) -> None:
        """Use the ranges that `scan` found in all rows; `dtype` may be smaller from now on."""

    def planes(self, row: int, rows: int) -> dict[str, np.ndarray]:
        """The source maps of these rows, unchanged, for `stack`."""

    def stack(self, planes: dict[str, np.ndarray], null: np.ndarray) -> np.ndarray:
        """The values (rows, cols, bands) of planes whose mask is known; in any thread."""


def empty_layers(shape: tuple[int, int, int], dtype: np.dtype | type) -> np.ndarray:
    """An array (rows, cols, layers) without values, with each layer contiguous in memory.

    Use it for what is read, compared or written layer by layer: up to three times as fast as with
    the layers of a cell side by side.
    """
    rows, cols, layers = shape
    return np.moveaxis(np.empty((layers, rows, cols), dtype), 0, -1)


def zero_layers(shape: tuple[int, int, int], dtype: np.dtype | type) -> np.ndarray:
    """An array like that of `empty_layers`, of zeros."""
    rows, cols, layers = shape
    return np.moveaxis(np.zeros((layers, rows, cols), dtype), 0, -1)


def by_layers(values: np.ndarray) -> np.ndarray:
    """Values (rows, cols, layers) with each layer contiguous in memory; a copy if they are stored
    otherwise."""
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(values, -1, 0)), 0, -1)


def check_probabilities(values: np.ndarray) -> None:
    """Refuse what cannot be probabilities.

    Args:
        values: Of any shape, also empty; rounding may put them a little beyond their bounds.

    Raises:
        ValueError: One is below 0, above 1 or no number.
    """
    if values.size and not (values.min() >= -1e-5 and values.max() <= 1 + 1e-5):
        raise ValueError(
            f"Probabilities run from 0 to 1, found {values.min():g} to {values.max():g}: give "
            "the prefix of maps of probabilities"
        )
