# SPDX-License-Identifier: GPL-2.0-or-later
"""Accuracy of objects of a class: buildings, tree crowns, ponds.

An object is a connected area of the class (cells that share an edge, as in r.clump), or one of
an object map. One of the map and one of the reference match where their intersection over
union is above 0.5; then each has at most one partner (Kirillov et al. 2019, Panoptic Segmentation,
CVPR, doi 10.1109/CVPR.2019.00963).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from ...core.classes import MapClass
from ...core.connected_areas import ConnectedAreas
from ...core.group_sums import GroupTally
from ...core.readers import ObjectReader
from .class_rows import NO_CLASS, ClassRows, strips

PERCENT = range(50, 100, 5)
"""Intersections over union that objects must exceed to match, in percent; the first is that of all
figures but the means."""


class Numbering(Protocol):
    """Numbers the cells of a map strip by strip, and assigns the numbers to objects at the end."""

    def add(self, strip: np.ndarray) -> np.ndarray:
        """Numbers (rows, cols) of the next strip from 1 on; 0 outside of objects."""

    def finish(self) -> tuple[np.ndarray, np.ndarray]:
        """The object (from 0 on) of every number (from 1 on), and the cells of every object."""


class KnownObjects:
    """Objects that are numbered in a map; the alternative to `ConnectedAreas`."""

    def __init__(self) -> None:
        self._tally = GroupTally()

    def add(self, strip: np.ndarray) -> np.ndarray:
        """See `Numbering.add`; the strip has the numbers."""
        numbers, cells = np.unique(strip, return_counts=True)
        self._tally.add(numbers, cells)
        return strip

    def finish(self) -> tuple[np.ndarray, np.ndarray]:
        """See `Numbering.finish`."""
        numbers, cells = self._tally.total()
        inside = numbers > 0
        numbers, cells = numbers[inside], cells[inside]
        object_of = np.zeros(numbers.max(initial=0), np.int64)
        object_of[numbers - 1] = np.arange(len(numbers))
        return object_of, cells


@dataclass(frozen=True)
class ObjectCounts:
    """Objects of one class in both maps.

    Attributes:
        mapped: Cells of the objects of the classification that count (objects,).
        present: The same of the reference.
        shared: Cells in both objects of a match (matches,).
        union: Cells in either of them (matches,).
    """

    mapped: np.ndarray
    present: np.ndarray
    shared: np.ndarray
    union: np.ndarray

    def matched(self, percent: int) -> int:
        """Matches whose intersection is more than `percent` of their union."""
        return int(np.count_nonzero(100 * self.shared > percent * self.union))


class ObjectMatch:
    """Objects of one class in classification and reference, matched strip by strip.

    Args:
        numberings: Of the objects of both.
    """

    def __init__(self, numberings: tuple[Numbering, Numbering] | None = None) -> None:
        self._maps = numberings or (ConnectedAreas(), ConnectedAreas())
        self._overlaps: list[np.ndarray] = []

    def add(self, mapped: np.ndarray, present: np.ndarray) -> None:
        """Add the next strip: where (rows, cols) the two maps have the class, or which object."""
        one, other = (
            areas.add(mask) for areas, mask in zip(self._maps, (mapped, present), strict=True)
        )
        both = (one > 0) & (other > 0)
        pairs, cells = np.unique(
            np.stack([one[both], other[both]], axis=1), axis=0, return_counts=True
        )
        self._overlaps.append(np.column_stack([pairs, cells]))

    def counts(self, minsize: int = 1) -> ObjectCounts:
        """The objects of both maps and their matches.

        Args:
            minsize: Objects of fewer cells do not count, unless they match one that does.
        """
        (one_of, one_cells), (other_of, other_cells) = (areas.finish() for areas in self._maps)
        found = np.concatenate([np.zeros((0, 3), np.int64), *self._overlaps])
        pairs, place = np.unique(
            np.stack([one_of[found[:, 0] - 1], other_of[found[:, 1] - 1]], axis=1),
            axis=0,
            return_inverse=True,
        )
        shared = np.bincount(place.ravel(), found[:, 2], minlength=len(pairs)).astype(np.int64)
        cells = one_cells[pairs[:, 0]], other_cells[pairs[:, 1]]
        union = cells[0] + cells[1] - shared
        match = (100 * shared > PERCENT[0] * union) & (np.maximum(*cells) >= minsize)
        mapped, present = (
            _counted(sizes, pairs[match, column], minsize)
            for column, sizes in enumerate((one_cells, other_cells))
        )
        return ObjectCounts(mapped, present, shared[match], union[match])


def _counted(cells: np.ndarray, matching: np.ndarray, minsize: int) -> np.ndarray:
    """Cells of the objects that are large enough or match one that is."""
    counts = cells >= minsize
    counts[matching] = True
    return cells[counts]


@dataclass(frozen=True)
class ObjectMaps:
    """The objects of classification and reference.

    Attributes:
        mapped: Numbers and classes of the classification's; None for its connected areas.
        present: The same of the reference.
        minsize: See `ObjectMatch.counts`.
    """

    mapped: ObjectReader | None = None
    present: ObjectReader | None = None
    minsize: int = 1


CONNECTED = ObjectMaps()
"""All connected areas of both maps."""


def match_objects(
    rows: ClassRows,
    values: Sequence[int],
    places: Sequence[int],
    maps: ObjectMaps = CONNECTED,
    progress: Callable[[int], None] = lambda row: None,
) -> list[ObjectCounts]:
    """Match the objects of several classes in one pass.

    Args:
        rows: Gives the codes of classification and reference.
        values: The class values by index.
        places: Indices of the classes whose objects are matched.
        maps: The objects.
        progress: Takes the number of rows that are done.
    """
    readers = maps.mapped, maps.present

    def numberings() -> tuple[Numbering, Numbering]:
        one, other = (ConnectedAreas() if one is None else KnownObjects() for one in readers)
        return one, other

    matches = [ObjectMatch(numberings()) for _ in places]
    for row, count in strips(rows.rows, rows.cols):
        codes = rows.read(row, count)
        numbers = [None if one is None else one.read(row, count) for one in readers]
        for place, match in zip(places, matches, strict=True):
            own: list[np.ndarray] = []
            for code, number, reader in zip(codes, numbers, readers, strict=True):
                if number is None or reader is None:
                    own.append(code == place + 1)
                else:
                    of_class = reader.are_of(number, values[place])
                    own.append(np.where((code != NO_CLASS) & of_class, number, 0))
            match.add(*own)
        progress(row + count)
    return [match.counts(maps.minsize) for match in matches]


def object_report(counts: ObjectCounts, one: MapClass) -> dict[str, Any]:
    """The figures of the objects of a class as a JSON object.

    Precision, recall, F1 and the panoptic figures are those of matches above 0.5. The recognition
    quality RQ is F1, the segmentation quality SQ the mean intersection over union of the matches,
    and the panoptic quality PQ their product: the sum of the matches' intersections over union
    divided by the number of matches and half of the objects without one (Kirillov et al. 2019).
    Without any match SQ is undefined and PQ 0. The figures that end with `_50_95` are means over
    the thresholds 0.5, 0.55, ..., 0.95 (Lin et al. 2014, Microsoft COCO).

    The area bias is the mapped area minus that of the reference, as a share of the latter.
    """
    predicted, support = len(counts.mapped), len(counts.present)
    matched = counts.matched(PERCENT[0])
    on_average = sum(map(counts.matched, PERCENT)) / len(PERCENT)
    overlap = counts.shared / counts.union
    f1 = _ratio(2 * matched, predicted + support)
    predicted_cells, support_cells = int(counts.mapped.sum()), int(counts.present.sum())
    return {
        "value": one.value,
        "label": one.label,
        "min_iou": PERCENT[0] / 100,
        "precision": _ratio(matched, predicted),
        "recall": _ratio(matched, support),
        "f1": f1,
        "predicted": predicted,
        "support": support,
        "matched": matched,
        "predicted_cells": predicted_cells,
        "support_cells": support_cells,
        "area_bias": _ratio(predicted_cells - support_cells, support_cells),
        "mean_matched_iou": _ratio(float(overlap.sum()), matched),
        "panoptic_quality": _ratio(2 * float(overlap.sum()), predicted + support),
        "segmentation_quality": _ratio(float(overlap.sum()), matched),
        "recognition_quality": f1,
        "precision_50_95": _ratio(on_average, predicted),
        "recall_50_95": _ratio(on_average, support),
        "f1_50_95": _ratio(2 * on_average, predicted + support),
    }


def _ratio(share: float, of: float) -> float | None:
    return share / of if of else None
