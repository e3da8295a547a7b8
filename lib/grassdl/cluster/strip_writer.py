# SPDX-License-Identifier: GPL-2.0-or-later
"""Strips computed in a session of GRASS other than the module's, and written to its spool."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..core.text import listed
from ..io.resume import changes
from ..model.ensemble import open_model
from ..predict.band_matching import AdjustedReader, Adjustment
from ..predict.mosaic.mosaic import row_bands
from ..predict.protocols import BandInputs
from ..predict.run import run_fingerprint
from ..predict.settings import Settings
from ..predict.strip_files import StripFiles
from ..predict.tiled_network import TiledNetwork
from ..predict.tiling.tile_shape import TileShape


@dataclass(frozen=True)
class StripTask:
    """The inputs of the strips of a run.

    Attributes:
        options, flags: Of the module, with its engine and precision.
        bands: The maps, as the module found them: a series may have others by now.
        figures: Which figures of cells are needed.
        shape: Of the tiles.
        adjustment: Of the bands, if they are adjusted.
        fingerprint: What the result depends on, as computed by the module.
        folder: The spool.
    """

    options: dict[str, str]
    flags: dict[str, bool]
    bands: BandInputs
    figures: dict[str, bool]
    shape: TileShape
    adjustment: Adjustment | None
    fingerprint: dict[str, str]
    folder: Path


class StripWriter:
    """Computes strips, and writes them to the spool.

    Args:
        task: The run.
        threads: Threads to compute with.
        cleanup: Closes the maps.

    Raises:
        ValueError: This machine has other software, maps or files than the module's.
    """

    def __init__(self, task: StripTask, threads: int, cleanup: ExitStack):
        card = open_model(task.options["model"]).card
        settings = replace(Settings.from_options(task.options, task.flags, card), nprocs=threads)
        bands = task.bands
        differences = changes(task.fingerprint, run_fingerprint(settings, bands))
        if differences:
            raise ValueError(f"differs from the module in {listed(differences)}")
        if not task.folder.is_dir():
            raise ValueError(f"does not see the folder <{task.folder}>")
        network = TiledNetwork(card, settings, bands, task.figures, lambda line: None)
        if network.settings.precision != settings.precision:
            raise ValueError(f"cannot compute in {settings.precision}")
        network.tile(task.shape)
        reader: Any = cleanup.enter_context(bands.open(network.cells))
        if task.adjustment:
            reader = AdjustedReader(reader, task.adjustment)
        ahead = cleanup.enter_context(network.read_ahead(task.adjustment))
        self._windows = network.windows(reader, ahead)
        self._network = network
        self._files = StripFiles.of_run(task.folder, task.fingerprint, task.shape)

    def write(self, start: int, stop: int) -> None:
        """Compute the rows `start` to `stop` and write them, unless they are on disk."""
        path = self._files.path(start, stop)
        if not path.is_file():
            how = self._network.decision, self._network.plan.tiling
            self._files.write(path, row_bands(self._windows, *how, start, stop))
