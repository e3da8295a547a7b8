# SPDX-License-Identifier: GPL-2.0-or-later
"""The class map, one band of rows after the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..bands import BandReader
from .engines import Engine
from .tiles import Axis, Core


@dataclass
class RowBand:
    """Rows of the output.

    Attributes:
        null: Cells without class (rows, cols).
        index: Class index (rows, cols) uint8, 0 where `null`.
        confidence: Highest probability (rows, cols) float32, 0 where `null`.
        probabilities: Probability of every class (rows, cols, classes) float32, or None.
    """

    null: np.ndarray
    index: np.ndarray
    confidence: np.ndarray
    probabilities: np.ndarray | None

    @classmethod
    def empty(cls, rows: int, cols: int, classes: int | None) -> RowBand:
        """Rows that are NULL throughout; with probabilities if `classes` says how many."""
        return cls(
            null=np.ones((rows, cols), bool),
            index=np.zeros((rows, cols), np.uint8),
            confidence=np.zeros((rows, cols), np.float32),
            probabilities=np.zeros((rows, cols, classes), np.float32) if classes else None,
        )


def row_bands(
    reader: BandReader,
    engine: Engine,
    fill: np.ndarray,
    rows: Axis,
    cols: Axis,
    classes: int,
    with_probabilities: bool,
) -> Iterator[RowBand]:
    """Compute the output from north to south.

    Memory holds the windows of one row of tiles and their results, however many rows there are.

    Args:
        reader: The bands of the cells `rows.input` by `cols.input`.
        engine: Computes the network.
        fill: Value of every band that stands for NULL and fills the frame, (bands,) float32.
        rows, cols: The tiling, as `tiles.plan_axis` makes it.
        classes: Number of classes.
        with_probabilities: Whether to keep the probabilities of all classes.

    Yields:
        Row bands that follow each other and cover `rows.output` by `cols.output`.
    """
    kept = classes if with_probabilities else None
    width = len(cols.output)
    done = rows.output.start
    for step in rows.cores:
        covered = step.core.clipped(rows.output)
        yield from _beyond_the_maps(covered.start - done, step, width, kept)
        band = RowBand.empty(len(covered), width, kept)
        values, null = _read_window(reader, fill, rows, step)
        for tile in cols.cores:
            _compute_tile(band, values, null, engine, fill, (rows, step), (cols, tile))
        yield band
        done = covered.stop
    yield from _beyond_the_maps(rows.output.stop - done, rows.cores[0], width, kept)


def _beyond_the_maps(rows: int, step: Core, cols: int, classes: int | None) -> Iterator[RowBand]:
    """Rows without any data, in bands no higher than those of a tile."""
    height = len(step.core)
    for first in range(0, rows, height):
        yield RowBand.empty(min(height, rows - first), cols, classes)


def _read_window(
    reader: BandReader, fill: np.ndarray, rows: Axis, step: Core
) -> tuple[np.ndarray, np.ndarray]:
    """Values and NULL mask of the rows of a window that the frame has, NULL filled."""
    present = step.window.clipped(rows.frame)
    values, null = reader.read(present.start - rows.input.start, len(present))
    values = values.astype(np.float32, copy=False)
    values[null] = fill
    return values, null


def _compute_tile(
    band: RowBand,
    values: np.ndarray,
    null: np.ndarray,
    engine: Engine,
    fill: np.ndarray,
    along_rows: tuple[Axis, Core],
    along_cols: tuple[Axis, Core],
) -> None:
    """Compute one tile into its place in the row band, unless it holds nothing but NULL."""
    (rows, step), (cols, tile) = along_rows, along_cols
    covered = step.core.clipped(rows.output).clipped(rows.frame)
    across = tile.core.clipped(cols.output).clipped(cols.frame)
    core_null = null[covered.relative_to(step.window.start), across.relative_to(cols.input.start)]
    if core_null.all():
        return
    present = tile.window.clipped(cols.frame)
    window = values[:, present.relative_to(cols.input.start)]
    missing = (len(step.window) - window.shape[0], len(tile.window) - window.shape[1])
    if any(missing):
        window = _filled(window, missing, fill)
    result = engine(window)[
        covered.relative_to(step.window.start), across.relative_to(tile.window.start)
    ]
    result[core_null] = 0
    place = (
        covered.relative_to(_first_row(rows, step)),
        across.relative_to(cols.output.start),
    )
    band.null[place] = core_null
    band.index[place] = result.argmax(axis=-1)
    band.confidence[place] = result.max(axis=-1)
    if band.probabilities is not None:
        band.probabilities[place] = result


def _first_row(rows: Axis, step: Core) -> int:
    return step.core.clipped(rows.output).start


def _filled(window: np.ndarray, missing: tuple[int, int], fill: np.ndarray) -> np.ndarray:
    """The window with rows below and columns to the right that the stride needs."""
    rows, cols, bands = window.shape
    whole = np.empty((rows + missing[0], cols + missing[1], bands), np.float32)
    whole[:] = fill
    whole[:rows, :cols] = window
    return whole
