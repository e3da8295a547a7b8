# SPDX-License-Identifier: GPL-2.0-or-later
"""A suburb at two dates: buildings are added and trees felled, in another light."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter

SAME, BUILT, FELLED = 0, 1, 2
GRASS, TREE, ROOF = (70, 130), (30, 200), (170, 110)
"""Red and near infrared."""

BAND_NAMES = ("red", "nir")


@dataclass(frozen=True)
class ChangeScene:
    """Bands (rows, cols, 2) float32 at each date, and the change of every cell (rows, cols)."""

    before: np.ndarray
    after: np.ndarray
    change: np.ndarray


def change_scene(seed: int, edge: int = 192) -> ChangeScene:
    """A scene of as many buildings that stay as are added, and of trees that stay as are felled."""
    rng = np.random.default_rng(seed)
    before, after = (np.full((edge, edge, 2), GRASS, np.float32) for _ in range(2))
    change = np.full((edge, edge), SAME, np.uint8)
    rows, cols = np.indices(change.shape)
    taken = np.zeros_like(change, bool)
    for number in range(edge * edge // 400):
        row, col = rng.integers(8, edge - 8, 2)
        radius = rng.integers(3, 6)
        is_tree, changes = number % 2, number // 2 % 2
        down, across = np.abs(rows - row), np.abs(cols - col)
        inside = np.hypot(down, across) < radius if is_tree else np.maximum(down, across) < radius
        if taken[np.maximum(down, across) < radius + 2].any():
            continue
        taken |= inside
        # A felled tree leaves grass, a new building stood on it.
        if not (changes and is_tree):
            after[inside] = TREE if is_tree else ROOF
        if not changes or is_tree:
            before[inside] = TREE if is_tree else ROOF
        if changes:
            change[inside] = FELLED if is_tree else BUILT
    ground = gaussian_filter(rng.normal(size=change.shape), 6)[..., None] * 80
    noise = rng.normal(0, 5, (2, *before.shape))
    # The second flight had less light, and a haze.
    return ChangeScene(
        (before + ground + noise[0]).astype(np.float32),
        (0.85 * (after + ground) + 12 + noise[1]).astype(np.float32),
        change,
    )
