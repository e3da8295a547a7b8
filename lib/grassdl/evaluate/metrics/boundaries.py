# SPDX-License-Identifier: GPL-2.0-or-later
"""Accuracy of class borders: boundary F1 at given distances (Csurka et al. 2013).

What is a good evaluation measure for semantic segmentation? BMVC. Overlap depends on the inside of
large areas; errors of outlines show at the borders alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...core.classes import MapClass
from .class_rows import NO_CLASS, CodedRows, strips


def border_cells(codes: np.ndarray) -> np.ndarray:
    """Which cells (rows, cols) share an edge with another class; no class does not count."""
    border = np.zeros(codes.shape, bool)
    for here, there in (
        ((slice(1, None), slice(None)), (slice(None, -1), slice(None))),
        ((slice(None), slice(1, None)), (slice(None), slice(None, -1))),
    ):
        one, other = codes[here], codes[there]
        differ = (one != other) & (one != NO_CLASS) & (other != NO_CLASS)
        border[here] |= differ
        border[there] |= differ
    return border


class BorderCounts:
    """Border cells of each class, and those matched by the other map within each distance.

    Args:
        classes: Number of classes.
        distances: Distances in cells.

    Attributes:
        cells: (2, classes) border cells of classification and reference.
        met: (distances, 2, classes) those within the distance of such a cell of the other map.
    """

    def __init__(self, classes: int, distances: Sequence[float]):
        self.distances = list(distances)
        self.halo = math.ceil(max(distances)) + 1
        self.cells = np.zeros((2, classes), np.int64)
        self.met = np.zeros((len(distances), 2, classes), np.int64)

    def add(self, maps: Sequence[np.ndarray], core: slice) -> None:
        """Count the rows `core` of two maps (rows, cols) of codes; the others surround them."""
        from scipy.ndimage import distance_transform_edt

        borders = [np.where(border_cells(codes), codes, NO_CLASS) for codes in maps]
        for code in np.union1d(*borders):
            if code == NO_CLASS:
                continue
            where = [codes == code for codes in borders]
            for one, other in ((0, 1), (1, 0)):
                own = where[one][core]
                self.cells[one, code - 1] += np.count_nonzero(own)
                if not own.any() or not where[other].any():
                    continue
                away = distance_transform_edt(~where[other])[core][own]
                for place, distance in enumerate(self.distances):
                    self.met[place, one, code - 1] += np.count_nonzero(away <= distance)


def count_borders(
    rows: CodedRows,
    classes: int,
    distances: Sequence[float],
    progress: Callable[[int], None] = lambda row: None,
) -> BorderCounts:
    """Count the borders of classification and reference in strips with a halo."""
    counts = BorderCounts(classes, distances)
    for row, count in strips(rows.rows, rows.cols):
        first = max(0, row - counts.halo)
        last = min(rows.rows, row + count + counts.halo)
        counts.add(rows.read(first, last - first), slice(row - first, row - first + count))
        progress(row + count)
    return counts


def border_report(counts: BorderCounts, classes: Sequence[MapClass]) -> list[dict[str, Any]]:
    """Boundary precision, recall and F1 of each class at each distance, as JSON objects.

    A class without borders in both maps is undefined and left out of the mean.
    """
    return [
        _at_distance(distance, met, counts.cells, classes)
        for distance, met in zip(counts.distances, counts.met, strict=True)
    ]


def _at_distance(
    distance: float, met: np.ndarray, cells: np.ndarray, classes: Sequence[MapClass]
) -> dict[str, Any]:
    by_class: list[dict[str, Any]] = []
    for place, one in enumerate(classes):
        found = {
            name: met[which, place] / cells[which, place] if cells[which, place] else None
            for which, name in enumerate(("precision", "recall"))
        }
        by_class.append({"value": one.value, "label": one.label, **found, "f1": _f1(**found)})
    defined = [one["f1"] for one in by_class if one["f1"] is not None]
    mean = sum(defined) / len(defined) if defined else None
    return {"distance": distance, "f1_macro": mean, "classes": by_class}


def _f1(precision: float | None, recall: float | None) -> float | None:
    """The harmonic mean; 0 where only one of the maps has borders, None where none has."""
    if precision is None and recall is None:
        return None
    if not precision or not recall:
        return 0.0
    return 2 * precision * recall / (precision + recall)
