# SPDX-License-Identifier: GPL-2.0-or-later
"""Row bands that a network computes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..core.readers import BandReader
from ..model.card import ModelCard
from .band_matching import adjusted
from .decision import Decision, RowBands
from .engines.selection import LoadedEngine
from .forecast import cells_with_data
from .mosaic.mosaic import first_step, row_bands
from .mosaic.windows import Windows
from .settings import MAPS, Settings
from .tiling_plan import Plan


def network_bands(
    reader: BandReader,
    names: Sequence[str],
    loaded: LoadedEngine,
    card: ModelCard,
    settings: Settings,
    tiling: Plan,
    decision: Decision,
    done: int,
    tell: Callable[[str], None],
    show: Callable[[str], None],
) -> RowBands:
    """The rows of the output that are not finished, as `rowbands.row_bands` gives them.

    Args:
        reader: The bands of the cells that the tiling needs.
        names: Their names.
        loaded: The network.
        card: Card of its model.
        settings: Those of the run.
        tiling: The tiles.
        decision: What becomes of the probabilities.
        done: Rows that an earlier run finished.
        tell: Takes what is to be told to the user and in the history of the maps.
        show: Takes what is to be told to the user alone.

    Raises:
        ValueError: Bands that are to be adjusted have no data, or the same value everywhere.
    """
    first = first_step(tiling.rows, settings.tiling, done)
    show(tiling.told(cells_with_data(reader, tiling.rows, tiling.cols, first)))
    tell(f"engine {loaded.name}, precision {settings.precision}")
    values = reader
    if settings.normalization == MAPS:
        values = adjusted(reader, names, card, tiling.rows, tiling.cols, tell)
    windows = Windows(values, loaded.engine, card.fill_values, tiling.rows, tiling.cols)
    return row_bands(windows, decision, settings.tiling, done)
