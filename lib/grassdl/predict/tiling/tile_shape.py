# SPDX-License-Identifier: GPL-2.0-or-later
"""The shape of tiles that computes the fewest cells within a given memory.

Cells beyond the core of a tile are computed more than once. A tile as wide as the region has no
halo at its sides, but takes memory for the whole width; a square has the smallest halo for its
area. Which shape computes least depends on region, halo and memory, so all divisions of rows and
columns are compared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .axis import Axis, up

MOST_CELLS = 4_000_000
"""Cells of the largest window: one window is lost when a run is killed, and some backends count the
values of an array in 32 bits."""

LEAST_CORE = 16
"""Cells along the edge of the smallest core that is considered."""

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
        buffered: A cell of a window's rows, which are buffered in all columns of the input.
        output: A cell of the rows of a step's core, in all columns of the output.
    """

    window: float
    buffered: float
    output: float

    def of(self, rows: Axis, cols: Axis) -> float:
        """The most bytes that a tiling takes at once."""
        window = rows.longest_window * cols.longest_window
        return self.window * window + self.of_rows(rows, cols)

    def of_rows(self, rows: Axis, cols: Axis) -> float:
        """The part that depends on the whole width, not on the width of tiles."""
        buffered = self.buffered * rows.longest_window * len(cols.input)
        return buffered + self.output * rows.longest_core * len(cols.output)


@dataclass(frozen=True)
class Budget:
    """Memory in bytes that a tiling may take.

    Attributes:
        all: All together.
        rows: Buffers and output over the whole width.
    """

    all: float
    rows: float

    def suffices(self, memory: CellMemory, rows: Axis, cols: Axis) -> bool:
        """Whether a tiling fits."""
        return memory.of(rows, cols) <= self.all and memory.of_rows(rows, cols) <= self.rows


AxisPlan = Callable[[int], Axis]
"""Tiles one axis by cores of about the given number of cells."""


def exact_shape(
    rows: AxisPlan, cols: AxisPlan, stride: int, halo: int, memory: CellMemory, budget: Budget
) -> TileShape:
    """The shape of exact tiles that computes the fewest cells; of equal ones, that of fewest tiles.

    Args:
        rows: Tiles the rows.
        cols: Tiles the columns.
        stride: Total stride of the network.
        halo: Reach of a core.
        memory: What cells take.
        budget: Available memory. If no shape fits, the one that exceeds it least is taken.
    """
    along, across = (_divisions(axis, stride, halo) for axis in (rows, cols))
    ranked = (
        (_rank(one, other, memory, budget), TileShape(height, width))
        for height, one in along
        for width, other in across
    )
    return min(ranked, key=lambda pair: pair[0])[1]


def _rank(rows: Axis, cols: Axis, memory: CellMemory, budget: Budget) -> tuple[float, ...]:
    """Sort key, lowest best: by work for shapes that fit, by memory for the others."""
    over_all = max(0, memory.of(rows, cols) - budget.all)
    over_rows = max(0, memory.of_rows(rows, cols) - budget.rows)
    over_cells = max(0, rows.longest_window * cols.longest_window - MOST_CELLS)
    tiles = len(rows.cores) * len(cols.cores)
    return over_all, over_rows, over_cells, computed_cells(rows, cols), tiles


def blended_shape(
    rows: AxisPlan, cols: AxisPlan, stride: int, memory: CellMemory, budget: Budget
) -> TileShape:
    """The largest square up to `BLENDED_SIZE` that fits; arguments as `exact_shape` takes them."""
    sizes = range(up(BLENDED_SIZE, 2 * stride), 0, -2 * stride)
    fitting = (size for size in sizes if budget.suffices(memory, rows(size), cols(size)))
    size = next(fitting, sizes[-1])
    return TileShape(size, size)


def computed_cells(rows: Axis, cols: Axis) -> int:
    """Cells of all windows together, empty ones included."""
    return rows.window_cells * cols.window_cells


def _divisions(plan: AxisPlan, stride: int, halo: int) -> list[tuple[int, Axis]]:
    """Core sizes to compare, and the tilings by them."""
    return [(size, plan(size)) for size in _core_sizes(plan, stride, halo)]


def _core_sizes(plan: AxisPlan, stride: int, halo: int) -> Iterator[int]:
    """For every number of tiles the smallest core, down to `LEAST_CORE`.

    All windows have one length, and neighbours overlap by two halos: with the same number of tiles
    a larger core only computes more.
    """
    (only,) = plan(_ENDLESS).cores
    inner, least = len(only.window) - 2 * halo, up(LEAST_CORE, stride)
    size = len(only.core)
    yield size
    while inner > 0 and size > least:
        tiles = -(-inner // max(size - stride, least))
        size = max(up(-(-inner // tiles), stride), least)
        yield size


_ENDLESS = 1 << 40
"""Cells of a core that covers any axis."""
