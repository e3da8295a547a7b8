# SPDX-License-Identifier: GPL-2.0-or-later
"""The windows of a tiling: read, filled where there are no data, and computed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ...core.readers import RowReader, empty_layers
from ..engines.keras_engine import Engine
from ..tiling.axis import Axis, Core, Span
from .prefetch import computed
from .row_buffer import RowBuffer

RowsOf = Callable[[RowReader, int, int], RowReader]
"""Gives a reader of rows from the second to the third argument, each read once and in order."""

NeededPart = Callable[[Core], Span]
"""The part of a step that its window is computed for, where it lies within the frame's output."""


@dataclass(frozen=True)
class Tile:
    """One window of a tiling.

    Attributes:
        step: Its rows.
        across: Its columns.
        null: NULL mask of the rows of the step's window that the frame has, in all columns of the
            input.
        is_last: Whether it is the last of its step.
    """

    step: Core
    across: Core
    null: np.ndarray
    is_last: bool


@dataclass(frozen=True)
class Windows:
    """Computes the windows of a tiling.

    Attributes:
        reader: The bands of the cells `rows.input` by `cols.input`.
        engine: Computes the network.
        fill: Value of every band that replaces NULL and pads the frame, (bands,) float32.
        rows, cols: The tiling, as `tiling.axis` plans it.
        rows_of: Replaces the reader while windows are computed; None to use it itself.
    """

    reader: RowReader
    engine: Engine
    fill: np.ndarray
    rows: Axis
    cols: Axis
    rows_of: RowsOf | None = None

    def computed(
        self, first: int, end: int, needed: NeededPart
    ) -> Iterator[tuple[Tile, np.ndarray | None]]:
        """Compute the windows of some steps, row by row, from left to right.

        Args:
            first, end: Number of the first step, and of the one after the last.
            needed: The part of a step; a window is computed if a cell of it has data.

        Yields:
            Every tile with its result (rows, cols, layers), as `Engine` gives it, or None where all
            of the needed part is NULL.
        """
        shape = self._shape(self.rows.cores[first], self.cols.cores[0])
        tiles = self._tiles(self.rows.cores[first:end], needed)
        # The windows of a step are grouped by themselves: so they are in the same group, and have
        # the same result to the last bit, wherever a run begins.
        number = self._at_once(shape)
        return computed(self.engine, shape, tiles, number, lambda tile: tile.is_last)

    def _at_once(self, shape: tuple[int, int, int]) -> int:
        """How many windows are computed at once, such that the groups of a step are about equal."""
        tiles = len(self.cols.cores)
        groups = -(-tiles // self.engine.at_once(shape))
        return -(-tiles // groups)

    def _shape(self, step: Core, across: Core) -> tuple[int, int, int]:
        """Rows, columns and bands of a window."""
        return len(step.window), len(across.window), len(self.fill)

    def _tiles(
        self, steps: Sequence[Core], needed: NeededPart
    ) -> Iterator[tuple[Tile, np.ndarray | None]]:
        """The tiles of some steps with the values of their windows, or None where NULL."""
        inside = [step.window.clipped(self.rows.frame) for step in steps]
        reader, top = self.reader, self.rows.input.start
        if self.rows_of:
            reader = self.rows_of(reader, inside[0].start - top, inside[-1].stop - top)
        buffer = RowBuffer(reader, len(self.fill), self.rows.longest_window)
        for step, present in zip(steps, inside, strict=True):
            values, null = buffer.read(present.start - top, len(present))
            null = null.copy()
            rows = needed(step).clipped(self.rows.wanted).relative_to(present.start)
            for tile in self.cols.cores:
                cols = needed(tile).clipped(self.cols.wanted).relative_to(self.cols.input.start)
                job = Tile(step, tile, null, tile is self.cols.cores[-1])
                is_empty = null[rows, cols].all()
                yield job, None if is_empty else self._filled(values, job)

    def _filled(self, values: np.ndarray, tile: Tile) -> np.ndarray:
        """The window of a tile (rows, cols, bands) float32, out of the values of its step.

        NULL is filled, and so are rows below and columns to the right that the stride needs.
        """
        present = tile.across.window.clipped(self.cols.frame)
        cols = present.relative_to(self.cols.input.start)
        whole = empty_layers(self._shape(tile.step, tile.across), np.float32)
        inside = whole[: len(values), : len(present)]
        inside[:] = values[:, cols]
        np.copyto(inside, self.fill, where=tile.null[:, cols, None])
        whole[len(values) :] = self.fill
        whole[: len(values), len(present) :] = self.fill
        return whole
