# SPDX-License-Identifier: GPL-2.0-or-later
"""The start of a run: the tiles are chosen, and the engine is timed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ..model.card import ModelCard
from .checkpoint import Spool
from .decision import Decision
from .engines.selection import LoadedEngine
from .engines.timing import seconds_per_cell
from .settings import MAPS, Settings
from .tiling_plan import Frame, Need, Plan, plan


def start(
    loaded: LoadedEngine,
    card: ModelCard,
    settings: Settings,
    frame: Frame,
    decision: Decision,
    dtype: np.dtype,
    spool: Spool,
    tell: Callable[[str], None],
) -> Plan:
    """Choose the tiles, those of an earlier run if it is gone on with.

    Args:
        loaded: The network.
        card: Its card.
        settings: Those of the run.
        frame: The extent of inputs and output.
        decision: What becomes of the probabilities.
        dtype: In which bands are read.
        spool: That of the run; the tiles' shape is recorded there.
        tell: Tells the user a line.

    Returns:
        The tiling, with the time that a cell takes.
    """
    # Adjusted bands are of floating type, whatever the maps are.
    adjusted = np.dtype(np.float32) if settings.normalization == MAPS else dtype
    need = Need.of(card, loaded, settings, adjusted, decision)
    tiling = plan(settings, frame, need, spool.shape)
    if card.halo is None:
        tell(
            f"Network {card.network} looks at the whole image at once and cannot be tiled exactly: "
            f"its tiles of {tiling.shape} cells overlap by half and are blended"
        )
    window = (tiling.rows.longest_window, tiling.cols.longest_window)
    seconds = seconds_per_cell(loaded.engine, card.fill_values, settings.stride, window)
    spool.begin(tiling.shape)
    return replace(tiling, seconds_per_cell=seconds)
