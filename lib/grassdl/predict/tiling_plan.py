# SPDX-License-Identifier: GPL-2.0-or-later
"""The tiling of a run, and the memory and time that it takes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from ..core.text import duration
from ..model.card import ModelCard
from ..runtime.keras_backend import physical_memory
from .cell_decision import CellDecision
from .engines.keras_engine import GPU_CELLS
from .engines.openvino_engine import WEIGHTS_OF_SIZE, window_sizes
from .engines.selection import LoadedEngine
from .settings import OPENVINO, Settings
from .tiling.axis import Axis, Span
from .tiling.tile_shape import (
    Budget,
    CellMemory,
    TileShape,
    blended_shape,
    computed_cells,
    exact_shape,
)

MEGABYTE = 1e6

KERAS_MB = 850
"""Memory of Python, GRASS, Keras and its backend before they work (measured with TensorFlow 2.21:
780 to 830 MB)."""

OPENVINO_MB = 150
"""The same with OpenVINO instead of Keras (measured with OpenVINO 2026.4: 110 MB)."""

PIECES_MB = 50
"""Memory of the pieces in which maps are read and written."""

LEAST_MB = 1200
"""The least memory budget of a run."""

LEAST_BESIDES_MB = 1000
"""The share of it for all but the network."""

LEAST_WORK_MB = 250
"""The least memory for windows and results, besides software and weights."""

NETWORK_MARGIN = 1.2
"""Memory that networks take, as a multiple of the estimate from their layers: the maximum of all
networks of the registry, measured on a CPU with TensorFlow and OpenVINO in both precisions."""

FLOAT_BYTES = 4


@dataclass(frozen=True)
class Need:
    """What the memory of a run depends on, besides the tiling.

    Attributes:
        working: Bytes of the network for each cell of a window, as
            `networks.analysis.memory_estimate.working_bytes` gives them.
        weights: Number of weights of the network, all copies of them together.
        bands: Number of bands.
        layers: Values per cell: `Decision.layers`, and features that only the novelty needs.
        band_bytes: Bytes of a value of a band as it is read.
        output_bytes: Bytes of a cell of a row band, as `Decision.cell_bytes` has it.
        with_keras: Whether Keras is in memory.
        at_once: Cells of several windows that a GPU computes at once.
    """

    working: float
    weights: int
    bands: int
    layers: int
    band_bytes: int
    output_bytes: int
    with_keras: bool
    at_once: int = 0

    @classmethod
    def of(
        cls,
        card: ModelCard,
        loaded: LoadedEngine,
        settings: Settings,
        dtype: np.dtype,
        decision: CellDecision,
    ) -> Need:
        """The need of a model whose bands are read in `dtype`."""
        copies = 1
        if loaded.name == OPENVINO:
            copies += WEIGHTS_OF_SIZE * window_sizes(settings.tiling, settings.augmented)
            copies += loaded.with_keras
        return cls(
            working=loaded.facts.working[settings.precision],
            weights=card.parameters * copies,
            bands=len(card.bands),
            layers=decision.layers + loaded.facts.features - decision.features,
            band_bytes=dtype.itemsize,
            output_bytes=decision.cell_bytes,
            with_keras=loaded.with_keras,
            at_once=GPU_CELLS if loaded.on_gpu else 0,
        )

    @property
    def fixed(self) -> float:
        """Bytes that do not depend on the tiling."""
        software = KERAS_MB if self.with_keras else OPENVINO_MB
        groups = self._copies * self.at_once
        return (software + PIECES_MB) * MEGABYTE + FLOAT_BYTES * self.weights + groups

    @property
    def _copies(self) -> int:
        """Bytes of the windows and results of a cell.

        One window waits while one is computed, and one result is ready; copies that the engine
        makes of them are included.
        """
        return FLOAT_BYTES * (4 * self.bands + 6 * self.layers)

    def budget(self, memory: int) -> Budget:
        """The part of the memory of a run, in megabytes, that a tiling may take."""
        all_mb, besides_mb = max(memory, LEAST_MB), max(memory, LEAST_BESIDES_MB)
        everything = max(all_mb * MEGABYTE - self.fixed, LEAST_WORK_MB * MEGABYTE)
        return Budget(everything, max(besides_mb * MEGABYTE - self.fixed, 0))

    def of_cells(self, tiling: str) -> CellMemory:
        """What cells take. Of the buffered rows, two NULL masks are needed."""
        # Blended row bands have half the rows of a tile.
        output = float(self.output_bytes)
        if tiling != "exact":
            output = FLOAT_BYTES * self.layers + self.output_bytes / 2
        return CellMemory(
            window=NETWORK_MARGIN * self.working + self._copies,
            buffered=self.bands * self.band_bytes + 3,
            output=output,
        )


@dataclass(frozen=True)
class Plan:
    """The tiling of a run.

    Attributes:
        tiling: "exact" or "blend".
        halo: Cells that an exact tile reads around its core.
        shape: Rows and columns of a tile.
        rows, cols: The tiling of rows and of columns.
        bytes: Estimated memory of the whole process.
        seconds_per_cell: Time for a cell of a window; 0 before it is known.
    """

    tiling: str
    halo: int
    shape: TileShape
    rows: Axis
    cols: Axis
    bytes: float
    seconds_per_cell: float = 0

    @property
    def computed_cells(self) -> int:
        """Cells of all windows, halo included."""
        return computed_cells(self.rows, self.cols)

    @property
    def overhead(self) -> float:
        """Cells computed for each cell of the output within the frame."""
        return self.computed_cells / (len(self.rows.wanted) * len(self.cols.wanted))

    @property
    def tiles(self) -> int:
        """Number of tiles, empty ones included."""
        return len(self.rows.cores) * len(self.cols.cores)

    def record(self, cells: int) -> dict[str, Any]:
        """The content of `summary` for JSON."""
        return {
            "method": self.tiling,
            "tiles": self.tiles,
            "tile_rows": self.shape.rows,
            "tile_cols": self.shape.cols,
            "halo": self.halo,
            "overhead": self.overhead,
            "memory_bytes": round(self.bytes),
            "expected_seconds": self.seconds_per_cell * cells,
        }

    def summary(self, cells: int) -> str:
        """One line before the start.

        Args:
            cells: Cells of the windows to compute: without those of empty tiles, and those that an
                earlier run finished.
        """
        seconds = self.seconds_per_cell * cells
        return (
            f"{self.tiles} tiles of {self.shape} cells with a halo of {self.halo} cells "
            f"(tiling={self.tiling}): {self.overhead:.2f} cells computed for each cell of the "
            f"map, {self.bytes / 1e9:.1f} GB of memory, about {duration(max(seconds, 1))} of "
            "computing"
        )

    @property
    def description(self) -> str:
        """The tiling for the history of the maps."""
        return f"tiling={self.tiling}, tiles of {self.shape} cells, halo {self.halo}"


@dataclass(frozen=True)
class Frame:
    """The extent of the input maps on the region's grid, and the region's own.

    Attributes:
        top, rows, left, cols: The frame, counted from the region's upper left cell.
        region_rows, region_cols: Size of the region.
    """

    top: int
    rows: int
    left: int
    cols: int
    region_rows: int
    region_cols: int

    @property
    def axes(self) -> list[tuple[int, Span]]:
        """Cells of the frame, and the region counted from its first, by rows and by columns."""
        return [
            (self.rows, Span(-self.top, self.region_rows - self.top)),
            (self.cols, Span(-self.left, self.region_cols - self.left)),
        ]

    def window(self, tiling: Plan) -> tuple[int, int, int, int]:
        """The cells that the tiles need, counted from the region's upper left one: first row, rows,
        first column, columns."""
        rows, cols = tiling.rows.input, tiling.cols.input
        return self.top + rows.start, len(rows), self.left + cols.start, len(cols)

    def check_overlap(self) -> None:
        """Refuse a region that does not overlap the frame.

        Raises:
            ValueError: It does not.
        """
        for length, output in self.axes:
            if not len(output.clipped(Span(0, length))):
                raise ValueError("The region lies outside the input maps: set it with g.region")


def plan(settings: Settings, frame: Frame, need: Need, shape: TileShape | None = None) -> Plan:
    """Tile the region.

    Args:
        settings: Those of the run.
        frame: The extent of inputs and output.
        need: What memory depends on.
        shape: That of the run that is resumed; None chooses.

    Raises:
        ValueError: Tiles of the size that was given take more memory than this machine has.
    """
    memory = need.of_cells(settings.tiling)
    plan_rows, plan_cols = (partial(settings.axis, *axis) for axis in frame.axes)
    if shape is None and settings.tile_size:
        shape = TileShape(settings.tile_size, settings.tile_size)
    if shape is None:
        budget = need.budget(settings.memory)
        if settings.tiling == "exact":
            shape = exact_shape(
                plan_rows, plan_cols, settings.stride, settings.halo, memory, budget
            )
        else:
            shape = blended_shape(plan_rows, plan_cols, settings.stride, memory, budget)
    rows, cols = plan_rows(shape.rows), plan_cols(shape.cols)
    taken = need.fixed + memory.of(rows, cols)
    there = physical_memory()
    if settings.tile_size and there is not None and taken > there:
        raise ValueError(
            f"Tiles of {shape} cells take about {taken / 1e9:.1f} GB of memory, this machine has "
            f"{there / 1e9:.1f} GB: leave out tile_size, or use a smaller one"
        )
    return Plan(settings.tiling, settings.halo, shape, rows, cols, taken)
