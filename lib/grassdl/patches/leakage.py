# SPDX-License-Identifier: GPL-2.0-or-later
"""The proof that splits do not leak, from the footprints alone."""

from __future__ import annotations

import numpy as np

from ..dataset.manifest import SPLITS


def check_apart(positions: np.ndarray, splits: np.ndarray, size: int, gap: tuple[int, int]) -> None:
    """Make sure that patches of different splits share no cell and keep their distance.

    It knows nothing of how the splits were made. For every patch it looks for the nearest one
    of another split, in the Chebyshev metric with rows and columns scaled so that 1 is the least
    allowed distance of upper left cells.

    Args:
        positions: Upper left cells (n, 2).
        splits: Place in `SPLITS` (n,).
        size: Edge of a patch in cells.
        gap: Cells between two patches, in rows or in columns.

    Raises:
        ValueError: Two patches are too near; the line names them.
    """
    from scipy.spatial import cKDTree

    least_rows, least_cols = size + gap[0], size + gap[1]
    # Whole numbers, so that distances are exact: rows times columns is the least one allowed.
    points = positions * np.array([least_cols, least_rows], np.float64)
    for split in range(1, len(SPLITS)):
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
            raise ValueError(_complaint(positions, splits, one, other, size, gap))


def _complaint(
    positions: np.ndarray,
    splits: np.ndarray,
    one: int,
    other: int,
    size: int,
    gap: tuple[int, int],
) -> str:
    names = [
        f"row {positions[place, 0]}, column {positions[place, 1]} ({SPLITS[splits[place]]})"
        for place in (one, other)
    ]
    apart = np.abs(positions[one] - positions[other]).max()
    fault = "share cells" if apart < size else f"are not {gap[0]} rows or {gap[1]} columns apart"
    return f"The splits leak: the patches of {size} cells at {' and '.join(names)} {fault}"
