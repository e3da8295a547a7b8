# SPDX-License-Identifier: GPL-2.0-or-later
"""Which shape of tiles computes least within a given memory.

What a tile computes beyond its core is lost work. A strip as wide as the region has no halo at its
sides, but its windows take memory for the whole width; a square has the least border for its area.
Which of them, or what between them, computes least depends on region, halo and memory: the ways to
divide rows and columns are compared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .tiles import Axis, up

MOST_CELLS = 4_000_000
"""Cells of the largest window: what is computed at once is lost when a run is killed, and some
backends count the values of an array in 32 bits."""

LEAST_CORE = 16
"""Cells along the edge of the smallest core that is looked at."""

FEW_SIZES = 40
"""Sizes of cores along an axis, in strides, that are all looked at."""

BLENDED_SIZE = 512
"""Edge in cells of a blended tile, on which its result depends, where memory allows."""


@dataclass(frozen=True)
class TileShape:
    """Rows and columns of a tile: of its core, where tiling is exact."""

    rows: int
    cols: int

    def __str__(self) -> str:
        return f"{self.rows} x {self.cols}"


@dataclass(frozen=True)
class CellMemory:
    """Memory in bytes that cells take.

    Attributes:
        window: A cell of a window, while the network computes it.
        held: A cell of a window's rows, which are held in all columns of the input.
        made: A cell of the rows of a step's core, which are made in all columns of the output.
    """

    window: float
    held: float
    made: float

    def of(self, rows: Axis, cols: Axis) -> float:
        """The most bytes that a tiling takes at once."""
        height, width = rows.longest_window, cols.longest_window
        return (
            self.window * height * width
            + self.held * height * len(cols.input)
            + self.made * rows.longest_core * len(cols.output)
        )


AxisPlan = Callable[[int], Axis]
"""Tiles one axis by cores of about so many cells."""


def exact_shape(
    rows: AxisPlan, cols: AxisPlan, stride: int, memory: CellMemory, budget: float
) -> TileShape:
    """The shape of exact tiles that computes the fewest cells; of several, that of fewest tiles.

    Args:
        rows: Tiles the rows.
        cols: Tiles the columns.
        stride: Total stride of the network.
        memory: What cells take.
        budget: Bytes that there are. Where no shape suffices, the one that takes least is taken.
    """
    along, across = (_divisions(axis, stride) for axis in (rows, cols))
    best = least = None
    for height, rows_axis in along:
        for width, cols_axis in across:
            needed = memory.of(rows_axis, cols_axis)
            shape = TileShape(height, width)
            if least is None or needed < least[0]:
                least = (needed, shape)
            if rows_axis.longest_window * cols_axis.longest_window > MOST_CELLS or needed > budget:
                continue
            tiles = len(rows_axis.cores) * len(cols_axis.cores)
            cost = (computed_cells(rows_axis, cols_axis), tiles, needed)
            if best is None or cost < best[0]:
                best = (cost, shape)
    return (best or least)[1]


def blended_shape(
    rows: AxisPlan, cols: AxisPlan, stride: int, memory: CellMemory, budget: float
) -> TileShape:
    """The largest square up to `BLENDED_SIZE` that fits; arguments as `exact_shape` takes them."""
    sizes = range(up(BLENDED_SIZE, 2 * stride), 0, -2 * stride)
    fitting = (size for size in sizes if memory.of(rows(size), cols(size)) <= budget)
    size = next(fitting, sizes[-1])
    return TileShape(size, size)


def computed_cells(rows: Axis, cols: Axis) -> int:
    """Cells of all windows together, as if none were without data."""
    return rows.window_cells * cols.window_cells


def _divisions(plan: AxisPlan, stride: int) -> list[tuple[int, Axis]]:
    """Cores that are worth looking at, and the tilings by them."""
    return [(size, plan(size)) for size in _core_sizes(plan, stride)]


def _core_sizes(plan: AxisPlan, stride: int) -> Iterator[int]:
    """All core sizes of a short axis; of a long one those that divide it evenly.

    The others need as many cells in windows that are longer, but for those that the maps' edges
    clip, which do not matter among many.
    """
    (only,) = plan(_ENDLESS).cores
    length = len(only.core)
    least = min(up(LEAST_CORE, stride), length)
    size = length
    while size > least:
        yield size
        shorter = size - stride
        steps = -(-length // shorter)
        size = shorter if length <= FEW_SIZES * stride else up(-(-length // steps), stride)
    yield least


_ENDLESS = 1 << 40
"""Cells of a core that covers any axis."""
