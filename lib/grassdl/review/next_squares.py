# SPDX-License-Identifier: GPL-2.0-or-later
"""The squares of a region to label next, outside the labelled patches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..dataset.manifest import SPLITS
from ..dataset.patchset import PatchSet
from ..dataset.seen import places_here
from ..dataset.windows import Windows
from .settings import Settings
from .squares import SquareGrid
from .suggestions import LEAST_DATA, Spacing, Suggestion, suggest
from .uncertainty import SquareFigures


def patched(
    grid: SquareGrid,
    patch_sets: Sequence[PatchSet],
    place: Mapping[str, Any],
    region: Mapping[str, Any],
) -> np.ndarray:
    """The squares (down, across) that share cells with patches of datasets.

    Args:
        grid: The squares.
        patch_sets: The datasets.
        place: `crs` and `project` of the session.
        region: The region of the squares: its edges, resolutions, rows and cols.

    Raises:
        ValueError: A dataset is from elsewhere, has no record of where its patches are, or they
            cover the region.
    """
    places = [places_here(one, split, place) for one in patch_sets for split in SPLITS]
    touched = grid.touched_by(Windows.of(places, region))
    if touched.all():
        raise ValueError(
            "Patches of the dataset lie in all squares of the region: use a smaller size, or "
            "another region (g.region)"
        )
    return touched


def next_squares(
    grid: SquareGrid,
    figures: SquareFigures,
    patched: np.ndarray,
    settings: Settings,
    region: Mapping[str, Any],
) -> list[Suggestion]:
    """The squares to label next, the one of the highest score first.

    Args:
        grid: The squares.
        figures: Scores and features of each.
        patched: Those that share cells with patches (down, across).
        settings: Those of the review.
        region: The region of the squares, with its resolutions.

    Raises:
        ValueError: No square can be suggested.
    """
    has_data = figures.cells >= LEAST_DATA * grid.size**2
    height, width = grid.size * region["nsres"], grid.size * region["ewres"]
    distance = max(height, width) if settings.distance is None else settings.distance
    spacing = Spacing(height, width, distance)
    free = has_data & ~patched
    found = suggest(
        grid, figures.scores, figures.looks, free, settings.npatches, spacing, settings.seed
    )
    if not found:
        raise ValueError(
            f"No square of {grid.size} x {grid.size} cells outside the dataset's patches has data "
            "in at least half of its cells: use a smaller size, or another region (g.region)"
        )
    return found
