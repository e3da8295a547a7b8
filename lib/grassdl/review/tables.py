# SPDX-License-Identifier: GPL-2.0-or-later
"""The areas of the maps of a review, and their attributes in the order of the columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from ..core.classes import ClassScheme
from ..dataset.cell_outlines import (
    Polygon,
    outline_of_cells,
    outline_of_rectangle,
    outlines_of_areas,
)
from ..dataset.patchset import PatchSet
from .suggestions import Suggestion
from .suspects import Suspect

Value = int | float | str | None

Area = tuple[Polygon, list[Value]]
"""Outline and table row of an area; None is for the user to fill in."""

SUSPECT_COLUMNS: dict[str, type] = {
    "rank": int,
    "given": int,
    "given_label": str,
    "suggested": int,
    "suggested_label": str,
    "confidence": float,
    "cells": int,
    "dataset": str,
}

SUGGESTION_COLUMNS: dict[str, type] = {
    "rank": int,
    "score": float,
    "measure": str,
    "cluster": int,
    "class": str,
}

TEMPLATE_COLUMNS: dict[str, type] = {"suggestion": int, "cells": int, "class": str}


class Segments(Protocol):
    """Gives the segments inside squares of the region."""

    def numbers(self, row: int, col: int, size: int) -> np.ndarray:
        """The number of the segment of each cell (size, size) int32 of a square, given by its upper
        left cell and its edge; 0 for none."""


def suspect_areas(
    found: Sequence[Suspect], classes: ClassScheme, patch_sets: Sequence[PatchSet]
) -> list[Area]:
    """The areas of suspects.

    Args:
        found: The suspects, the first of them first.
        classes: The classes of the model.
        patch_sets: The datasets.
    """
    grids = [one.manifest.export.region for one in patch_sets]
    areas: list[Area] = []
    for rank, one in enumerate(found, start=1):
        given, other = list(classes)[one.given], list(classes)[one.suggested]
        names = given.value, given.label, other.value, other.label
        dataset = patch_sets[one.dataset].folder.name
        row: list[Value] = [rank, *names, round(one.confidence, 6), len(one.cells), dataset]
        areas.append((outline_of_cells(one.cells, grids[one.dataset]), row))
    return areas


def suggestion_areas(
    found: Sequence[Suggestion], size: int, region: Mapping[str, Any], measure: str
) -> list[Area]:
    """The areas of suggestions.

    Args:
        found: The suggestions, the first of them first.
        size: Edge of the squares in cells.
        region: Edges and resolutions of the region.
        measure: Name of the score.
    """
    return [
        (
            outline_of_rectangle(one.row, size, one.col, size, region),
            [rank, round(one.score, 6), measure, one.cluster, None],
        )
        for rank, one in enumerate(found, start=1)
    ]


def template_areas(
    found: Sequence[Suggestion], size: int, region: Mapping[str, Any], segments: Segments
) -> list[Area]:
    """The segments inside suggested squares.

    Args:
        found: The suggestions, the first of them first.
        size: Edge of the squares in cells.
        region: Edges and resolutions of the region.
        segments: Gives the segments.
    """
    areas: list[Area] = []
    for rank, one in enumerate(found, start=1):
        numbers = segments.numbers(one.row, one.col, size)
        outlines = outlines_of_areas(numbers, (one.row, one.col), region)
        areas += [(outline, [rank, cells, None]) for outline, cells in outlines]
    return areas
