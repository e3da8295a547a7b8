# SPDX-License-Identifier: GPL-2.0-or-later
"""Sums of predicted values and those of a reference, over the cells that both have."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...core.readers import CellSet, RowReader
from ...core.value_accuracy import ALL, FIGURES, SUMS, report, sums_of, sums_of_each
from ...core.values import ValueTarget, range_edges
from .bootstrap import LEVEL, MIN_BLOCKS, REPLICATES, interval, resampled_in_strata
from .class_rows import strips
from .confusion_counts import LeftOut, check_block_size
from .value_strata import Sample

SAMPLED_CELLS = 100_000
"""Cells, evenly spread, from which ranges and pictures are made."""

FEW_SAMPLED = 1000
"""With fewer of these, all cells are looked at: small areas lie between evenly spread cells."""

LEAST_SAMPLED = 2


@dataclass(frozen=True)
class Sampled:
    """Values of cells that are evenly spread over the region.

    Attributes:
        predicted, reference: Of the cells of a coarser grid (rows, cols), NaN where either is NULL.
        pairs: Predicted and reference values (n,) where there are both; where the grid has few of
            them, of cells between its own, too.
    """

    predicted: np.ndarray
    reference: np.ndarray
    pairs: tuple[np.ndarray, np.ndarray]


def sampled(predicted: RowReader, reference: RowReader, names: tuple[str, str]) -> Sampled:
    """Every n-th cell of every n-th row, and more if few of these have both values.

    Args:
        predicted, reference: Rows of the maps.
        names: Their names, for the message.

    Raises:
        ValueError: They have fewer than `LEAST_SAMPLED` cells in common.
    """
    step = max(1, math.isqrt(-(-predicted.rows * predicted.cols // SAMPLED_CELLS)))
    grid = _grid(predicted, reference, step)
    known = np.isfinite(grid[0])
    pairs = grid[0][known], grid[1][known]
    if step > 1 and len(pairs[0]) < FEW_SAMPLED:
        pairs = _pairs(predicted, reference, len(pairs[0]) * step**2)
    if len(pairs[0]) < LEAST_SAMPLED:
        raise ValueError(
            f"<{names[0]}> and <{names[1]}> have {'one cell' if len(pairs[0]) else 'no cells'} in "
            f"common in the current region, at least {LEAST_SAMPLED} are needed: check region, "
            "mask and NULL cells"
        )
    return Sampled(*grid, pairs)


def _grid(predicted: RowReader, reference: RowReader, step: int) -> tuple[np.ndarray, np.ndarray]:
    """Values (rows, cols) of every n-th cell of every n-th row, NaN where either is NULL."""
    rows, cols = predicted.rows, predicted.cols
    first = min(step // 2, rows - 1), min(step // 2, cols - 1)
    lines = []
    for row in range(first[0], rows, step):
        values, null = predicted.read(row, 1)
        others, other_null = reference.read(row, 1)
        missing = null | other_null
        lines.append(
            [np.where(missing, np.nan, one)[0, first[1] :: step] for one in (values, others)]
        )
    values, others = (np.stack(one).astype(np.float64) for one in zip(*lines, strict=True))
    return values, others


def _pairs(
    predicted: RowReader, reference: RowReader, expected: int
) -> tuple[np.ndarray, np.ndarray]:
    """Values (n,) of the cells that have both, thinned if many more are expected than wanted."""
    every = max(1, expected // SAMPLED_CELLS)
    parts = []
    for row, count in strips(predicted.rows, predicted.cols):
        (values, null), (others, other_null) = (
            one.read(row, count) for one in (predicted, reference)
        )
        known = ~(null | other_null)
        parts.append([one[known][::every].astype(np.float64) for one in (values, others)])
    values, others = (np.concatenate(one) for one in zip(*parts, strict=True))
    return values, others


class ValueTally:
    """Sums of cells, as a whole, by range of the reference and by block.

    Args:
        reference: Values of a sample of the reference, from which the ranges are made.
        block_size: Edge of the blocks in cells, for the report; None where each block is a point.
    """

    def __init__(self, reference: np.ndarray, block_size: int | None):
        self.origin = float(reference.mean())
        self._ranges = ValueTarget("", edges=range_edges(reference))
        self._by_range = np.zeros((len(self._ranges.counted), len(SUMS)))
        self._pixels = np.zeros(len(self._by_range), np.int64)
        self._blocks: list[np.ndarray] = []
        self._strata: np.ndarray | None = None
        self._block_size = block_size

    def add_block(self, parts: list[np.ndarray]) -> None:
        """Add the sums of a block, of which each part is what `sums` gives."""
        self._blocks.append(np.sum(parts, axis=0))

    def sums(self, predicted: np.ndarray, reference: np.ndarray) -> np.ndarray:
        """Sums (8,) of some cells (n,), which are added to those of their ranges."""
        codes = self._ranges.counted_codes(reference)
        for code in np.unique(codes):
            own = codes == code
            self._by_range[code] += sums_of(predicted[own], reference[own], self.origin)
            self._pixels[code] += np.count_nonzero(own)
        return sums_of(predicted, reference, self.origin)

    def add_points(self, predicted: np.ndarray, reference: np.ndarray, sample: Sample) -> None:
        """Add points (n,) that were drawn one by one, each of which is a block."""
        codes = self._ranges.counted_codes(reference)
        each = sums_of_each(predicted, reference, self.origin) * sample.weights[:, np.newaxis]
        np.add.at(self._by_range, codes, each)
        np.add.at(self._pixels, codes, 1)
        self._blocks += list(each)
        self._strata = sample.strata

    def report(self, seed: int) -> dict[str, Any]:
        """All figures, their intervals, and those by range of the reference, as a JSON object.

        Args:
            seed: Of the bootstrap.
        """
        blocks = np.array([one for one in self._blocks if one[ALL]]).reshape(-1, len(SUMS))
        return {
            **report(blocks.sum(axis=0), self.origin),
            "intervals": self._intervals(blocks, seed),
            "ranges": [
                {
                    "value": one.value,
                    "label": one.label,
                    **report(sums, self.origin),
                    "pixels": int(pixels),
                }
                for one, sums, pixels in zip(
                    self._ranges.counted, self._by_range, self._pixels, strict=True
                )
                if pixels
            ],
        }

    def _intervals(self, blocks: np.ndarray, seed: int) -> dict[str, Any]:
        """Percentile intervals by block bootstrap, see `bootstrap`."""
        of_points = self._block_size is None
        strata = np.zeros(len(blocks), np.int64) if self._strata is None else self._strata
        how = "bootstrap of points" if of_points else "block bootstrap"
        made = {
            "method": f"{how} within strata" if strata.any() else how,
            "level": LEVEL,
            "blocks": len(blocks),
            **({} if of_points else {"block_size": self._block_size}),
            "replicates": REPLICATES,
            "seed": seed,
        }
        if len(blocks) < MIN_BLOCKS:
            return {**made, **dict.fromkeys(FIGURES)}
        drawn = resampled_in_strata(blocks, strata, seed)
        return {**made, **{name: interval(figure(drawn)) for name, figure in FIGURES.items()}}


def tally_values(
    predicted: RowReader,
    reference: RowReader,
    mask: RowReader | None,
    sample: Sampled,
    block_size: int,
    progress: Callable[[int], None],
    inside: CellSet | None = None,
) -> tuple[ValueTally, LeftOut]:
    """Add up the cells of two maps.

    Args:
        predicted, reference: Rows of the maps.
        mask: Rows of the raster mask, whose NULL cells are masked, or None.
        sample: Of these maps.
        block_size: Edge of the bootstrap's blocks in cells.
        progress: Takes the number of rows that are done.
        inside: Outside these cells both maps are NULL; None where all cells are scored.

    Raises:
        ValueError: Blocks are too small.
    """
    rows, cols = predicted.rows, predicted.cols
    check_block_size(rows, cols, block_size)
    tally = ValueTally(sample.pairs[1], block_size)
    left = np.zeros(4, np.int64)
    elsewhere = 0
    columns = [np.s_[:, one : one + block_size] for one in range(0, cols, block_size)]
    parts: list[list[np.ndarray]] = [[] for _ in columns]
    for row, count in strips(rows, cols, within=block_size):
        values, null = predicted.read(row, count)
        others, other_null = reference.read(row, count)
        hidden = np.zeros_like(null) if mask is None else mask.read(row, count)[1]
        away = np.zeros_like(null) if inside is None else ~inside.contains(row, count) & ~hidden
        elsewhere += int(away.sum())
        counted = ~hidden & ~away
        cases = (hidden, counted & null & ~other_null, counted & ~null & other_null,
                 counted & null & other_null)  # fmt: skip
        left += [int(one.sum()) for one in cases]
        known = ~null & ~other_null
        for block, own in zip(parts, columns, strict=True):
            chosen = known[own]
            block.append(tally.sums(values[own][chosen], others[own][chosen]))
        if (row + count) % block_size == 0 or row + count == rows:
            for block in parts:
                tally.add_block(block)
            parts = [[] for _ in columns]
        progress(row + count)
    masked, predicted_null, reference_null, both_null = left.tolist()
    outside = None if inside is None else elsewhere
    return tally, LeftOut(masked, predicted_null, reference_null, both_null, outside)


def tally_value_points(
    predicted: np.ndarray,
    null: np.ndarray,
    reference: np.ndarray,
    names: tuple[str, str],
    sample: Callable[[np.ndarray], Sample] = Sample.at_random,
) -> tuple[ValueTally, LeftOut]:
    """Add up sample points.

    Args:
        predicted: Values of the map (points,).
        null: At which points it has none.
        reference: Values of the points.
        names: Names of map and points, for the message.
        sample: How the points were drawn at which the map has a value; takes their mask.

    Raises:
        ValueError: The map has a value at fewer than `LEAST_SAMPLED` points, or the sample is none.
    """
    known = ~null
    if np.count_nonzero(known) < LEAST_SAMPLED:
        raise ValueError(
            f"<{names[0]}> has values at {np.count_nonzero(known)} of the {len(known)} points of "
            f"<{names[1]}>, at least {LEAST_SAMPLED} are needed: check the mask and draw more"
        )
    tally = ValueTally(reference[known], None)
    tally.add_points(predicted[known], reference[known], sample(known))
    return tally, LeftOut(null_in_classification=int(null.sum()))
