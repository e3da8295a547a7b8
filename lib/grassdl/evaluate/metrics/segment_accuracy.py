# SPDX-License-Identifier: GPL-2.0-or-later
"""Accuracy of a classification by segment, and of borders with one class per segment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...core.classes import MapClass
from ...core.group_sums import GroupTally
from ...core.integer_tables import distinct_places
from ...core.readers import RowReader
from .boundaries import border_report, count_borders
from .class_rows import NO_CLASS, ClassRows, strips
from .segmentation_goodness import ObjectOverlaps

DISTANCES = (1, 2, 3)
"""Distances in cells at which borders are compared."""


class SegmentClasses:
    """The classes of segments in classification and reference.

    Attributes:
        ids: Segments with cells that count (segments,), ascending.
        mapped: Their cells by class of the classification (segments, classes).
        present: The same of the reference.

    Args:
        ids, mapped, present: See above.
    """

    def __init__(self, ids: np.ndarray, mapped: np.ndarray, present: np.ndarray):
        self.ids, self.mapped, self.present = ids, mapped, present

    @property
    def majority(self) -> np.ndarray:
        """Code of the class that most cells of each segment have in the classification (segments,).

        Of equal ones that with the lowest value.
        """
        return self.mapped.argmax(axis=1) + 1

    def report(self) -> dict[str, Any]:
        """Accuracy by segment as a JSON object.

        A segment is right where its majority class is that of the reference in it.
        `pixel_accuracy_by_segment` is the share of cells that are right where each has the
        majority class of its segment.
        """
        if not len(self.ids):
            return {"segments": 0, "pixels": 0} | dict.fromkeys(_ACCURACIES)
        cells = self.mapped.sum(axis=1)
        right = self.majority == self.present.argmax(axis=1) + 1
        hits = np.take_along_axis(self.present, self.majority[:, np.newaxis] - 1, axis=1)
        return {
            "segments": len(self.ids),
            "pixels": int(cells.sum()),
            "accuracy": float(right.mean()),
            "accuracy_weighted": float(np.average(right, weights=cells)),
            "pixel_accuracy_by_segment": float(hits.sum() / cells.sum()),
        }


_ACCURACIES = ("accuracy", "accuracy_weighted", "pixel_accuracy_by_segment")


class SegmentedRows:
    """Rows of classification and reference as `ClassRows` gives them, the former by segment.

    Args:
        rows: The codes of both.
        segments: Segment ids.
        classes: The segments' classes. Cells without segment keep their own.
    """

    def __init__(self, rows: ClassRows, segments: RowReader, classes: SegmentClasses):
        self._source, self._segments = rows, segments
        self._ids, self._majority = classes.ids, classes.majority.astype(np.uint8)
        self.rows, self.cols = rows.rows, rows.cols

    def read(self, row: int, rows: int) -> list[np.ndarray]:
        """See `ClassRows.read`."""
        mapped, present = self._source.read(row, rows)
        ids, outside = self._segments.read(row, rows)
        inside = (mapped != NO_CLASS) & ~outside
        found, place = distinct_places(ids[inside])
        mapped[inside] = self._majority[np.searchsorted(self._ids, found)][place]
        return [mapped, present]


def count_segments(
    rows: ClassRows,
    segments: RowReader,
    classes: int,
    progress: Callable[[int], None] = lambda row: None,
) -> tuple[SegmentClasses, ObjectOverlaps, int]:
    """Count the classes in each segment and the overlaps with the objects of the reference.

    Cells count where classification, reference and segments have a value.

    Args:
        rows: The codes of classification and reference.
        segments: Segment ids.
        classes: Number of classes.
        progress: Takes the number of rows that are done.

    Returns:
        The segments, the overlaps, and the number of cells that are right.
    """
    tally, overlaps, right = GroupTally(), ObjectOverlaps(classes), 0
    for row, count in strips(rows.rows, rows.cols):
        mapped, present = rows.read(row, count)
        ids, outside = segments.read(row, count)
        inside = (mapped != NO_CLASS) & ~outside
        right += int(np.count_nonzero((mapped == present) & inside))
        found, place = distinct_places(ids[inside])
        tables = (
            np.bincount(
                place * classes + codes[inside] - 1, minlength=len(found) * classes
            ).reshape(-1, classes)
            for codes in (mapped, present)
        )
        tally.add(found, *tables)
        overlaps.add(present, ids, inside)
        progress(row + count)
    return SegmentClasses(*tally.total()), overlaps, right


def segment_report(
    rows: ClassRows,
    segments: RowReader,
    classes: Sequence[MapClass],
    progress: Callable[[str], Callable[[int], None]] = lambda task: lambda row: None,
) -> dict[str, Any]:
    """Accuracy by segment, borders with and without segments, and over- and under-segmentation.

    Args:
        rows: The codes of classification and reference.
        segments: Segment ids.
        classes: The classes in the order of the codes.
        progress: Begins the progress of a task.
    """
    counted, overlaps, right = count_segments(
        rows, segments, len(classes), progress("Counting cells of segments")
    )
    found = counted.report()
    pixels, by_segment = found["pixels"], found["pixel_accuracy_by_segment"]
    found["pixel_accuracy"] = right / pixels if pixels else None
    found["pixel_accuracy_difference"] = by_segment - right / pixels if pixels else None
    segmented = SegmentedRows(rows, segments, counted)
    both = [
        border_report(
            count_borders(one, len(classes), DISTANCES, progress("Comparing borders")), classes
        )
        for one in (rows, segmented)
    ]
    found["borders"] = [
        {
            "distance": one["distance"],
            "f1_macro": one["f1_macro"],
            "f1_macro_by_segment": other["f1_macro"],
        }
        for one, other in zip(*both, strict=True)
    ]
    return found | {"segmentation": overlaps.report()}
