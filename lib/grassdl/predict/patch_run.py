# SPDX-License-Identifier: GPL-2.0-or-later
"""A run of a model that gives a whole patch one class, for segments or for blocks of cells.

Patches are cut as in training: cells beyond the region are NULL, and band means replace NULL. A
segment or block whose patch has no data has no class.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core.group_sums import places_of
from ..core.readers import RowReader
from ..core.segment_centres import central_cells
from ..core.target import ByTarget
from ..core.text import duration
from ..model.card import ModelCard
from .band_shift import shifted_bands
from .cell_decision import RowBands
from .checkpoint import Checkpoint
from .engines.keras_engine import Engine
from .engines.selection import load_engine
from .engines.timing import seconds_per_cell
from .mosaic.prefetch import computed
from .mosaic.row_buffer import RowBuffer
from .protocols import BandInputs, Outputs
from .run import STRIP_CELLS, NetworkRun, PredictionRun
from .settings import Settings
from .strips import StripComputer
from .tiling.axis import Axis, Core, Span

WHOLE = slice(None), slice(None)


@dataclass(frozen=True)
class Patches:
    """Computes patches of a region.

    Attributes:
        reader: The bands.
        engine: Computes the network.
        fill: Value of every band that replaces NULL, (bands,) float32.
        size: Edge of a patch in cells.
        centre: Row and column of its central cell, the one that was labelled in training.
    """

    reader: RowReader
    engine: Engine
    fill: np.ndarray
    size: int
    centre: int

    def results(
        self, corners: np.ndarray, row: int | None = None
    ) -> Iterator[tuple[int, np.ndarray | None]]:
        """The results of patches.

        Args:
            corners: Upper left cells (n, 2), by ascending row; patches may reach beyond the region.
            row: Number of patches in a row of them, which are computed apart from other rows, so
                that a run that is resumed has the same result; None for patches anywhere.

        Yields:
            Index of each patch, and the engine's result for its central cell (layers,), or None
            where the patch has no data. A user's own network may give other cells other results.
        """
        shape = self.size, self.size, len(self.fill)
        number = self.engine.at_once(shape)

        def is_last(place: int) -> bool:
            return row is not None and place % row == row - 1

        for place, result in computed(self.engine, shape, self._windows(corners), number, is_last):
            yield place, None if result is None else result[self.centre, self.centre].copy()

    def _windows(self, corners: np.ndarray) -> Iterator[tuple[int, np.ndarray | None]]:
        buffer = RowBuffer(self.reader, len(self.fill), self.size)
        for place, (row, col) in enumerate(corners.tolist()):
            top, bottom = max(row, 0), min(row + self.size, self.reader.rows)
            left, right = max(col, 0), min(col + self.size, self.reader.cols)
            values, null = buffer.read(top, bottom - top)
            values, null = values[:, left:right], null[:, left:right]
            if null.all():
                yield place, None
                continue
            window = np.empty((self.size, self.size, len(self.fill)), np.float32)
            window[:] = self.fill
            inside = window[top - row : bottom - row, left - col : right - col]
            np.copyto(inside, values, where=~null[..., None])
            yield place, window


class PatchRun(PredictionRun):
    """Classes of patches: of the segments of a map by the patch around the centre of each, or of
    blocks of the region that are as large as a patch.

    Args:
        card, settings, inputs, outputs, report: See `NetworkRun`.
        computer: This process, which computes all patches; `Settings` refuses others.

    Raises:
        ValueError: The maps do not fit the model, or the network cannot be loaded.
    """

    def __init__(
        self,
        card: ModelCard,
        settings: Settings,
        inputs: BandInputs,
        outputs: Outputs,
        report: Callable[[str], None],
        computer: StripComputer | None = None,
    ):
        super().__init__(card, settings, inputs, outputs, report)
        self.bands = inputs
        card.check_resolution(self.region.nsres, self.region.ewres)
        self.loaded = load_engine(card, settings, report, self.prediction.disagreement)
        self.settings = self.loaded.settled(settings)

    def start(self, checkpoint: Checkpoint) -> None:
        """See `PredictionRun.start`: the region."""

    def row_bands(self, reader: Any, done: int) -> RowBands:
        """See `PredictionRun.row_bands`."""
        self._note_engine()
        self._warn_of_shifts(reader)
        centre, _ = self.card.target.labelled_part(self.card.size)
        engine, fill = self.loaded.engine, self.card.fill_values
        patches = Patches(reader, engine, fill, self.card.size, centre)
        opened = self.outputs.open_segments(None)
        if opened is None:
            return self._of_blocks(patches, done)
        return self._of_segments(patches, opened, done)

    def _warn_of_shifts(self, reader: RowReader) -> None:
        """Warn of bands that are unlike the training, as for classes of cells."""
        rows, cols = (
            Axis(one, one, (Core(one, one),))
            for one in (Span(0, reader.rows), Span(0, reader.cols))
        )
        # `adjusted` suppresses the advice normalization=maps, which is refused for patches.
        for line in shifted_bands(reader, self.bands.names, self.card, rows, cols, True):
            self.outputs.warn(line)

    def _of_blocks(self, patches: Patches, done: int) -> RowBands:
        """A row band of one row for each row of blocks."""
        size = patches.size
        across = -(-patches.reader.cols // size)
        rows = np.arange(done, -(-patches.reader.rows // size)) * size
        self.report(f"{len(rows) * across} patches, {self._expected_time(len(rows) * across)}")
        corners = np.stack(np.meshgrid(rows, np.arange(across) * size, indexing="ij"), axis=-1)
        band = None
        for place, result in patches.results(corners.reshape(-1, 2), across):
            col = place % across
            if band is None:
                band = self.decision.empty(1, across)
            if result is not None:
                where = slice(None), slice(col, col + 1)
                self.decision.decide(band, where, result[None, None], np.zeros((1, 1), bool))
            if col == across - 1:
                finished, band = band, None
                yield finished

    def _of_segments(
        self, patches: Patches, opened: AbstractContextManager[RowReader], done: int
    ) -> RowBands:
        """Row bands of cells, each with the result of its segment.

        Patches of a run that is resumed are computed again: only rows of the maps are kept.
        """
        with opened as segments:
            ids, centres = central_cells(segments)
            self.report(
                f"{len(ids)} segments, each by the patch around its central cell, "
                f"{self._expected_time(len(ids))}"
            )
            order = np.lexsort((centres[:, 1], centres[:, 0]))
            of_segment = np.zeros((len(ids), self.decision.layers), np.float32)
            has_data = np.zeros(len(ids), bool)
            for place, result in patches.results(centres[order] - patches.centre):
                if result is not None:
                    of_segment[order[place]], has_data[order[place]] = result, True
            if not has_data.any():
                raise ValueError("No segment has a patch with data: check the maps and the region")
            height = max(1, STRIP_CELLS // (segments.cols * self.decision.layers))
            for row in range(done, segments.rows, height):
                rows = min(height, segments.rows - row)
                own, outside = segments.read(row, rows)
                _, null = patches.reader.read(row, rows)
                found, places = places_of(own, outside | null)
                there = np.searchsorted(ids, found)
                nothing = np.zeros((1, self.decision.layers), np.float32)
                result = np.concatenate([of_segment[there], nothing])[places]
                band = self.decision.empty(rows, segments.cols)
                without = ~np.append(has_data[there], False)[places]
                self.decision.decide(band, WHOLE, result, without)
                yield band

    def _expected_time(self, patches: int) -> str:
        """How long the network takes for patches, after a trial."""
        size = self.card.size
        trial = self.card.fill_values, self.settings.stride, (size, size)
        seconds = seconds_per_cell(self.loaded.engine, *trial) * size**2 * patches
        return f"about {duration(max(seconds, 1))}"

    @property
    def method(self) -> str:
        """See `PredictionRun.method`."""
        what = "segments by their patches" if self.settings.outputs["segments"] else "blocks"
        return f"{what}, patches of {self.card.size} cells"

    def record(self) -> dict[str, Any]:
        """See `PredictionRun.record`."""
        block = self.settings.block
        return {
            **super().record(),
            "rows": -(-self.region.rows // block),
            "cols": -(-self.region.cols // block),
            **self._engine_record(),
        }


NETWORK_RUNS: ByTarget[Callable[..., PredictionRun]] = ByTarget(
    classes=NetworkRun, value=NetworkRun, patch=PatchRun
)
"""The run of a network, by the target of its model."""
