# SPDX-License-Identifier: GPL-2.0-or-later
"""How many objects of a class were found: buildings, tree crowns, ponds.

An object is a connected area of the class (cells that share an edge, as r.clump sees it). One of
the map and one of the reference match where their intersection over union is above 0.5; then
each has at most one partner (Kirillov et al. 2019, Panoptic Segmentation, CVPR).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...core.classes import MapClass
from .class_rows import ClassRows, strips

MIN_IOU = 0.5


class ConnectedAreas:
    """Connected areas of a mask that comes in strips from top to bottom.

    Areas get a number in every strip; numbers that touch across strips are joined at the end. So
    memory depends on the number of areas and the width, not on the height.
    """

    def __init__(self) -> None:
        self._last_row: np.ndarray | None = None
        self._sizes: list[np.ndarray] = []
        self._joins: list[np.ndarray] = []
        self._number = 0

    def add(self, mask: np.ndarray) -> np.ndarray:
        """Number the areas of the next strip (rows, cols); 0 is outside, numbers go on from 1."""
        from scipy.ndimage import label

        numbers, found = label(mask, output=np.int64)
        self._sizes.append(np.bincount(numbers.ravel(), minlength=found + 1)[1:])
        numbers[numbers > 0] += self._number
        self._number += found
        if self._last_row is not None:
            touching = (self._last_row > 0) & (numbers[0] > 0)
            pairs = np.stack([self._last_row[touching], numbers[0][touching]], axis=1)
            self._joins.append(np.unique(pairs, axis=0))
        self._last_row = numbers[-1]
        return numbers

    def finish(self) -> tuple[np.ndarray, np.ndarray]:
        """The area (from 0 on) of every number (from 1 on), and the cells of every area."""
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        joins = np.concatenate([np.zeros((0, 2), np.int64), *self._joins]) - 1
        size = (self._number, self._number)
        graph = coo_array((np.ones(len(joins), bool), (joins[:, 0], joins[:, 1])), shape=size)
        areas, area_of = connected_components(graph, directed=False)
        cells = np.concatenate([np.zeros(0, np.int64), *self._sizes])
        return area_of, np.bincount(area_of, cells, minlength=areas).astype(np.int64)


class ObjectMatch:
    """Objects of one class in classification and reference, matched strip by strip."""

    def __init__(self) -> None:
        self._maps = (ConnectedAreas(), ConnectedAreas())
        self._overlaps: list[np.ndarray] = []

    def add(self, mapped: np.ndarray, present: np.ndarray) -> None:
        """Add the next strip: where (rows, cols) the two maps have the class."""
        one, other = (
            areas.add(mask) for areas, mask in zip(self._maps, (mapped, present), strict=True)
        )
        both = (one > 0) & (other > 0)
        pairs, cells = np.unique(
            np.stack([one[both], other[both]], axis=1), axis=0, return_counts=True
        )
        self._overlaps.append(np.column_stack([pairs, cells]))

    def counts(self) -> dict[str, int]:
        """Objects and cells of both maps, and the objects that match."""
        (one_of, one_cells), (other_of, other_cells) = (areas.finish() for areas in self._maps)
        found = np.concatenate([np.zeros((0, 3), np.int64), *self._overlaps])
        pairs, place = np.unique(
            np.stack([one_of[found[:, 0] - 1], other_of[found[:, 1] - 1]], axis=1),
            axis=0,
            return_inverse=True,
        )
        shared = np.bincount(place.ravel(), found[:, 2], minlength=len(pairs))
        union = one_cells[pairs[:, 0]] + other_cells[pairs[:, 1]] - shared
        return {
            "predicted": len(one_cells),
            "support": len(other_cells),
            "matched": int(np.count_nonzero(shared > MIN_IOU * union)),
            "predicted_cells": int(one_cells.sum()),
            "support_cells": int(other_cells.sum()),
        }


def match_objects(
    rows: ClassRows, places: Sequence[int], progress: Callable[[int], None] = lambda row: None
) -> list[dict[str, int]]:
    """Match the objects of several classes in one pass.

    Args:
        rows: Gives the codes of classification and reference.
        places: The classes by place.
        progress: Takes the number of rows that are done.
    """
    matches = [ObjectMatch() for _ in places]
    for row, count in strips(rows.rows, rows.cols):
        mapped, present = rows.read(row, count)
        for place, match in zip(places, matches, strict=True):
            match.add(mapped == place + 1, present == place + 1)
        progress(row + count)
    return [match.counts() for match in matches]


def object_report(counts: dict[str, int], one: MapClass) -> dict[str, Any]:
    """Object precision, recall and F1 and the area bias of a class as a JSON object.

    The area bias is the mapped area minus that of the reference, as a share of the latter.
    """
    predicted, support, matched = (counts[key] for key in ("predicted", "support", "matched"))
    either = predicted + support
    bias = counts["predicted_cells"] - counts["support_cells"]
    return {
        "value": one.value,
        "label": one.label,
        "min_iou": MIN_IOU,
        "precision": matched / predicted if predicted else None,
        "recall": matched / support if support else None,
        "f1": 2 * matched / either if either else None,
        **counts,
        "area_bias": bias / counts["support_cells"] if counts["support_cells"] else None,
    }
