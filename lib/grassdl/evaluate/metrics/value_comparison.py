# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether a second map of values is nearer to a reference than the first, where all three have
values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...core.readers import RowReader
from ...core.text import none_if_nan
from ...core.value_accuracy import ALL, FIGURES, SUMS, Table, sums_of, sums_of_each
from .bootstrap import MIN_BLOCKS, interval, resampled_in_strata
from .class_rows import strips
from .comparison import NO_COMMON_CELL
from .value_strata import Sample


@dataclass(frozen=True)
class ValuePairs:
    """Sums of two maps over the same cells.

    Attributes:
        blocks: Sums (blocks, 2, 8) of both in each block that holds cells, or of each point.
        closer: Cells in which the first is closer to the reference, and in which the second is.
        strata: Index of the stratum of each block (blocks,).
    """

    blocks: np.ndarray
    closer: tuple[int, int]
    strata: np.ndarray


def pair_cells(
    first: RowReader,
    second: RowReader,
    reference: RowReader,
    origin: float,
    block_size: int,
    progress: Callable[[int], None] = lambda rows: None,
) -> ValuePairs:
    """Add up the cells that two maps and a reference have, reading each map once.

    Args:
        first, second, reference: Rows of the maps.
        origin: See `value_accuracy.sums_of`.
        block_size: Edge of the blocks in cells.
        progress: Takes the number of rows that are done.

    Raises:
        ValueError: There is no such cell.
    """
    rows, cols = first.rows, first.cols
    columns = [np.s_[:, one : one + block_size] for one in range(0, cols, block_size)]
    blocks = np.zeros((-(-rows // block_size), len(columns), 2, len(SUMS)))
    closer = np.zeros(2, np.int64)
    for row, count in strips(rows, cols, within=block_size):
        *maps, (truth, missing) = (one.read(row, count) for one in (first, second, reference))
        known = ~(missing | maps[0][1] | maps[1][1])
        for place, own in enumerate(columns):
            chosen = known[own]
            for which, (values, _) in enumerate(maps):
                sums = sums_of(values[own][chosen], truth[own][chosen], origin)
                blocks[row // block_size, place, which] += sums
        closer += _closer([values[known] for values, _ in maps], truth[known])
        progress(row + count)
    filled = blocks[blocks[:, :, 0, ALL] > 0]
    if not len(filled):
        raise ValueError(NO_COMMON_CELL)
    whole = np.zeros(len(filled), np.int64)
    return ValuePairs(filled, (int(closer[0]), int(closer[1])), whole)


def pair_points(
    first: tuple[np.ndarray, np.ndarray],
    second: tuple[np.ndarray, np.ndarray],
    reference: np.ndarray,
    origin: float,
    sample: Callable[[np.ndarray], Sample] = Sample.at_random,
) -> ValuePairs:
    """The same of sample points.

    Args:
        first, second: Values of the maps (points,), and where they have none.
        reference: Values of the points.
        origin: See `value_accuracy.sums_of`.
        sample: See `tally_value_points`.

    Raises:
        ValueError: At no point both maps have a value, or the sample is none.
    """
    known = ~(first[1] | second[1])
    both = [values[known] for values, _ in (first, second)]
    truth = reference[known]
    if not known.any():
        raise ValueError(NO_COMMON_CELL)
    drawn = sample(known)
    points = np.stack([sums_of_each(one, truth, origin) for one in both], axis=1)
    points *= drawn.weights[:, np.newaxis, np.newaxis]
    return ValuePairs(points, _closer(both, truth), drawn.strata)


def _closer(both: Sequence[np.ndarray], reference: np.ndarray) -> tuple[int, int]:
    """In how many cells (n,) the first of two maps is closer to the reference, and the second."""
    first, second = (np.abs(one.astype(np.float64) - reference) for one in both)
    return int(np.count_nonzero(first < second)), int(np.count_nonzero(second < first))


def value_comparison(pairs: ValuePairs, seed: int) -> dict[str, Any]:
    """All about two maps as a JSON object; differences are second minus first.

    Args:
        pairs: The sums.
        seed: Of the bootstrap, which draws the same blocks of both maps.
    """
    whole = pairs.blocks.sum(axis=0)
    return {
        "pixels": round(whole[0, ALL]),
        "classification": _figures(whole[0]),
        "compare": _figures(whole[1]),
        "difference": {
            **{name: none_if_nan(of(whole[1]) - of(whole[0])) for name, of in FIGURES.items()},
            **dict(_intervals(pairs, seed)),
        },
        "classification_closer": pairs.closer[0],
        "compare_closer": pairs.closer[1],
    }


def _figures(table: Table) -> dict[str, float | None]:
    return {name: none_if_nan(figure(table)) for name, figure in FIGURES.items()}


def _intervals(pairs: ValuePairs, seed: int) -> Iterator[tuple[str, list[float] | None]]:
    enough = len(pairs.blocks) >= MIN_BLOCKS
    drawn = resampled_in_strata(pairs.blocks, pairs.strata, seed) if enough else None
    for name, figure in FIGURES.items():
        bounds = None
        if drawn is not None:
            both = figure(drawn)
            bounds = interval(both[:, 1] - both[:, 0])
        yield f"{name}_interval", bounds
