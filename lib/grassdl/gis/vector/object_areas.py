# SPDX-License-Identifier: GPL-2.0-or-later
"""The objects of a map as a vector map: one area each, with class, confidence and size."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import ClassVar

import grass.script as gs
import numpy as np

from .class_areas import AreaTable, ClassAreas


@dataclass
class ObjectAreas(ClassAreas):
    """Objects as a vector map that is not yet made.

    Attributes:
        objects: Raster map of their numbers from 1 on.
        values: Class value of each, by its number; the first element is for no object.
    """

    TITLE: ClassVar[str] = "Objects"

    objects: str = ""
    values: np.ndarray = field(default_factory=lambda: np.zeros(1, np.int64))

    @contextmanager
    def _numbered(
        self, class_map: str, confidence_map: str, environment: dict[str, str]
    ) -> Iterator[tuple[str, AreaTable]]:
        """See `ClassAreas`: small objects have been removed, and the border has their class."""
        table = AreaTable.of(self.objects, class_map, confidence_map)
        yield self.objects, replace(table, values=self.values)

    def _columns(self, table: AreaTable) -> dict[str, tuple[str, list[str]]]:
        """Those of `ClassAreas`, then cells, and area in square map units."""
        grid = gs.raster_info(self.objects)
        cell_area = grid["nsres"] * grid["ewres"]
        cells = table.cells[1:].tolist()
        return {
            **super()._columns(table),
            "cells": ("INTEGER", [str(one) for one in cells]),
            "area": ("DOUBLE PRECISION", [f"{one * cell_area:.10g}" for one in cells]),
        }
