# SPDX-License-Identifier: GPL-2.0-or-later
"""The interfaces of inputs and outputs of a prediction, implemented by `grassdl.gis`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

import numpy as np

from ..core.readers import RowReader
from .cell_decision import CellBand
from .objects.finder import FoundObjects

Cells = tuple[int, int, int, int]
"""First row, rows, first column and columns, counted from the upper left cell of the region."""


class Grid(Protocol):
    """The grid of the output: GRASS's region."""

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
        """A text for each map, the mask and the region, which changes with their content."""

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
        """Make maps and tables of the written rows; they are renamed once all are complete.

        Args:
            support: Description and sources of all maps.
            columns: The table of segments.
            by_segment: Rows of the map by segment: class index or value, and cells without.
            objects: The objects, if any are wanted.
            before_naming: Called before the first is renamed.
        """
