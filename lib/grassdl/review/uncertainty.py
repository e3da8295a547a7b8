# SPDX-License-Identifier: GPL-2.0-or-later
"""The uncertainty of a model in each square of a region, and features of the squares."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

import numpy as np

from ..core.readers import BandReader, RowReader
from ..model.card import ModelCard
from ..predict.checkpoint import Checkpoint, Record
from ..predict.decision import Decision
from ..predict.objects.finder import FoundObjects
from ..predict.protocols import BandInputs, Cells
from ..predict.run import NetworkRun, stored_bands
from ..predict.settings import Settings
from .squares import SquareGrid, SquareSums

UNCERTAINTY, DISAGREEMENT = "uncertainty", "disagreement"
"""Scores of squares: of an ensemble the second, the part that more labels lower."""


@dataclass(frozen=True)
class SquareFigures:
    """Scores and features of each square.

    Attributes:
        measure: `UNCERTAINTY` or `DISAGREEMENT`.
        scores: Its mean over the cells with data (down, across).
        looks: Features of the square (down, across, features).
        cells: Number of cells with data (down, across).
    """

    measure: str
    scores: np.ndarray
    looks: np.ndarray
    cells: np.ndarray


def of_imagery(
    card: ModelCard,
    settings: Settings,
    bands: BandInputs,
    grid: SquareGrid,
    report: Reporter,
    progress: Callable[[int], None],
) -> SquareFigures:
    """Run a network over a region; the features are means and deviations of the bands.

    Args:
        card: Card of the model.
        settings: Those of the run.
        bands: The imagery.
        grid: The squares of its region.
        report: Takes lines for the user.
        progress: Called with the number of finished rows.

    Raises:
        ValueError: See `NetworkRun`.
    """
    measure = DISAGREEMENT if card.members else UNCERTAINTY
    scores = SquareSums(grid, 1)
    looks = SquareSums(grid, 2 * len(card.bands))
    outputs = _NoMaps(measure, scores, report)
    run = NetworkRun(card, settings, _Watched(bands, looks), outputs, report.message)
    with TemporaryDirectory() as folder:
        record = Record({}, rows=0, of=grid.rows, tile=None, has_data=False, naming=False)
        run.execute(Checkpoint(Path(folder), record), progress)
    mean, square = np.split(looks.means, 2, axis=-1)
    deviation = np.sqrt(np.maximum(square - mean * mean, 0))
    seen = np.concatenate([mean, deviation], axis=-1)
    return SquareFigures(measure, scores.means[..., 0], seen, scores.cells)


def of_probabilities(
    reader: RowReader, classes: int, grid: SquareGrid, progress: Callable[[int], None]
) -> SquareFigures:
    """Read probabilities that an earlier run wrote; the features are their means.

    Args:
        reader: Gives the probabilities of the region.
        classes: Number of classes.
        grid: The squares of the region.
        progress: Called with the number of finished rows.

    Raises:
        ValueError: No cell has data.
    """
    sums, row = SquareSums(grid, 1 + classes), 0
    decision = Decision(
        classes, with_uncertainty=True, with_probabilities=True, with_confidence=False
    )
    for band in stored_bands(reader, decision):
        assert band.uncertainty is not None and band.probabilities is not None
        sums.add(row, np.dstack([band.uncertainty, band.probabilities]), band.null)
        row += len(band.null)
        progress(row)
    means = sums.means
    return SquareFigures(UNCERTAINTY, means[..., 0], means[..., 1:], sums.cells)


class Reporter(Protocol):
    """Takes lines for the user."""

    def message(self, line: str) -> None:
        """Report a line."""

    def warning(self, line: str) -> None:
        """Warn."""


class _NoMaps:
    """The outputs of a run that writes no maps: figures of squares, see `predict.run.Outputs`.

    Args:
        measure: `UNCERTAINTY` or `DISAGREEMENT`.
        sums: Takes the figures.
        report: Takes lines for the user.
    """

    def __init__(self, measure: str, sums: SquareSums, report: Reporter):
        self._measure, self._sums, self._report = measure, sums, report
        self._row = 0

    @property
    def figures(self) -> dict[str, bool]:
        return {"with_confidence": False, f"with_{self._measure}": True}

    def check_inputs(self, inputs: Iterable[str]) -> None:
        """No map is replaced."""

    def note(self, line: str) -> None:
        self._report.message(line)

    def warn(self, line: str) -> None:
        self._report.warning(line)

    def open(self, folder: Path, rows: int) -> None:
        """There are no files."""

    def write(self, band: Any) -> None:
        figure = getattr(band, self._measure)
        self._sums.add(self._row, figure[..., np.newaxis], band.null)
        self._row += len(band.null)

    def close(self) -> None:
        """There are no files."""

    def open_segments(self, cells: Cells | None) -> None:
        """There are no segments."""

    def make(
        self,
        support: dict[str, str],
        columns: Mapping[str, np.ndarray],
        by_segment: Iterable[tuple[np.ndarray, np.ndarray]],
        objects: FoundObjects | None,
        before_naming: Callable[[], None],
    ) -> None:
        """There are no maps."""


class _Watched:
    """Bands whose cells are summed as they are read, which saves another pass.

    Args:
        bands: The bands.
        looks: Takes the values of each band, then their squares.
    """

    def __init__(self, bands: BandInputs, looks: SquareSums):
        self._bands, self._looks = bands, looks
        self.sources, self.names = bands.sources, bands.names
        self.dtype, self.frame, self.region = bands.dtype, bands.frame, bands.region

    def fingerprint(self) -> dict[str, str]:
        return self._bands.fingerprint()

    @contextmanager
    def open(self, cells: Cells | None) -> Iterator[Any]:
        # `cells` is not None in a run of a network.
        assert cells is not None
        reader: Any
        with self._bands.open(cells) as reader:
            yield WatchedReader(reader, self._looks, cells, self._bands.region.cols)


class WatchedReader:
    """A reader that adds the cells of the region to sums, each row once.

    Args:
        reader: Reads a window of the region and around it.
        looks: See `_Watched`.
        cells: The window.
        width: Columns of the region.
    """

    def __init__(self, reader: BandReader, looks: SquareSums, cells: Cells, width: int):
        self._reader, self._looks = reader, looks
        self._top, _, self._left, _ = cells
        self._width = width
        # Rows above the region are not counted.
        self._next = max(-self._top, 0)
        self.rows, self.cols = reader.rows, reader.cols

    @property
    def dtype(self) -> np.dtype:
        return self._reader.dtype

    def null(self, row: int, rows: int) -> np.ndarray:
        return self._reader.null(row, rows)

    def read(self, row: int, rows: int) -> tuple[np.ndarray, np.ndarray]:
        values, null = self._reader.read(row, rows)
        # For estimates single rows are read before the others.
        if row <= self._next < row + rows:
            new = slice(self._next - row, None)
            self._look(self._next, values[new], null[new])
            self._next = row + rows
        return values, null

    def _look(self, row: int, values: np.ndarray, null: np.ndarray) -> None:
        """Add rows, in the columns of the region, of which the window may lack some."""
        first = max(self._left, 0)
        inside = slice(first - self._left, self._width - self._left)
        part = values[:, inside].astype(np.float64)
        missing = np.ones((len(null), self._width), bool)
        wide = np.zeros((len(null), self._width, 2 * part.shape[-1]))
        here = slice(first, first + part.shape[1])
        missing[:, here] = null[:, inside]
        wide[:, here] = np.concatenate([part, part * part], axis=-1)
        self._looks.add(self._top + row, wide, missing)
