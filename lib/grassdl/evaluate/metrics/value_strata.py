# SPDX-License-Identifier: GPL-2.0-or-later
"""Sample points of values that were drawn in strata, and the weights that undo it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...core.integer_tables import distinct_places
from ...core.readers import RowReader
from ...core.text import listed
from .class_rows import strips


@dataclass(frozen=True)
class Sample:
    """How points were drawn.

    Attributes:
        strata: Index of the stratum of each point (points,).
        weights: What each point counts (points,): the cells that it represents, as a multiple of
            their mean, so that all together count as many as there are points.
    """

    strata: np.ndarray
    weights: np.ndarray

    @classmethod
    def at_random(cls, known: np.ndarray) -> Sample:
        """Points that were drawn over the whole map, those of a mask: one stratum."""
        number = np.count_nonzero(known)
        return cls(np.zeros(number, np.int64), np.ones(number))


def sample_in_strata(
    values: np.ndarray, null: np.ndarray, cells: dict[int, int], name: str
) -> Sample:
    """The sample of points that were drawn in strata.

    Args:
        values: The stratum of each point (points,).
        null: At which points there is none.
        cells: Cells of each stratum in which the maps have values.
        name: Name of the map of strata.

    Raises:
        ValueError: A point lies in no stratum, or a stratum has no point.
    """
    if null.any():
        raise ValueError(
            f"{np.count_nonzero(null)} of {len(null)} points lie where <{name}> is NULL: points "
            "are drawn in its strata"
        )
    without = [str(one) for one in sorted(set(cells) - set(values.tolist()))]
    if without:
        raise ValueError(
            f"Strata of <{name}> have cells but no point where the maps have values: "
            f"{listed(without)}; draw points there, or join them to other strata"
        )
    found, strata = distinct_places(values)
    of_stratum = np.array([cells.get(one, 0) for one in found.tolist()], np.float64)
    weights = (of_stratum / np.bincount(strata))[strata]
    return Sample(strata, weights * len(values) / weights.sum())


def cells_of_strata(strata: RowReader, maps: Sequence[RowReader]) -> dict[int, int]:
    """Cells of each stratum in which all maps have values, by the stratum's number."""
    cells: dict[int, int] = {}
    for row, count in strips(strata.rows, strata.cols):
        values, null = strata.read(row, count)
        missing = np.logical_or.reduce([null, *(one.read(row, count)[1] for one in maps)])
        found, numbers = np.unique(values[~missing], return_counts=True)
        for one, number in zip(found.tolist(), numbers.tolist(), strict=True):
            cells[one] = cells.get(one, 0) + number
    return cells
