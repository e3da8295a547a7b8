# SPDX-License-Identifier: GPL-2.0-or-later
"""The loaded model of a region: engine, decision and tiling."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any

import numpy as np

from ..core.readers import RowReader
from ..model.card import ModelCard
from .band_matching import Adjustment
from .engines.selection import load_engine
from .engines.timing import seconds_per_cell
from .mosaic.windows import Windows
from .protocols import BandInputs, Cells
from .read_ahead import ReadAhead
from .settings import MAPS, Settings
from .targets import PREDICTION
from .tiling.tile_shape import TileShape
from .tiling_plan import Frame, Need, Plan, plan


class TiledNetwork:
    """The network of a run, on the bands of its region.

    Args:
        card: Card of the model.
        settings: Those of the run.
        bands: The bands.
        figures: Which figures of cells are needed, as `Outputs.figures` has them.
        report: Takes a line for the user.

    Attributes:
        settings: With the engine and the precision that compute.
        loaded: That engine.
        decision: Turns its results into row bands.
        plan: The tiling; `tile` makes it.

    Raises:
        ValueError: The maps do not fit the model, or the network cannot be loaded.
    """

    def __init__(
        self,
        card: ModelCard,
        settings: Settings,
        bands: BandInputs,
        figures: Mapping[str, bool],
        report: Callable[[str], None],
    ):
        region = bands.region
        card.check_resolution(region.nsres, region.ewres)
        self._card, self._bands = card, bands
        self._frame = Frame(*bands.frame, region.rows, region.cols)
        self._frame.check_overlap()
        prediction = PREDICTION.of(card.target)
        self.loaded = load_engine(card, settings, report, prediction.disagreement)
        self.settings = self.loaded.settled(settings)
        decision: Any = prediction.decision
        self.decision = decision(card, settings, figures)
        if settings.segment_features:
            self.decision = replace(self.decision, features=self.loaded.facts.features)
        self.plan: Plan

    def tile(self, shape: TileShape | None) -> None:
        """Tile the region, and time the engine, which is then in the same state before the first
        tile of any run.

        Args:
            shape: Of the tiles; None chooses.

        Raises:
            ValueError: See `tiling_plan.plan`.
        """
        # Adjusted bands are of floating type, whatever the maps are.
        adjusts = self.settings.normalization == MAPS
        dtype = np.dtype(np.float32) if adjusts else self._bands.dtype
        need = Need.of(self._card, self.loaded, self.settings, dtype, self.decision)
        untimed = plan(self.settings, self._frame, need, shape)
        largest = untimed.rows.longest_window, untimed.cols.longest_window
        trial = self._card.fill_values, self.settings.stride, largest
        self.plan = replace(untimed, seconds_per_cell=seconds_per_cell(self.loaded.engine, *trial))

    @property
    def cells(self) -> Cells:
        """The window of the region that is read."""
        return self._frame.window(self.plan)

    def windows(self, values: RowReader, ahead: ReadAhead | None = None) -> Windows:
        """The windows of the tiling.

        Args:
            values: The bands of `cells`.
            ahead: Reads them in place of `values`, see `read_ahead`.
        """
        tiles = self.plan.rows, self.plan.cols
        how = self.loaded.engine, self._card.fill_values
        return Windows(values, *how, *tiles, ahead.rows if ahead else None)

    def read_ahead(self, adjustment: Adjustment | None) -> AbstractContextManager[ReadAhead | None]:
        """Processes that read the bands for a GPU; none for a processor.

        Args:
            adjustment: Of the bands, if they are adjusted.
        """
        if not self.loaded.on_gpu:
            return nullcontext()
        return ReadAhead(self._bands, self.cells, adjustment, self.settings.nprocs)
