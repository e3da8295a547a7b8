# SPDX-License-Identifier: GPL-2.0-or-later
"""Training areas: quadrilaterals inside single classes, as an analyst would digitise them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from scene import CLASSES, OUTSIDE, Scene, SceneClass

SIDES_M = (14.0, 10.0, 7.0, 5.0, 3.5, 2.5)  # tried from the largest down
ELONGATION = (1.0, 0.6, 0.35)
APART_M = 9.0  # distance between the middles of two areas of one class
TRIES = 1500
SQUARE = np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])


@dataclass(frozen=True)
class TrainingArea:
    """A polygon in map coordinates (closed: the last corner repeats the first) and its class."""

    value: int
    label: str
    corners: tuple[tuple[float, float], ...]


def training_areas(scene: Scene, per_class: int = 14, seed: int = 1) -> list[TrainingArea]:
    """Up to `per_class` polygons for each class, none touching another class or each other."""
    rng = np.random.default_rng(seed)
    free = scene.labels.copy()
    return [
        area
        for scene_class in CLASSES
        for area in digitise_class(scene, scene_class, free, per_class, rng)
    ]


def digitise_class(
    scene: Scene,
    scene_class: SceneClass,
    free: np.ndarray,
    count: int,
    rng: np.random.Generator,
) -> list[TrainingArea]:
    """Polygons of one class; the cells they use become `OUTSIDE` in `free`."""
    areas: list[TrainingArea] = []
    middles: list[np.ndarray] = []
    candidates = np.argwhere(scene.labels == scene_class.value)
    for row, col in rng.permutation(candidates)[:TRIES]:
        middle = (np.array([col, row]) + 0.5) * scene.resolution_m
        if any(np.hypot(*(middle - other)) < APART_M for other in middles):
            continue
        corners = largest_fit(free, scene_class.value, middle, scene.resolution_m, rng)
        if corners is None:
            continue
        middles.append(middle)
        ring = [(scene.west + float(x), scene.north - float(y)) for x, y in corners]
        areas.append(TrainingArea(scene_class.value, scene_class.label, (*ring, ring[0])))
        if len(areas) == count:
            break
    return areas


def largest_fit(
    free: np.ndarray, value: int, middle: np.ndarray, cell_m: float, rng: np.random.Generator
) -> np.ndarray | None:
    """Corners (4, 2) of the largest quadrilateral around a point that holds one class only.

    It is cut out of a rectangle of pure cells by moving the corners inwards at random.
    """
    reach = int(SIDES_M[0] / cell_m)
    col, row = (middle / cell_m).astype(int)
    top, left = max(0, row - reach), max(0, col - reach)
    near = free[top : row + reach + 1, left : col + reach + 1]
    y, x = np.nonzero(near != value)
    others = (np.stack([x + left, y + top], 1) + 0.5) * cell_m - middle
    nearest = np.hypot(*others.T).min(initial=np.inf)
    turns = rng.uniform(0, np.pi) + np.linspace(0, np.pi, 8, endpoint=False)
    for length, width, turn in product(SIDES_M, ELONGATION, turns):
        half = np.array([length, length * width]) / 2 + cell_m
        if nearest < half.min() or np.any(np.all(np.abs(others @ rotation(turn)) <= half, axis=1)):
            continue
        skew = rng.uniform(0.78, 1.0, (4, 1))
        corners = skew * SQUARE * (half - cell_m) @ rotation(turn).T
        y, x = np.indices(near.shape) + 0.5
        cells = np.stack([x + left, y + top], 2) * cell_m - middle
        near[np.all(np.abs(cells @ rotation(turn)) <= half, axis=2)] = OUTSIDE
        return middle + corners
    return None


def rotation(turn: float) -> np.ndarray:
    """Matrix that takes row vectors (x, y) into axes turned by `turn`."""
    cos, sin = np.cos(turn), np.sin(turn)
    return np.array([[cos, -sin], [sin, cos]])
