# SPDX-License-Identifier: GPL-2.0-or-later
"""The start of a run: the network is loaded, the tiles are chosen, and the user is told."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..model import ModelCard
from .decision import Decision
from .engines import Engine
from .loading import load_engine
from .plan import Frame, Need, Plan, plan
from .settings import Settings
from .spool import Spool
from .timing import seconds_per_cell


def start(
    folder: str,
    card: ModelCard,
    settings: Settings,
    frame: Frame,
    decision: Decision,
    dtype: np.dtype,
    spool: Spool,
    tell: Callable[[str], None],
) -> tuple[Engine, Plan]:
    """Prepare to compute, with the tiles of an earlier run if it is gone on with.

    Args:
        folder: The model folder.
        card: Its card.
        settings: Those of the run.
        frame: The extent of inputs and output.
        decision: What becomes of the probabilities.
        dtype: In which bands are read.
        spool: That of the run; the tiles' shape is recorded there.
        tell: Tells the user a line.

    Returns:
        The engine, and the tiling.

    Raises:
        ValueError: The network cannot be loaded, or does not fit its card.
    """
    engine, working_bytes = load_engine(folder, card, settings)
    need = Need.of(card, working_bytes, dtype, decision)
    tiling = plan(settings, frame, need, spool.shape)
    if card.halo is None:
        tell(
            f"Network {card.network} looks at the whole image at once and cannot be tiled exactly: "
            f"its tiles of {tiling.shape} cells overlap by half and are blended"
        )
    window = (tiling.rows.longest_window, tiling.cols.longest_window)
    seconds = seconds_per_cell(engine, card.fill_values, settings.stride, window)
    tell(tiling.told(seconds, spool.rows))
    spool.begin(tiling.shape)
    return engine, tiling
