# SPDX-License-Identifier: GPL-2.0-or-later
"""A run of i.dl.predict: from probabilities to row bands on disk, and to maps."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack, closing
from typing import Any

import numpy as np

from .. import __version__
from ..core.readers import RowReader
from ..model.card import ModelCard
from ..model.ensemble import open_model
from ..model.novelty import FeatureStatistics
from ..runtime import keras_backend
from .band_matching import Adjustment, adjusted
from .band_shift import shifted_bands
from .cell_decision import CellDecision, RowBands
from .checkpoint import Checkpoint
from .forecast import cells_with_data
from .mosaic.mosaic import first_step
from .objects.finder import ObjectFinder
from .protocols import BandInputs, Cells, Inputs, Outputs
from .segments.segment_pass import SegmentPass
from .settings import MAPS, OPENVINO, Settings
from .strip_files import StripFiles
from .strips import StripComputer, StripsHere, StripWork, strips_of
from .targets import PREDICTION
from .tiled_network import TiledNetwork

STRIP_CELLS = 1 << 20
"""Cells of stored probabilities that are decided on at a time."""

ROWS_VERSION = 4
"""Version of how rows are computed, to the last digit, and written."""


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
        """Fields of the JSON output about a finished run."""
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
        """See `run_fingerprint`."""
        return run_fingerprint(self.settings, self.inputs)

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

    def _engine_record(self) -> dict[str, str]:
        """Engine and precision, for JSON."""
        return {"engine": self.settings.engine, "precision": self.settings.precision}

    def _note_engine(self) -> None:
        """Note engine and precision in the history of the maps."""
        self.outputs.note(f"engine {self.settings.engine}, precision {self.settings.precision}")

    def _note_threshold(self) -> None:
        """Note the threshold of two classes, which may be the model's, not an option's."""
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
    """A run on probabilities that the network computes from imagery.

    Args:
        card, settings, outputs, report: See `PredictionRun`.
        inputs: The bands.
        computer: Computes the strips.

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
        self.network = TiledNetwork(card, settings, inputs, outputs.figures, report)
        self.settings = self.network.settings
        self.decision = self.network.decision
        self._computer = computer or StripsHere()
        self._fingerprint: dict[str, str]
        self._files: StripFiles
        self._cells = 0

    def start(self, checkpoint: Checkpoint) -> Cells:
        """See `PredictionRun.start`; the engine is timed, too."""
        self.network.tile(checkpoint.shape)
        shape = self.network.plan.shape
        if self.card.halo is None:
            self.report(
                f"Network {self.card.network} {self.card.why_blended} and cannot be tiled "
                f"exactly: its tiles of {shape} cells overlap by half and are blended"
            )
        checkpoint.record_shape(shape)
        self._fingerprint = checkpoint.record.fingerprint
        self._files = StripFiles.of_run(checkpoint.folder, self._fingerprint, shape)
        return self.network.cells

    def row_bands(self, reader: Any, done: int) -> RowBands:
        """See `PredictionRun.row_bands`.

        Raises:
            ValueError: Bands that are to be adjusted have no data, or the same value everywhere.
        """
        plan = self.network.plan
        first = first_step(plan.rows, plan.tiling, done)
        self._cells = cells_with_data(reader, plan.rows, plan.cols, first)
        self.report(plan.summary(self._cells))
        self._note_engine()
        values, names, adjusts = reader, self.bands.names, self.settings.normalization == MAPS
        if adjusts:
            values = adjusted(reader, names, self.card, plan.rows, plan.cols, self.outputs.note)
        for line in shifted_bands(values, names, self.card, plan.rows, plan.cols, adjusts):
            self.outputs.warn(line)
        return self._computed(values, values.adjustment if adjusts else None, done)

    def _computed(self, values: RowReader, adjustment: Adjustment | None, done: int) -> RowBands:
        """The row bands after `done` rows, of bands that may be adjusted already."""
        plan = self.network.plan
        with self.network.read_ahead(adjustment) as ahead:
            work = StripWork(
                bands=self.bands,
                strips=strips_of(plan.rows, plan.tiling),
                files=self._files,
                windows=self.network.windows(values, ahead),
                decision=self.decision,
                plan=plan,
                adjustment=adjustment,
                figures=self.outputs.figures,
                engine=self.settings.engine,
                precision=self.settings.precision,
                fingerprint=self._fingerprint,
            )
            yield from self._computer.row_bands(work, done)

    @property
    def method(self) -> str:
        """See `PredictionRun.method`."""
        return self.network.plan.description

    def record(self) -> dict[str, Any]:
        """See `PredictionRun.record`."""
        facts = self.network.loaded.facts
        return {
            **super().record(),
            **self._engine_record(),
            "features": {"layer": facts.layer, "number": facts.features} if facts.layer else None,
            "tiling": self.network.plan.record(self._cells),
        }


def run_fingerprint(settings: Settings, inputs: Inputs) -> dict[str, str]:
    """What the result of a run depends on, as `io.resume` describes it.

    Args:
        settings: Those of the run, with the engine that computes.
        inputs: The maps that it reads.
    """
    packages = [OPENVINO] if settings.engine == OPENVINO else []
    versions = keras_backend.versions(*packages)
    model = open_model(settings.model)
    novelty = {}
    if settings.with_novelty:
        known = (FeatureStatistics.digest(one.folder) for one in model.members)
        novelty = {"the statistics for novelty": " ".join(known)}
    return {
        "the model": model.deciding_hash,
        **novelty,
        **inputs.fingerprint(),
        **settings.fingerprint(),
        "the software": f"i.dl {__version__}, rows {ROWS_VERSION}, {versions}",
    }


class StoredProbabilitiesRun(PredictionRun):
    """A run on probabilities that an earlier run wrote; no network is needed."""

    method = "from stored probabilities"

    def start(self, checkpoint: Checkpoint) -> None:
        """See `PredictionRun.start`."""

    def row_bands(self, reader: RowReader, done: int) -> RowBands:
        """See `PredictionRun.row_bands`."""
        return stored_bands(reader, self.decision, done)


def stored_bands(reader: RowReader, decision: CellDecision, done: int = 0) -> RowBands:
    """Decide on stored probabilities from north to south.

    Args:
        reader: Gives probabilities (rows, cols, classes) float32, and cells without data.
        decision: Turns them into row bands.
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
