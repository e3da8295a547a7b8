# SPDX-License-Identifier: GPL-2.0-or-later
"""Bands read ahead by several processes, for a GPU that computes faster than one process reads.

GRASS's C library reads in one thread of a process. A processor has no core to spare for this: there
the process that computes reads, too.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import numpy as np

from ..core.readers import RowReader, empty_layers
from ..runtime.workers import Workers
from .band_matching import AdjustedReader, Adjustment
from .protocols import BandInputs, Cells

MOST_READERS = 8
"""Processes that read if `nprocs` does not say how many."""

CHUNK_CELLS = 1 << 20
"""Cells that a process reads at a time; each has read one chunk ahead."""

Chunk = tuple[int, int]
"""First row and number of rows."""


class ReadAhead:
    """Reads rows from north to south by several processes; use as a context manager.

    Args:
        inputs: The bands.
        cells: The window of the region that is read.
        adjustment: Of the bands, if they are adjusted.
        nprocs: How many processes; 0 for one for each core, up to `MOST_READERS`.
    """

    def __init__(
        self, inputs: BandInputs, cells: Cells, adjustment: Adjustment | None, nprocs: int
    ):
        self._work = _ReadChunks(inputs, cells, adjustment)
        self._nprocs = nprocs or min(os.cpu_count() or 1, MOST_READERS)
        self._cleanup = ExitStack()
        self._workers: Workers | None = None
        self._last: _Ahead | None = None

    def __enter__(self) -> ReadAhead:
        return self

    def __exit__(self, *_: object) -> None:
        self._cleanup.close()

    def rows(self, reader: RowReader, start: int, stop: int) -> RowReader:
        """A reader of rows `start` to `stop`, each of which must be read once, in their order.

        Args:
            reader: Reads all rows in this process; it is returned if there are no others.
        """
        if self._nprocs == 1:
            return reader
        if self._last and not self._last.is_finished:
            # After an error: the processes are still sending rows.
            self._cleanup.close()
            self._workers = None
        # Not before: where others compute, nothing is read here.
        if self._workers is None:
            self._workers = self._cleanup.enter_context(Workers(self._nprocs))
        height = max(1, CHUNK_CELLS // reader.cols)
        chunks = [(row, min(height, stop - row)) for row in range(start, stop, height)]
        self._last = _Ahead(reader, self._workers.run_in_order(self._work, chunks), start, stop)
        return self._last


class _Ahead:
    """A `RowReader` of rows that are read once each, from chunks of rows."""

    def __init__(
        self,
        reader: RowReader,
        chunks: Iterator[tuple[np.ndarray, np.ndarray]],
        start: int,
        stop: int,
    ):
        self.rows, self.cols, self.dtype = reader.rows, reader.cols, reader.dtype
        self._chunks, self._next, self._stop = chunks, start, stop
        self._values, self._null = np.empty((0, 0, 0)), np.empty((0, 0), bool)

    @property
    def is_finished(self) -> bool:
        """Whether all rows were read."""
        return self._next == self._stop

    def read(self, row: int, rows: int) -> tuple[np.ndarray, np.ndarray]:
        """See `RowReader.read`."""
        assert row == self._next
        parts = []
        missing = rows
        while missing:
            if not len(self._null):
                self._receive()
            parts.append((self._values[:missing], self._null[:missing]))
            self._values, self._null = self._values[missing:], self._null[missing:]
            missing -= len(parts[-1][1])
        values, null = zip(*parts, strict=True)
        self._next += rows
        joined = empty_layers((rows, *values[0].shape[1:]), self.dtype)
        return np.concatenate(values, out=joined), np.concatenate(null)

    def _receive(self) -> None:
        values, self._null = next(self._chunks)
        self._values = np.moveaxis(values, 0, -1)
        # The reader of one process may have widened its dtype, and that of another not.
        self.dtype = np.promote_types(self.dtype, values.dtype)


class _ReadChunks:
    """The work of a process: a `runtime.workers.Work`."""

    def __init__(self, inputs: BandInputs, cells: Cells, adjustment: Adjustment | None):
        self._given = inputs, cells, adjustment
        self._reader: RowReader | None = None

    def read(self, chunk: Chunk) -> tuple[np.ndarray, np.ndarray]:
        """Read a chunk."""
        if self._reader is None:
            self._reader = self._opened()
        return self._reader.read(*chunk)

    def _opened(self) -> RowReader:
        inputs, cells, adjustment = self._given
        # The maps are closed by the end of the process.
        reader: Any = inputs.open(cells).__enter__()
        if adjustment:
            reader = AdjustedReader(reader, adjustment)
        return reader

    def write(
        self, chunk: Chunk, data: tuple[np.ndarray, np.ndarray]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Bring the bands into the order (bands, rows, cols) in which they are sent fastest."""
        values, null = data
        return np.ascontiguousarray(np.moveaxis(values, -1, 0)), null
