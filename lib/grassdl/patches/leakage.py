# SPDX-License-Identifier: GPL-2.0-or-later
"""A check that splits do not leak, by the positions of the patches alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..dataset.manifest import SPLITS


def check_apart(
    positions: np.ndarray,
    splits: np.ndarray,
    size: int,
    gap: tuple[int, int],
    names: Sequence[str] = SPLITS,
) -> None:
    """Make sure that patches of different splits share no cell and are as far apart as required.

    It does not depend on how the splits were made. For every patch it searches for the nearest one
    of another split, in the Chebyshev metric with rows and columns scaled so that 1 is the least
    allowed distance of upper left cells.

    Args:
        positions: Upper left cells (n, 2).
        splits: Index of each patch's split in `names` (n,).
        size: Edge of a patch in cells.
        gap: Cells between two patches, in rows or in columns.
        names: Names of the splits, or of folds and splits.

    Raises:
        ValueError: Two patches are too near; the message names them.
    """
    from scipy.spatial import cKDTree

    least_rows, least_cols = size + gap[0], size + gap[1]
    # Whole numbers, so that distances are exact: rows times columns is the least one allowed.
    points = positions * np.array([least_cols, least_rows], np.float64)
    for split in range(1, len(names)):
        mine = np.flatnonzero(splits == split)
        others = np.flatnonzero(splits < split)
        if not mine.size or not others.size:
            continue
        distances, nearest = cKDTree(points[mine]).query(
            points[others], p=np.inf, distance_upper_bound=least_rows * least_cols - 0.5
        )
        wrong = np.flatnonzero(np.isfinite(distances))
        if wrong.size:
            one, other = others[wrong[0]], mine[nearest[wrong[0]]]
            of_each = [names[splits[place]] for place in (one, other)]
            raise ValueError(_complaint(positions[[one, other]], of_each, size, gap))


def _complaint(
    positions: np.ndarray, splits: Sequence[str], size: int, gap: tuple[int, int]
) -> str:
    """What is wrong with two patches (2, 2) of different splits."""
    names = [
        f"row {row}, column {col} ({split})"
        for (row, col), split in zip(positions, splits, strict=True)
    ]
    apart = np.abs(positions[0] - positions[1]).max()
    fault = "share cells" if apart < size else f"are not {gap[0]} rows or {gap[1]} columns apart"
    return f"The splits leak: the patches of {size} cells at {' and '.join(names)} {fault}"
