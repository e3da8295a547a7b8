# SPDX-License-Identifier: GPL-2.0-or-later
"""Exact tiling: which windows to compute so that their cores join to the whole without a seam.

All rows and columns are counted from the upper left cell of the *frame*, the extent of the input
maps. The result is, by definition, a crop of the network run once over the frame, which is filled
below and to the right up to a multiple of the network's stride. A core therefore begins and ends
on multiples of the stride, its window reaches one halo further, and at the frame's edges the window
is clipped, so that there the network's own padding acts as it does for the whole.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Span:
    """Cells `start` to `stop` (excluded) along one axis."""

    start: int
    stop: int

    def __len__(self) -> int:
        return max(0, self.stop - self.start)

    def clipped(self, other: Span) -> Span:
        """The part that lies in `other`; empty where they are apart."""
        start = min(max(self.start, other.start), other.stop)
        return Span(start, max(start, min(self.stop, other.stop)))

    def relative_to(self, origin: int) -> slice:
        """The span as a slice of an array that begins at `origin`."""
        return slice(self.start - origin, self.stop - origin)


@dataclass(frozen=True)
class Core:
    """One step of the tiling along one axis: the cells it decides and the window it needs."""

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
    def input(self) -> Span:
        """The cells of the frame that the windows need."""
        if not self.cores:
            return Span(0, 0)
        return Span(self.cores[0].window.start, self.cores[-1].window.stop).clipped(self.frame)


def plan_axis(length: int, output: Span, tile_size: int, stride: int, halo: int) -> Axis:
    """Tile one axis.

    Args:
        length: Cells of the frame.
        output: Cells of the output, counted from the frame's first.
        tile_size: Wanted cells of a core; rounded up to a multiple of the stride.
        stride: Total stride of the network.
        halo: Reach of an aligned core, a multiple of the stride.
    """
    frame = Span(0, length)
    filled = Span(0, _up(length, stride))
    step = _up(max(tile_size, 1), stride)
    wanted = output.clipped(frame)
    cores = []
    for start in range(wanted.start // stride * stride, wanted.stop, step) if len(wanted) else ():
        core = Span(start, start + step).clipped(Span(0, _up(wanted.stop, stride)))
        window = Span(core.start - halo, core.stop + halo).clipped(filled)
        cores.append(Core(core, window))
    return Axis(frame, output, tuple(cores))


def _up(cells: int, stride: int) -> int:
    return -(-cells // stride) * stride
