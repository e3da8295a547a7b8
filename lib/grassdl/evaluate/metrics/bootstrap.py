# SPDX-License-Identifier: GPL-2.0-or-later
"""Confidence intervals for wall-to-wall maps by block bootstrap.

Neighbouring cells are correlated, so that intervals which assume independent cells are far too
narrow. Blocks larger than the range of the correlation are nearly independent: the figures of many
sets of blocks, drawn with replacement, show their sampling variation (Hall 1985; Lahiri 2003,
Resampling Methods for Dependent Data, chapter 12).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

import numpy as np

from ...core.accuracy import CLASS_FIGURES, SUMMARY_FIGURES, Margins
from ...core.classes import MapClass

REPLICATES = 1000
LEVEL = 0.95
MIN_BLOCKS = 10
"""With fewer blocks the bootstrap has too little to draw from."""

DRAWN_AT_ONCE = 500_000
"""Draws that are in memory at a time."""


def block_intervals(
    blocks: np.ndarray, classes: Sequence[MapClass], block_size: int, seed: int
) -> dict[str, Any]:
    """Percentile intervals of the accuracy figures, as a JSON object.

    Args:
        blocks: Margins (blocks, 3, classes) of each block.
        classes: The classes in the order of the margins.
        block_size: Edge of the blocks in cells, for the report.
        seed: Same seed, same intervals.

    Returns:
        How they were made, then [low, high] by figure and, in `classes`, by class; None for a
        figure that is undefined in some replicates, and for all with fewer than `MIN_BLOCKS`.
    """
    made = {
        "method": "block bootstrap",
        "level": LEVEL,
        "blocks": len(blocks),
        "block_size": block_size,
        "replicates": REPLICATES,
        "seed": seed,
    }
    enough = len(blocks) >= MIN_BLOCKS
    drawn = Margins(resampled(blocks, seed))
    by_class = {name: figure(drawn) for name, figure in CLASS_FIGURES.items()}
    return {
        **made,
        **{
            name: interval(figure(drawn)) if enough else None
            for name, figure in SUMMARY_FIGURES.items()
        },
        "classes": [
            {
                "value": one.value,
                "label": one.label,
                **{
                    name: interval(figures[:, place]) if enough else None
                    for name, figures in by_class.items()
                },
            }
            for place, one in enumerate(classes)
        ],
    }


def resampled(blocks: np.ndarray, seed: int) -> np.ndarray:
    """Margins (replicates, ...) of as many blocks drawn with replacement, for each replicate."""
    number = len(blocks)
    rng = np.random.default_rng(seed)
    # Products of floats are faster, and exact up to 2^53 cells.
    flat = blocks.reshape(number, -1).astype(np.float64, copy=False)
    sums = np.empty((REPLICATES, flat.shape[1]))
    step = max(1, DRAWN_AT_ONCE // number)
    for first in range(0, REPLICATES, step):
        part = sums[first : first + step]
        times = rng.multinomial(number, np.full(number, 1 / number), size=len(part))
        np.matmul(times.astype(np.float64), flat, out=part)
    return sums.reshape(REPLICATES, *blocks.shape[1:])


def resampled_in_strata(blocks: np.ndarray, strata: np.ndarray, seed: int) -> np.ndarray:
    """As `resampled`, with as many blocks of each stratum as it has; `strata` are their indices
    (blocks,)."""
    drawn = (
        resampled(blocks[strata == one], seed + place)
        for place, one in enumerate(np.unique(strata))
    )
    return reduce(np.add, drawn)


def interval(replicates: np.ndarray) -> list[float] | None:
    """The percentile interval [low, high]; None where a replicate is undefined."""
    if np.isnan(replicates).any():
        return None
    tail = (1 - LEVEL) / 2
    return [float(bound) for bound in np.quantile(replicates, [tail, 1 - tail])]
