# SPDX-License-Identifier: GPL-2.0-or-later
"""The engine of a model folder."""

from __future__ import annotations

from .. import backend
from ..model import ModelCard, load_network
from .engines import Engine, KerasEngine, check_network
from .settings import Settings
from .turning import TurningEngine


def load_engine(folder: str, card: ModelCard, settings: Settings) -> Engine:
    """The network of a model, ready to compute.

    Raises:
        ValueError: It is missing, damaged, or not the one that the card describes.
    """
    backend.prepare(settings.nprocs, exact=True)
    network = load_network(folder)
    check_network(network, card)
    engine = KerasEngine(network, card.temperature)
    return TurningEngine(engine) if settings.turned else engine
