# SPDX-License-Identifier: GPL-2.0-or-later
"""Strips: the rows that some steps of the tiling finish, the unit in which a prediction is divided.

A strip ends where a step does, so that its row bands are those of the whole, whichever process
computes it. The division into strips depends on the tiling alone: a run is resumed with the strips
of the earlier one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from .band_matching import Adjustment
from .cell_decision import CellDecision, RowBands
from .mosaic.mosaic import TILINGS, row_bands
from .mosaic.windows import Windows
from .protocols import BandInputs
from .strip_files import StripFiles
from .tiling.axis import Axis
from .tiling_plan import Plan

STEPS = {"exact": 1, "blend": 8}
"""Steps in a strip, by the value of the option `tiling`. A blended strip computes the step before
it, too."""


@dataclass(frozen=True)
class Strip:
    """Rows `start` to `stop` (excluded) of the output."""

    start: int
    stop: int

    def __str__(self) -> str:
        return f"rows {self.start + 1} to {self.stop}"


def strips_of(rows: Axis, tiling: str) -> list[Strip]:
    """All rows of the output as strips, from north to south; the first and the last have those
    beyond the frame.

    Args:
        rows: Tiling of the rows.
        tiling: "exact" or "blend".
    """
    ends = [span.stop - rows.output.start for span in TILINGS[tiling][1](rows)]
    # The last steps take what lies below the frame.
    inner = [end for end in ends[STEPS[tiling] - 1 :: STEPS[tiling]] if 0 < end < ends[-1]]
    return [Strip(*pair) for pair in pairwise([0, *inner, len(rows.output)])]


@dataclass(frozen=True)
class StripWork:
    """The strips to compute.

    Attributes:
        bands: What is read.
        strips: All strips.
        files: Files of finished strips that wait for the rows before them.
        windows: Computes them in this process.
        decision: Turns results into row bands.
        plan: The tiling.
        adjustment: Of the bands, if they are adjusted.
        figures: Which figures of cells are needed, as `Outputs.figures` has them.
        engine, precision: Engine and precision.
        fingerprint: What the result depends on, as `io.resume` describes it.
    """

    bands: BandInputs
    strips: Sequence[Strip]
    files: StripFiles
    windows: Windows
    decision: CellDecision
    plan: Plan
    adjustment: Adjustment | None
    figures: dict[str, bool]
    engine: str
    precision: str
    fingerprint: dict[str, str]

    def left(self, done: int) -> list[Strip]:
        """The strips that are not among the first `done` rows."""
        return [one for one in self.strips if one.stop > done]

    def is_finished(self, strip: Strip) -> bool:
        """Whether the strip waits in its file."""
        return self.files.path(strip.start, strip.stop).is_file()

    def waiting(self, strip: Strip, done: int) -> RowBands:
        """The row bands of a finished strip, without the first `done` rows; its file is removed
        after the last one is consumed."""
        path = self.files.path(strip.start, strip.stop)
        yield from self.files.bands(path, self.decision, strip.start, done)
        self.files.remove(path)

    def computed(self, start: int, stop: int) -> RowBands:
        """The row bands of rows `start` to `stop`, computed by this process."""
        return row_bands(self.windows, self.decision, self.plan.tiling, start, stop)


class StripComputer(ABC):
    """Computes the strips of a run."""

    @abstractmethod
    def row_bands(self, work: StripWork, done: int) -> RowBands:
        """The row bands of all strips but the first `done` rows, from north to south."""


class StripsHere(StripComputer):
    """Computes strips in this process, one after the other, on a single machine."""

    def row_bands(self, work: StripWork, done: int) -> RowBands:
        """See `StripComputer.row_bands`; strips that follow each other are computed as one."""
        start = done
        for strip in work.left(done):
            if not work.is_finished(strip):
                continue
            if start < strip.start:
                yield from work.computed(start, strip.start)
            yield from work.waiting(strip, done)
            start = strip.stop
        end = work.strips[-1].stop
        if start < end:
            yield from work.computed(start, end)
