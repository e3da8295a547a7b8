# SPDX-License-Identifier: GPL-2.0-or-later
"""Comparison of two classifications on all cells that both and the reference have."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...core import accuracy
from ...core.accuracy import HEADLINE, SUMMARY_FIGURES, Margins, margins_of
from ...core.classes import MapClass
from ...core.text import none_if_nan
from .bootstrap import MIN_BLOCKS, interval, resampled
from .class_rows import ClassRows, strips
from .confusion_counts import count_by_block

MAX_EXACT = 25
"""With fewer discordant cells McNemar's test is exact."""

NO_COMMON_CELL = "There is no cell in which classification, compare and reference all have a class"


@dataclass
class PairCounts:
    """Counts of two classifications on the same cells.

    Attributes:
        first, second: Tables (classes, classes), rows = classification, columns = reference.
        only_first, only_second: Cells on which one of them alone is right.
        blocks: Margins (blocks, 2, 3, classes) of both in each block that holds cells.
    """

    first: np.ndarray
    second: np.ndarray
    only_first: int
    only_second: int
    blocks: np.ndarray


def count_pairs(
    rows: ClassRows,
    classes: int,
    block_size: int,
    progress: Callable[[int], None] = lambda row: None,
) -> PairCounts:
    """Count two classifications against a reference, reading each map once.

    Args:
        rows: Gives the codes of the first, the second, and the reference.
        classes: Number of classes.
        block_size: Edge of the blocks in cells.
        progress: Takes the number of rows that are done.

    Raises:
        ValueError: There is no cell in which all three have a class.
    """
    across = math.ceil(rows.cols / block_size)
    blocks = np.zeros((math.ceil(rows.rows / block_size) * across, 2, 3, classes))
    tables = np.zeros((2, classes, classes), np.int64)
    alone = np.zeros(2, np.int64)
    for row, count in strips(rows.rows, rows.cols, within=block_size):
        one, other, reference = rows.read(row, count)
        for place, codes in enumerate((one, other)):
            found = count_by_block(codes, reference, block_size, classes + 1)[:, 1:, 1:]
            tables[place] += found.sum(axis=0)
            first = row // block_size * across
            blocks[first : first + across, place] += margins_of(found)
        alone += _right_alone(one, other, reference)
        progress(row + count)
    return _checked(tables, alone, blocks)


def _right_alone(first: np.ndarray, second: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Cells on which the first alone is right, and on which the second alone is."""
    right, other_right = first == reference, second == reference
    return np.array(
        [np.count_nonzero(right & ~other_right), np.count_nonzero(other_right & ~right)]
    )


def _checked(tables: np.ndarray, alone: np.ndarray, blocks: np.ndarray) -> PairCounts:
    if not tables.any():
        raise ValueError(NO_COMMON_CELL)
    filled = blocks[blocks.any(axis=(1, 2, 3))]
    return PairCounts(tables[0], tables[1], int(alone[0]), int(alone[1]), filled)


def mcnemar(only_first: int, only_second: int) -> dict[str, Any]:
    """McNemar's test (1947) of whether two maps are right equally often.

    With fewer than `MAX_EXACT` cells on which one alone is right it is the exact binomial test,
    otherwise chi-squared with one degree of freedom and Edwards' correction (1948).

    Returns:
        `statistic` (None for the exact test), `p_value` and `exact`.
    """
    from scipy import stats

    alone = only_first + only_second
    if alone < MAX_EXACT:
        p_value = stats.binomtest(only_first, alone).pvalue if alone else 1.0
        return {"statistic": None, "p_value": float(p_value), "exact": True}
    statistic = (abs(only_first - only_second) - 1) ** 2 / alone
    p_value = stats.chi2.sf(statistic, 1)
    return {"statistic": float(statistic), "p_value": float(p_value), "exact": False}


def kappa_difference(first: np.ndarray, second: np.ndarray) -> dict[str, Any]:
    """The difference of two kappas, second minus first, against its standard error.

    Congalton & Green (2019): z = (k2 - k1) / sqrt(v1 + v2), for two independent samples.

    Returns:
        `difference`, `interval` (95 %), `z` and `p_value`; None where undefined.
    """
    from scipy import stats

    difference = float(accuracy.kappa(second) - accuracy.kappa(first))
    error = math.sqrt(accuracy.kappa_variance(first) + accuracy.kappa_variance(second))
    if math.isnan(difference):
        return {"difference": None, "interval": None, "z": None, "p_value": None}
    bounds = [difference - accuracy.Z_95 * error, difference + accuracy.Z_95 * error]
    z = difference / error if error else None
    p_value = None if z is None else float(2 * stats.norm.sf(abs(z)))
    return {"difference": difference, "interval": bounds, "z": z, "p_value": p_value}


def comparison_report(pairs: PairCounts, classes: Sequence[MapClass], seed: int) -> dict[str, Any]:
    """The comparison of two maps as a JSON object; differences are second minus first.

    Args:
        pairs: The counts.
        classes: The classes in the order of the tables.
        seed: Same seed, same intervals.
    """
    first, second = accuracy.f1(pairs.first), accuracy.f1(pairs.second)
    summaries = _summary(pairs.first), _summary(pairs.second)
    return {
        "pixels": int(pairs.first.sum()),
        "classification": _defined_figures(summaries[0]),
        "compare": _defined_figures(summaries[1]),
        "difference": {
            **_defined_figures({key: summaries[1][key] - summaries[0][key] for key in HEADLINE}),
            **dict(_intervals(pairs.blocks, seed)),
        },
        "only_classification_right": pairs.only_first,
        "only_compare_right": pairs.only_second,
        "mcnemar": mcnemar(pairs.only_first, pairs.only_second),
        "kappa_difference": kappa_difference(pairs.first, pairs.second),
        "classes": [
            {
                "value": one.value,
                "label": one.label,
                "f1_classification": none_if_nan(first[place]),
                "f1_compare": none_if_nan(second[place]),
                "f1_difference": none_if_nan(second[place] - first[place]),
            }
            for place, one in enumerate(classes)
        ],
    }


def _summary(counts: np.ndarray) -> dict[str, float]:
    return {name: float(SUMMARY_FIGURES[name](counts)) for name in HEADLINE}


def _intervals(blocks: np.ndarray, seed: int) -> Iterator[tuple[str, list[float] | None]]:
    """Intervals of the differences by bootstrap, with the same blocks for both maps."""
    drawn = Margins(resampled(blocks, seed)) if len(blocks) >= MIN_BLOCKS else None
    for name in HEADLINE:
        bounds = None
        if drawn is not None:
            both = SUMMARY_FIGURES[name](drawn)
            bounds = interval(both[:, 1] - both[:, 0])
        yield f"{name}_interval", bounds


def _defined_figures(found: dict[str, float]) -> dict[str, float | None]:
    return {name: none_if_nan(value) for name, value in found.items()}
