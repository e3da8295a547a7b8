# SPDX-License-Identifier: GPL-2.0-or-later
"""The confusion matrix of two class maps, and its margins by block, counted in one pass."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ...core.accuracy import margins_of
from ...core.classes import MAX_CLASSES
from ...core.readers import CellSet, RowReader
from ...core.text import listed
from .class_rows import ClassCodes, strips

USUAL_BLOCKS = 400
"""Blocks that a region is divided into where no block size is given."""

MAX_BLOCKS = 10_000
"""Most blocks, by the memory of their margins and the time of the bootstrap."""

_CODES = MAX_CLASSES + 1


@dataclass(frozen=True)
class LeftOut:
    """Cells of the region, or sample points, that are not counted, by reason."""

    masked: int = 0
    null_in_classification: int = 0
    null_in_reference: int = 0
    null_in_both: int = 0
    elsewhere: int | None = None
    """Cells outside those that are scored; None where all are."""

    def to_json(self) -> dict[str, int]:
        """The numbers by reason."""
        return {reason: cells for reason, cells in vars(self).items() if cells is not None}


@dataclass(frozen=True)
class Tally:
    """Counts of two maps' classes.

    Attributes:
        values: Class values found in either map among the counted cells, ascending.
        counts: (values, values) int64, rows = classification, columns = reference.
        left_out: The cells that were not counted.
        block_size: Edge of the blocks in cells; 0 without blocks.
        blocks: Margins (blocks, 3, values) of the blocks that hold counted cells.
    """

    values: list[int]
    counts: np.ndarray
    left_out: LeftOut
    block_size: int
    blocks: np.ndarray


def usual_block_size(rows: int, cols: int) -> int:
    """Edge in cells of square blocks of which the region holds about `USUAL_BLOCKS`."""
    return max(1, math.ceil(math.sqrt(rows * cols / USUAL_BLOCKS)))


def check_block_size(rows: int, cols: int, block_size: int) -> None:
    """Refuse blocks so small that there are more than `MAX_BLOCKS`.

    Raises:
        ValueError: There are more.
    """
    number = math.ceil(rows / block_size) * math.ceil(cols / block_size)
    if number > MAX_BLOCKS:
        raise ValueError(
            f"block_size={block_size} divides the region into {number} blocks, at most "
            f"{MAX_BLOCKS} are possible: use a larger one, such as {usual_block_size(rows, cols)}"
        )


def tally(
    classification: RowReader,
    reference: RowReader,
    mask: RowReader | None,
    names: tuple[str, str],
    block_size: int,
    progress: Callable[[int], None] = lambda row: None,
    inside: CellSet | None = None,
) -> Tally:
    """Count the pairs of classes of two maps, reading each once.

    Memory depends on the region's width and on the number of classes and blocks.

    Args:
        classification: The map that is assessed.
        reference: The map of the true classes.
        mask: The raster mask, if one is set.
        names: Names of the two maps, for messages.
        block_size: Edge of the blocks in cells.
        progress: Takes the number of rows that are done.
        inside: Outside these cells both maps are NULL; None where all cells are scored.

    Raises:
        ValueError: The maps have no cell or no class in common; a value is no class value or
            there are too many of them; blocks are too small.
    """
    rows, cols = classification.rows, classification.cols
    check_block_size(rows, cols, block_size)
    codes = ClassCodes()
    across = math.ceil(cols / block_size)
    blocks = np.zeros((math.ceil(rows / block_size) * across, 3, _CODES))
    counts = np.zeros((_CODES, _CODES), np.int64)
    masked = elsewhere = 0
    for row, count in strips(rows, cols, within=block_size):
        one = codes.encode(*classification.read(row, count), names[0])
        other = codes.encode(*reference.read(row, count), names[1])
        hidden = np.zeros_like(one, bool) if mask is None else mask.read(row, count)[1]
        masked += int(np.count_nonzero(hidden))
        if inside is not None:
            elsewhere += int(np.count_nonzero(~hidden & ~inside.contains(row, count)))
        tables = count_by_block(one, other, block_size, len(codes.values) + 1)
        size = tables.shape[-1]
        counts[:size, :size] += tables.sum(axis=0)
        first = row // block_size * across
        # Code 0 of NULL cells is left out of the margins.
        blocks[first : first + across, :, 1:size] += margins_of(tables[:, 1:, 1:])
        progress(row + count)
    left_out = LeftOut(
        masked=masked,
        null_in_classification=int(counts[0, 1:].sum()),
        null_in_reference=int(counts[1:, 0].sum()),
        null_in_both=int(counts[0, 0] - masked - elsewhere),
        elsewhere=None if inside is None else elsewhere,
    )
    return sorted_tally(codes.values, counts[1:, 1:], left_out, names, block_size, blocks[..., 1:])


def sorted_tally(
    met: list[int],
    counts: np.ndarray,
    left_out: LeftOut,
    names: tuple[str, str],
    block_size: int = 0,
    blocks: np.ndarray | None = None,
) -> Tally:
    """A tally of the classes that were counted, in the order of their values.

    Args:
        met: Values in the order of the first rows and columns of `counts`.
        counts: Counts, rows = classification, columns = reference; not smaller than `met`.
        left_out: The cells that were not counted.
        names: Names of classification and reference, for messages.
        block_size: Edge of the blocks in cells.
        blocks: Margins of the blocks, classes in the order of `met`.

    Raises:
        ValueError: Nothing was counted, or no class occurs in both maps.
    """
    mapped, present = counts.sum(axis=1) > 0, counts.sum(axis=0) > 0
    if not mapped.any():
        raise ValueError(
            f"<{names[0]}> and <{names[1]}> have no cell in common "
            "in the current region: check region, mask and NULL cells"
        )
    if not (mapped & present).any():
        raise ValueError(
            f"No class of reference <{names[1]}> ({_listing(met, present)}) "
            f"occurs in classification <{names[0]}> ({_listing(met, mapped)})"
        )
    order = [place for place in np.argsort(met) if mapped[place] or present[place]]
    if blocks is None:
        blocks = np.zeros((0, 3, len(met)))
    blocks = blocks[..., order]
    return Tally(
        [met[place] for place in order],
        counts[np.ix_(order, order)],
        left_out,
        block_size,
        blocks[blocks.any(axis=(1, 2))],
    )


def count_by_block(one: np.ndarray, other: np.ndarray, block_size: int, size: int) -> np.ndarray:
    """Tables (blocks, size, size) of pairs of codes in each of a strip's blocks.

    Args:
        one, other: Codes (rows, cols) below `size`.
        block_size: Columns of a block.
        size: Number of codes, at most 256.
    """
    pairs = one * np.uint16(size) + other
    counted = [
        np.bincount(pairs[:, left : left + block_size].ravel(), minlength=size * size)
        for left in range(0, pairs.shape[1], block_size)
    ]
    return np.array(counted).reshape(-1, size, size)


def tally_points(
    classification: np.ndarray, null: np.ndarray, reference: np.ndarray, names: tuple[str, str]
) -> Tally:
    """Count the pairs of class values at sample points.

    Args:
        classification: Class values of the map (points,).
        null: At which points it has none.
        reference: Class values of the points.
        names: Names of map and points, for messages.

    Raises:
        ValueError: As `tally`.
    """
    codes = ClassCodes()
    mapped = codes.encode(classification, null, names[0])
    present = codes.encode(reference, np.zeros(reference.shape, bool), names[1])
    (counts,) = count_by_block(
        mapped[np.newaxis], present[np.newaxis], max(1, mapped.size), len(codes.values) + 1
    )
    left_out = LeftOut(null_in_classification=int(counts[0].sum()))
    return sorted_tally(codes.values, counts[1:, 1:], left_out, names)


def _listing(values: list[int], present: np.ndarray) -> str:
    found = sorted(value for value, there in zip(values, present, strict=False) if there)
    return listed(found)
