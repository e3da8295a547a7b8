# SPDX-License-Identifier: GPL-2.0-or-later
"""How well segments fit the objects of a reference, regardless of their classes.

Clinton et al. 2010, Accuracy assessment measures for object-based image segmentation goodness,
Photogrammetric Engineering & Remote Sensing 76(3), 289-299.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core.connected_areas import ConnectedAreas
from ...core.group_sums import GroupTally
from ...core.integer_tables import distinct_places


class ObjectOverlaps:
    """Cells that the objects of a reference share with segments, counted strip by strip.

    An object is a connected area of one class. Memory depends on the numbers of objects and
    segments, and on the width of the region.

    Args:
        classes: Number of classes.
    """

    def __init__(self, classes: int):
        self._areas = [ConnectedAreas() for _ in range(classes)]
        self._shared: list[list[np.ndarray]] = [[] for _ in range(classes)]
        self._sizes = GroupTally()

    def add(self, present: np.ndarray, ids: np.ndarray, inside: np.ndarray) -> None:
        """Add the next strip.

        Args:
            present: Codes of the reference (rows, cols), 0 where it has no class.
            ids: Segments (rows, cols).
            inside: Cells that have a segment and a class (rows, cols).
        """
        found, place = distinct_places(ids[inside])
        self._sizes.add(found, np.bincount(place, minlength=len(found)))
        for code, (areas, shared) in enumerate(zip(self._areas, self._shared, strict=True), 1):
            numbers = areas.add(present == code)[inside]
            pairs = numbers[numbers > 0] * (len(found) + 1) + place[numbers > 0]
            both, cells = np.unique(pairs, return_counts=True)
            number, segment = np.divmod(both, len(found) + 1)
            shared.append(np.column_stack([number, found[segment], cells]))

    def report(self) -> dict[str, Any]:
        """Over- and under-segmentation as a JSON object.

        Each object A is compared with the segment S that shares most cells with it (of several
        that of the lowest id): over-segmentation is 1 - |A and S| / |A|, under-segmentation
        1 - |A and S| / |S|, and D the root of the mean of their squares; 0 is perfect. The report
        has their means over the objects, each as one and weighted by its cells. Objects without
        any segment do not count.
        """
        ids, sizes = self._sizes.total()
        classes = zip(self._areas, self._shared, strict=True)
        best = [self._best(areas, shared) for areas, shared in classes]
        cells, segment, shared = np.concatenate(best).T
        over = 1 - shared / cells
        under = 1 - shared / sizes[np.searchsorted(ids, segment)]
        distance = np.sqrt((over**2 + under**2) / 2)
        named = (("over", over), ("under", under), ("distance_d", distance))
        means = {name: float(one.mean()) if len(one) else None for name, one in named}
        weighted = {
            f"{name}_weighted": float(np.average(one, weights=cells)) if len(one) else None
            for name, one in named
        }
        return {"reference_objects": len(cells), **means, **weighted}

    @staticmethod
    def _best(areas: ConnectedAreas, shared: list[np.ndarray]) -> np.ndarray:
        """For each object (objects, 3) its cells, the segment that has most of it, and how many."""
        area_of, sizes = areas.finish()
        rows = np.concatenate([np.zeros((0, 3), np.int64), *shared])
        pairs, place = np.unique(
            np.stack([area_of[rows[:, 0] - 1], rows[:, 1]], axis=1), axis=0, return_inverse=True
        )
        cells = np.bincount(place.ravel(), rows[:, 2], minlength=len(pairs)).astype(np.int64)
        order = np.lexsort((pairs[:, 1], -cells, pairs[:, 0]))
        objects, first = np.unique(pairs[order, 0], return_index=True)
        top = order[first]
        return np.column_stack([sizes[objects], pairs[top, 1], cells[top]])
