# SPDX-License-Identifier: GPL-2.0-or-later
"""The outputs of i.dl.predict: maps by cell and segment, and tables of the segments."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, ExitStack, closing
from pathlib import Path
from typing import Any

import grass.script as gs
import numpy as np

from ...core.outlines import AS_CELLS, Outlines
from ...core.target import ByTarget, Target
from ..raster.region import Region
from ..session.output_names import check_vectors_differ
from .class_maps import ClassificationMaps
from .segment_tables import SegmentRows, SegmentTables
from .value_maps import ValueMaps

_MAPS: ByTarget[Callable[..., ClassificationMaps | ValueMaps]] = ByTarget(
    classes=ClassificationMaps.from_options, value=ValueMaps.from_options
)


class PredictionOutputs:
    """All maps and tables of a run, which get their names when all of them are complete.

    An implementation of `grassdl.predict.run.Outputs`.

    Args:
        options: Of the module.
        target: Target of the model.
        minsize: Least number of cells of the areas of the vector map.
        region: The region.
        unfinished: Whether an earlier run may have begun to name its outputs: then they may exist.
        outlines: How the areas of the vector map are drawn.

    Raises:
        ValueError: One of the outputs cannot be written.
    """

    def __init__(
        self,
        options: Mapping[str, str],
        target: Target,
        minsize: int,
        region: Region,
        unfinished: bool,
        outlines: Outlines = AS_CELLS,
    ):
        self._region = region
        self._maps = _MAPS.of(target)(options, target, minsize, unfinished, outlines)
        self._tables = None
        if options["segments"]:
            self._tables = SegmentTables.from_options(options, unfinished)
            self.check_inputs([self._tables.raster])
            check_vectors_differ(list(filter(None, (options["vector"], self._tables.vector))))

    @property
    def names(self) -> list[str]:
        """Names of the maps, and paths of the files."""
        return [*self._maps.names, *(self._tables.names if self._tables else [])]

    @property
    def notes(self) -> list[str]:
        """The lines of `note`."""
        return self._maps.notes

    @property
    def figures(self) -> dict[str, bool]:
        """See `Outputs.figures`."""
        with_probabilities = self._maps.with_probabilities or self._tables is not None
        return {**self._maps.figures, "with_probabilities": with_probabilities}

    def check_inputs(self, inputs: Iterable[str]) -> None:
        """See `Outputs.check_inputs`."""
        self._maps.check_inputs(inputs)

    def note(self, line: str) -> None:
        """See `Outputs.note`."""
        gs.message(line)
        self._maps.notes.append(line)

    def warn(self, line: str) -> None:
        """See `Outputs.warn`."""
        gs.warning(line)
        self._maps.notes.append(line)

    def open(self, folder: Path, rows: int) -> None:
        """See `Outputs.open`."""
        self._maps.open(folder, rows, self._region)

    def write(self, band: Any) -> None:
        """See `Outputs.write`; a band is a `grassdl.predict.cell_decision.CellBand`."""
        self._maps.write(band)

    def close(self) -> None:
        """See `Outputs.close`."""
        self._maps.close()

    def open_segments(
        self, cells: tuple[int, int, int, int] | None
    ) -> AbstractContextManager[SegmentRows] | None:
        """See `Outputs.open_segments`.

        Raises:
            ValueError: See `SegmentTables.check_segments`.
        """
        if self._tables is None:
            return None
        window = self._region.window(*cells) if cells else self._region
        rows = SegmentRows(self._tables.raster, self._region, window)
        self._tables.check_segments(rows)
        return closing(rows)

    def make(
        self,
        support: dict[str, str],
        columns: Mapping[str, np.ndarray],
        by_segment: Iterable[tuple[np.ndarray, np.ndarray]],
        objects: Any,
        before_naming: Callable[[], None],
    ) -> None:
        """See `Outputs.make`."""
        beside, last = [], [before_naming]
        with ExitStack() as cleanup:
            if self._tables:
                table = cleanup.enter_context(self._tables.staged(columns))
                beside.append(table.write)
                last.append(table.finish)
            made_of = by_segment, objects
            self._maps.make_maps(self._region, support, *made_of, beside, last)
