# SPDX-License-Identifier: GPL-2.0-or-later
"""Tiling: which windows to compute so that the output has no seams.

All rows and columns are counted from the upper left cell of the *frame*, the extent of the input
maps, so that neighbouring regions have the same tiles. The frame is filled below and to the right
up to a multiple of the network's stride, on whose multiples tiles begin and end; at its edges
windows are clipped, so that there the network's own padding acts as it does for the whole.

Exact tiling makes the output a crop of the network run once over the frame: tiles have a core each,
and their window extends it by at least one halo. Blended tiling is for networks whose receptive
field is the whole window: tiles overlap by half, and their results are averaged.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Span:
    """Cells `start` to `stop` (excluded) along one axis."""

    start: int
    stop: int

    def __len__(self) -> int:
        return max(0, self.stop - self.start)

    def clipped(self, other: Span) -> Span:
        """The part that lies in `other`; empty if they are disjoint."""
        start = min(max(self.start, other.start), other.stop)
        return Span(start, max(start, min(self.stop, other.stop)))

    def relative_to(self, origin: int) -> slice:
        """The span as a slice of an array that begins at `origin`."""
        return slice(self.start - origin, self.stop - origin)


@dataclass(frozen=True)
class Core:
    """One step of the tiling along one axis: the cells it decides, alone or with its neighbours,
    and the window it computes."""

    core: Span
    window: Span


@dataclass(frozen=True)
class Axis:
    """The tiling of rows or of columns.

    Attributes:
        frame: Cells of the frame, from 0.
        output: Cells of the output; they may lie beyond the frame.
        cores: Steps that cover the output within the frame.
    """

    frame: Span
    output: Span
    cores: tuple[Core, ...]

    @property
    def wanted(self) -> Span:
        """The cells of the output that the frame has."""
        return self.output.clipped(self.frame)

    @property
    def input(self) -> Span:
        """The cells of the frame that the windows need."""
        if not self.cores:
            return Span(0, 0)
        return Span(self.cores[0].window.start, self.cores[-1].window.stop).clipped(self.frame)

    @cached_property
    def longest_window(self) -> int:
        """Cells of the longest window."""
        return max(len(one.window) for one in self.cores)

    @cached_property
    def longest_core(self) -> int:
        """Cells of the longest core."""
        return max(len(one.core) for one in self.cores)

    @cached_property
    def window_cells(self) -> int:
        """Cells of all windows together."""
        return sum(len(one.window) for one in self.cores)


def plan_axis(length: int, output: Span, tile_size: int, stride: int, halo: int) -> Axis:
    """Tile one axis exactly, by windows of one length: engines prepare themselves for each.

    At the frame's edges, where there is no halo, cores are longer by it. The last window begins
    earlier than its core needs.

    Args:
        length: Cells of the frame.
        output: Cells of the output, counted from the frame's first.
        tile_size: Wanted cells of a core; rounded up to a multiple of the stride.
        stride: Total stride of the network.
        halo: Reach of an aligned core, a multiple of the stride.
    """
    frame = Span(0, length)
    filled = Span(0, up(length, stride))
    wanted = output.clipped(frame)
    if not len(wanted):
        return Axis(frame, output, ())
    covered = Span(wanted.start // stride * stride, up(wanted.stop, stride))
    needed = Span(covered.start - halo, covered.stop + halo).clipped(filled)
    size = min(up(max(tile_size, 1), stride) + 2 * halo, len(needed))
    cores, start = [], covered.start
    while start < covered.stop:
        window = _window(max(start - halo, needed.start), size, needed)
        stop = covered.stop if window.stop == needed.stop else window.stop - halo
        cores.append(Core(Span(start, stop), window))
        start = stop
    return Axis(frame, output, tuple(cores))


def _window(start: int, size: int, needed: Span) -> Span:
    """The window that begins at a cell, or earlier if it would end beyond the needed cells."""
    start = min(start, needed.stop - size)
    return Span(start, start + size)


def plan_blended_axis(length: int, output: Span, tile_size: int, stride: int) -> Axis:
    """Tile one axis by windows that overlap by half.

    The last tile, clipped, is still longer than half a tile, unless the frame is shorter itself.

    Args:
        length: Cells of the frame.
        output: Cells of the output, counted from the frame's first.
        tile_size: Wanted cells of a tile; rounded up to twice a multiple of the stride.
        stride: Total stride of the network.
    """
    frame = Span(0, length)
    filled = Span(0, up(length, stride))
    half = up(-(-tile_size // 2), stride)
    wanted = output.clipped(frame)
    tiles = (Span(start, start + 2 * half) for start in range(0, max(length - half, 1), half))
    cores = (Core(tile, tile.clipped(filled)) for tile in tiles if len(tile.clipped(wanted)))
    return Axis(frame, output, tuple(cores))


def up(cells: int, stride: int) -> int:
    """The next multiple of the stride."""
    return -(-cells // stride) * stride
