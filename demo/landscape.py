# SPDX-License-Identifier: GPL-2.0-or-later
"""The drawing board of the synthetic scene: rasters in metres and the strokes that fill them.

Coordinates are metres from the upper left corner, x to the east and y to the south. Every
stroke takes its random numbers from the caller, so that the picture depends on the seed only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from materials import Material
from scipy.interpolate import CubicSpline
from scipy.ndimage import distance_transform_edt, gaussian_filter, map_coordinates

CELL_M = 0.25
Window = tuple[slice, slice]
Point = tuple[float, float]


@dataclass
class Landscape:
    """Rasters that grow while objects are drawn, all of the same shape.

    Attributes:
        x, y: cell centres in metres.
        terrain: height of the bare ground above sea level, metres.
        height: height of what stands on the ground, metres.
        material: `Material` of what is seen from above.
        tint: (4, rows, cols) factor on the reflectance of red, green, blue and nir.
        taken: cells where nothing more may be built or planted.
        crown: number of the tree whose crown is seen from above, 0 for none.
        trees: how many trees were planted.
    """

    x: np.ndarray
    y: np.ndarray
    terrain: np.ndarray
    height: np.ndarray
    material: np.ndarray
    tint: np.ndarray
    taken: np.ndarray
    crown: np.ndarray
    trees: int = 0

    @classmethod
    def meadow(cls, size: int) -> Landscape:
        """Start from `size` x `size` cells of flat meadow."""
        y, x = (np.mgrid[0:size, 0:size] + 0.5) * CELL_M
        shape = (size, size)
        return cls(
            x=x,
            y=y,
            terrain=np.zeros(shape),
            height=np.zeros(shape),
            material=np.full(shape, Material.MEADOW, np.uint8),
            tint=np.ones((4, *shape)),
            taken=np.zeros(shape, bool),
            crown=np.zeros(shape, np.uint16),
        )

    @property
    def shape(self) -> tuple[int, int]:
        return self.material.shape

    def frame(self, center: Point, angle: float, reach: float) -> tuple[Window, np.ndarray, ...]:
        """The window within `reach` of a point, and its cells in axes (u, v) turned by `angle`."""
        (cx, cy), (rows, cols) = center, self.shape
        window = (
            slice(max(0, int((cy - reach) / CELL_M)), min(rows, int((cy + reach) / CELL_M) + 1)),
            slice(max(0, int((cx - reach) / CELL_M)), min(cols, int((cx + reach) / CELL_M) + 1)),
        )
        dx, dy = self.x[window] - cx, self.y[window] - cy
        cos, sin = np.cos(angle), np.sin(angle)
        return window, cos * dx + sin * dy, cos * dy - sin * dx

    def paint(
        self,
        window: Window,
        where: np.ndarray,
        material: Material,
        tint: np.ndarray | float = 1.0,
        height: np.ndarray | float = 0.0,
    ) -> None:
        """Cover the cells `where` of a window with a material, its tint and its height."""
        self.material[window][where] = material
        self.tint[(slice(None), *window)][:, where] = np.reshape(tint, (-1, 1))
        self.height[window][where] = height[where] if isinstance(height, np.ndarray) else height

    def contains(self, point: Point) -> bool:
        rows, cols = self.shape
        return 0 <= point[0] < cols * CELL_M and 0 <= point[1] < rows * CELL_M


WHOLE: Window = (slice(None), slice(None))


def smooth_noise(rng: np.random.Generator, shape: tuple[int, int], scale_m: float) -> np.ndarray:
    """Random field of zero mean and unit deviation whose features are about `scale_m` wide.

    It is drawn on a coarse grid and interpolated, which costs the same for every scale.
    """
    step = max(1.0, scale_m / CELL_M / 2.0)
    coarse = [int(n / step) + 8 for n in shape]
    sigma = scale_m / CELL_M / step / 2.0
    field = gaussian_filter(rng.standard_normal(coarse), sigma, mode="wrap")
    rows, cols = (np.arange(n) / step + 3.5 for n in shape)
    if step > 1.0:
        grid = np.meshgrid(rows, cols, indexing="ij")
        field = map_coordinates(field, grid, order=3, mode="nearest")
    field = field[: shape[0], : shape[1]]
    return (field - field.mean()) / field.std()


def smooth_curve(points: Sequence[Point], step_m: float = 0.1) -> np.ndarray:
    """A smooth curve through `points`, sampled about every `step_m` metres: (n, 2)."""
    knots = np.asarray(points, float)
    chord = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(knots, axis=0).T))])
    spline = CubicSpline(chord, knots)
    return spline(np.linspace(0.0, chord[-1], int(chord[-1] / step_m) + 1))


def distance_to(curve: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Distance in metres of every cell to the nearest point of a curve."""
    cols, rows = np.floor(curve / CELL_M).astype(int).T
    inside = (rows >= 0) & (rows < shape[0]) & (cols >= 0) & (cols < shape[1])
    away = np.ones(shape, bool)
    away[rows[inside], cols[inside]] = False
    return distance_transform_edt(away) * CELL_M


def stations(curve: np.ndarray, every_m: float, step_m: float = 0.1) -> Iterator[tuple]:
    """Points along a curve with the direction of the curve there: ((x, y), angle)."""
    stride = int(every_m / step_m)
    for i in range(stride // 2, len(curve) - 1, stride):
        dx, dy = curve[i + 1] - curve[i]
        yield (float(curve[i, 0]), float(curve[i, 1])), float(np.arctan2(dy, dx))


def offset(point: Point, angle: float, u: float, v: float) -> Point:
    """The point `u` metres along and `v` metres across the direction `angle`."""
    cos, sin = np.cos(angle), np.sin(angle)
    return point[0] + cos * u - sin * v, point[1] + sin * u + cos * v


def scatter(
    rng: np.random.Generator, allowed: np.ndarray, spacing_m: float, tries: int = 6000
) -> list[Point]:
    """Random points in the `allowed` cells, no two closer than `spacing_m` (dart throwing)."""
    free = allowed.copy()
    reach = int(spacing_m / CELL_M)
    dy, dx = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    disc = dx**2 + dy**2 <= reach**2
    candidates = np.flatnonzero(allowed)
    picks = rng.choice(candidates, size=min(tries, candidates.size), replace=False)
    points = []
    for row, col in zip(*np.unravel_index(picks, allowed.shape), strict=True):
        if not free[row, col]:
            continue
        points.append(((col + 0.5) * CELL_M, (row + 0.5) * CELL_M))
        top, left = max(0, row - reach), max(0, col - reach)
        block = free[top : row + reach + 1, left : col + reach + 1]
        start = (top - row + reach, left - col + reach)
        block &= ~disc[start[0] :, start[1] :][: block.shape[0], : block.shape[1]]
    return points
