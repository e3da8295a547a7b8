# SPDX-License-Identifier: GPL-2.0-or-later
"""A run of i.dl.predict: probabilities become row bands, these are written, and become maps."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from .. import __version__
from ..core.readers import RowReader
from ..model.card import ModelCard
from ..model.ensemble import open_model
from ..runtime import keras_backend
from .band_matching import adjusted
from .band_shift import shifted_bands
from .cell_decision import CellBand, CellDecision, RowBands
from .checkpoint import Checkpoint
from .engines.selection import load_engine
from .engines.timing import seconds_per_cell
from .forecast import cells_with_data
from .mosaic.mosaic import first_step, row_bands
from .mosaic.windows import Windows
from .objects.finder import FoundObjects, ObjectFinder
from .segments.segment_pass import SegmentPass
from .settings import MAPS, OPENVINO, Settings
from .targets import PREDICTION
from .tiling_plan import Frame, Need, Plan, plan

STRIP_CELLS = 1 << 20
"""Cells of stored probabilities that are decided on at a time."""

ROWS_VERSION = 4
"""Changes with how rows are computed, to the last digit, and written."""


Cells = tuple[int, int, int, int]
"""First row, rows, first column and columns, counted from the upper left cell of the region."""


class Grid(Protocol):
    """Rows and columns of the output on the ground: GRASS's region."""

    @property
    def rows(self) -> int:
        """Number of rows."""

    @property
    def cols(self) -> int:
        """Number of columns."""

    @property
    def nsres(self) -> float:
        """Height of a cell."""

    @property
    def ewres(self) -> float:
        """Width of a cell."""


class Inputs(Protocol):
    """The maps that a run reads."""

    sources: list[str]
    """Names of all maps."""

    @property
    def region(self) -> Grid:
        """The region."""

    def fingerprint(self) -> dict[str, str]:
        """A text for each map, for the mask and the region, that changes with their cells."""

    def open(self, cells: Cells | None) -> AbstractContextManager[RowReader]:
        """Rows of the maps in a window, which may lie beyond the region; of the region if None.

        All maps that this process opens later are read in that window, too.
        """


class BandInputs(Inputs, Protocol):
    """The bands of a network."""

    names: list[str]
    dtype: np.dtype
    frame: Cells
    """The extent that the maps share."""


class Outputs(Protocol):
    """The maps and tables that a run writes."""

    @property
    def figures(self) -> dict[str, bool]:
        """Which figures of cells are needed, as `Decision` takes them."""

    def check_inputs(self, inputs: Iterable[str]) -> None:
        """Refuse to replace a map that is read."""

    def note(self, line: str) -> None:
        """Report a line, and add it to the history of the maps."""

    def warn(self, line: str) -> None:
        """Warn, and add the line to the history of the maps."""

    def open(self, folder: Path, rows: int) -> None:
        """Open the files of rows in a folder, after those that are finished."""

    def write(self, band: CellBand) -> None:
        """Write a row band; then it is on disk."""

    def close(self) -> None:
        """Close the files."""

    def open_segments(self, cells: Cells | None) -> AbstractContextManager[RowReader] | None:
        """The map of segments on the region's grid; None if there is none.

        Args:
            cells: The window that maps are read in.
        """

    def make(
        self,
        support: dict[str, str],
        columns: Mapping[str, np.ndarray],
        by_segment: Iterable[tuple[np.ndarray, np.ndarray]],
        objects: FoundObjects | None,
        before_naming: Callable[[], None],
    ) -> None:
        """Make maps and tables of what was written, which get their names when all are whole.

        Args:
            support: Description and sources of all maps.
            columns: The table of segments.
            by_segment: Rows of the map by segment: class index or value, and cells without.
            objects: The objects, if any are wanted.
            before_naming: Called before the first one gets its name.
        """


class PredictionRun(ABC):
    """One run, from probabilities to maps.

    A subclass says where probabilities come from. Its maps are opened once its checkpoint is: the
    tiling of a resumed run decides which window of them is read.

    Args:
        card: Card of the model.
        settings: Those of the run.
        inputs: The maps to read.
        outputs: The maps and tables to write.
        report: Takes a line for the user.

    Raises:
        ValueError: An output is also an input.
    """

    def __init__(
        self,
        card: ModelCard,
        settings: Settings,
        inputs: Inputs,
        outputs: Outputs,
        report: Callable[[str], None],
    ):
        outputs.check_inputs(inputs.sources)
        self.card = card
        self.settings = settings
        self.inputs = inputs
        self.region = inputs.region
        self.outputs = outputs
        self.report = report
        self.prediction = PREDICTION.of(card.target)
        self.decision: Any = self.prediction.decision(card, settings, outputs.figures)
        self.resumed_rows = 0

    @abstractmethod
    def start(self, checkpoint: Checkpoint) -> Cells | None:
        """Choose how to compute, as the checkpoint has it if a run is resumed.

        Returns:
            The window that is read; None for the region.
        """

    @abstractmethod
    def row_bands(self, reader: Any, done: int) -> RowBands:
        """Row bands that follow each other and cover the output after `done` finished rows.

        Args:
            reader: What `inputs` opens on the window.
            done: Finished rows.
        """

    @property
    @abstractmethod
    def method(self) -> str:
        """How probabilities are obtained, for the history of the maps."""

    def record(self) -> dict[str, Any]:
        """What a script may want to know of a run that has ended, for JSON."""
        return {
            "model": self.settings.model,
            "network": self.card.network,
            "rows": self.region.rows,
            "cols": self.region.cols,
            "resumed_rows": self.resumed_rows,
            "engine": None,
            "precision": None,
            "features": None,
            "tiling": None,
        }

    def fingerprint(self) -> dict[str, str]:
        """What the result depends on, as `io.resume` describes it."""
        packages = [OPENVINO] if self.settings.engine == OPENVINO else []
        versions = keras_backend.versions(*packages)
        return {
            "the model": open_model(self.settings.model).deciding_hash,
            **self.inputs.fingerprint(),
            **self.settings.fingerprint(),
            "the software": f"i.dl {__version__}, rows {ROWS_VERSION}, {versions}",
        }

    def execute(self, checkpoint: Checkpoint, progress: Callable[[int], None]) -> None:
        """Make the maps and tables.

        Args:
            checkpoint: An open one of this run.
            progress: Called with the number of finished rows.

        Raises:
            ValueError: No cell has data, or the disk cannot hold the output.
        """
        self.resumed_rows = checkpoint.rows
        with ExitStack() as cleanup:
            cells = self.start(checkpoint)
            reader = cleanup.enter_context(self.inputs.open(cells))
            bands = self.row_bands(reader, checkpoint.rows)
            self._note_threshold()
            self.outputs.open(checkpoint.folder, checkpoint.rows)
            cleanup.enter_context(closing(self.outputs))
            writers: list[Callable[[Any], None]] = [self.outputs.write]
            segments = self._segments(cells, checkpoint, cleanup)
            if segments:
                writers.append(segments.add)
            objects = self._objects(checkpoint, cleanup)
            if objects:
                writers.append(objects.add)
            checkpoint.write(bands, writers, progress)
            columns: Mapping[str, np.ndarray] = {}
            by_segment: Iterable[tuple[np.ndarray, np.ndarray]] = ()
            if segments:
                columns, by_segment = segments.result(self.card.target)
            support = self.card.provenance(self.method)
            found = objects.result() if objects else None
            self.outputs.make(support, columns, by_segment, found, checkpoint.record_naming)

    def _note_threshold(self) -> None:
        """Tell the threshold of two classes, which may be the model's and stand in no call."""
        if self.settings.threshold is not None and len(self.card.classes) == 2:
            second = list(self.card.classes)[1]
            self.outputs.note(f"class {second.full_name} from {self.settings.threshold:g} on")

    def _objects(self, checkpoint: Checkpoint, cleanup: ExitStack) -> ObjectFinder | None:
        if self.settings.objects is None:
            return None
        where = checkpoint.folder, self.region.cols, checkpoint.rows
        return cleanup.enter_context(closing(ObjectFinder(self.settings.objects, *where)))

    def _segments(
        self, cells: Cells | None, checkpoint: Checkpoint, cleanup: ExitStack
    ) -> SegmentPass | None:
        opened = self.outputs.open_segments(cells)
        if opened is None:
            return None
        reader = cleanup.enter_context(opened)
        folder, how = checkpoint.folder, self.settings.segments
        segments = self.prediction.segments(reader, self.decision, how, folder, checkpoint.rows)
        return cleanup.enter_context(closing(segments))


class NetworkRun(PredictionRun):
    """Probabilities that the network computes. Use it where there is imagery.

    Args:
        card, settings, outputs, report: See `PredictionRun`.
        inputs: The bands.

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
    ):
        super().__init__(card, settings, inputs, outputs, report)
        self.bands = inputs
        card.check_resolution(self.region.nsres, self.region.ewres)
        self.frame = Frame(*inputs.frame, self.region.rows, self.region.cols)
        self.frame.check_overlap()
        self.loaded = load_engine(card, settings, report, self.prediction.disagreement)
        engine, precision = self.loaded.name, self.loaded.precision
        self.settings = replace(settings, engine=engine, precision=precision)
        if settings.segment_features:
            self.decision = replace(self.decision, features=self.loaded.facts.features)
        self.tiling: Plan
        self._cells = 0

    def start(self, checkpoint: Checkpoint) -> Cells:
        """See `PredictionRun.start`; the engine is timed, too."""
        self.tiling = self._plan(checkpoint)
        if self.card.halo is None:
            self.report(
                f"Network {self.card.network} {self.card.why_blended} and cannot be tiled "
                f"exactly: its tiles of {self.tiling.shape} cells overlap by half and are blended"
            )
        largest = self.tiling.rows.longest_window, self.tiling.cols.longest_window
        trial = self.card.fill_values, self.settings.stride, largest
        seconds = seconds_per_cell(self.loaded.engine, *trial)
        self.tiling = replace(self.tiling, seconds_per_cell=seconds)
        checkpoint.record_shape(self.tiling.shape)
        return self.frame.window(self.tiling)

    def _plan(self, checkpoint: Checkpoint) -> Plan:
        """The tiles; those of an unfinished run if it is resumed."""
        # Adjusted bands are of floating type, whatever the maps are.
        adjusts = self.settings.normalization == MAPS
        dtype = np.dtype(np.float32) if adjusts else self.bands.dtype
        need = Need.of(self.card, self.loaded, self.settings, dtype, self.decision)
        return plan(self.settings, self.frame, need, checkpoint.shape)

    def row_bands(self, reader: Any, done: int) -> RowBands:
        """See `PredictionRun.row_bands`.

        Raises:
            ValueError: Bands that are to be adjusted have no data, or the same value everywhere.
        """
        rows, cols = self.tiling.rows, self.tiling.cols
        first = first_step(rows, self.settings.tiling, done)
        self._cells = cells_with_data(reader, rows, cols, first)
        self.report(self.tiling.summary(self._cells))
        self.outputs.note(f"engine {self.loaded.name}, precision {self.settings.precision}")
        values, names, adjusts = reader, self.bands.names, self.settings.normalization == MAPS
        if adjusts:
            values = adjusted(reader, names, self.card, rows, cols, self.outputs.note)
        for line in shifted_bands(values, names, self.card, rows, cols, adjusts):
            self.outputs.warn(line)
        windows = Windows(values, self.loaded.engine, self.card.fill_values, rows, cols)
        return row_bands(windows, self.decision, self.settings.tiling, done)

    @property
    def method(self) -> str:
        """See `PredictionRun.method`."""
        return self.tiling.description

    def record(self) -> dict[str, Any]:
        """See `PredictionRun.record`."""
        facts = self.loaded.facts
        return {
            **super().record(),
            "engine": self.loaded.name,
            "precision": self.settings.precision,
            "features": {"layer": facts.layer, "number": facts.features} if facts.layer else None,
            "tiling": self.tiling.record(self._cells),
        }


class StoredProbabilitiesRun(PredictionRun):
    """Probabilities that an earlier run wrote. Use it for other maps of them: no network runs."""

    method = "out of stored probabilities"

    def start(self, checkpoint: Checkpoint) -> None:
        """See `PredictionRun.start`."""

    def row_bands(self, reader: RowReader, done: int) -> RowBands:
        """See `PredictionRun.row_bands`."""
        return stored_bands(reader, self.decision, done)


def stored_bands(reader: RowReader, decision: CellDecision, done: int = 0) -> RowBands:
    """Decide on stored probabilities from north to south.

    Args:
        reader: Gives probabilities (rows, cols, classes) float32, and cells without data.
        decision: What becomes of them.
        done: Rows that are left out.

    Yields:
        Row bands that follow each other and cover the others.
    """
    height = max(1, STRIP_CELLS // reader.cols)
    for row in range(done, reader.rows, height):
        probabilities, null = reader.read(row, min(height, reader.rows - row))
        band = decision.empty(*null.shape)
        decision.decide(band, (slice(None), slice(None)), probabilities, null)
        yield band
