# SPDX-License-Identifier: GPL-2.0-or-later
"""The network of a model in the engine that was asked for, or the fastest one that is there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .. import backend
from ..model import ModelCard, load_network
from .conversion import ConversionError, ConvertedNetwork, import_openvino
from .engines import Engine, KerasEngine, check_network
from .openvino_engine import OpenVinoEngine
from .settings import AUTO, BFLOAT16, KERAS, OPENVINO, Settings
from .turning import TurningEngine

if TYPE_CHECKING:
    import keras

TRIAL_CELLS = 64
"""Edge of the window on which a converted network is tried, at least."""


@dataclass(frozen=True)
class LoadedEngine:
    """A network that is ready to compute.

    Attributes:
        engine: Computes it.
        name: Which engine that is.
        working: Bytes that it takes for each cell of a window, as
            `networks.working_memory.working_bytes` tells.
        features: Number of features that it gives beside the probabilities.
    """

    engine: Engine
    name: str
    working: float
    features: int = 0


def load_engine(
    folder: str, card: ModelCard, settings: Settings, tell: Callable[[str], None]
) -> LoadedEngine:
    """The network of a model, ready to compute; to be called before any import of keras.

    Args:
        folder: The model folder.
        card: What it knows.
        settings: What was asked for.
        tell: Takes a line for the user.

    Raises:
        ValueError: The network is damaged, has no such features, or the engine or precision cannot
            be had.
        ModuleNotFoundError: The engine's package is not installed.
    """
    backend.prepare(settings.nprocs, exact=True)
    from ..networks.working_memory import working_bytes

    network = load_network(folder)
    check_network(network, card)
    network, features = _with_features(network, settings, tell)
    if _openvino_is_wanted(settings):
        place = Path(folder).expanduser()
        engine, name = _openvino(network, features, place, card, settings, tell)
    else:
        engine, name = KerasEngine(network, card.temperature, features.number), KERAS
    turned = TurningEngine(engine) if settings.turned else engine
    return LoadedEngine(turned, name, working_bytes(network), features.number)


@dataclass(frozen=True)
class _Features:
    """What the network gives beside the probabilities: how many features of which layer."""

    layer: str = ""
    number: int = 0


def _with_features(
    network: keras.Model, settings: Settings, tell: Callable[[str], None]
) -> tuple[keras.Model, _Features]:
    """The network with the features that are asked for, if any, and which they are."""
    if not settings.segment_features:
        return network, _Features()
    from ..networks.hidden import with_features

    found, layer = with_features(network, settings.segment_features)
    number = found.output_shape[-1] - network.output_shape[-1]
    tell(f"segment_features: {number} features of layer <{layer}>")
    return found, _Features(layer, number)


def _openvino_is_wanted(settings: Settings) -> bool:
    """Whether OpenVINO is asked for, or faster than Keras: it computes on processors only."""
    if settings.engine != AUTO:
        return settings.engine == OPENVINO
    if settings.precision == BFLOAT16:
        return True
    return not backend.has_gpu() and _openvino_is_installed()


def _openvino_is_installed() -> bool:
    try:
        import_openvino()
    except ImportError:
        return False
    return True


def _openvino(
    network: keras.Model,
    features: _Features,
    folder: Path,
    card: ModelCard,
    settings: Settings,
    tell: Callable[[str], None],
) -> tuple[Engine, str]:
    """The engine of OpenVINO; where that was not asked for and cannot be had, the one of Keras."""
    try:
        trial = _trial_window(card)
        converted = ConvertedNetwork(network, folder, trial, tell, features.layer)
    except ConversionError as error:
        if settings.engine == OPENVINO or settings.precision == BFLOAT16:
            raise ValueError(f"{error}: use engine=keras, in float32") from error
        tell(f"{error}: Keras computes it")
        return KerasEngine(network, card.temperature, features.number), KERAS
    how = (settings.precision, card.temperature, settings.nprocs, features.number)
    return OpenVinoEngine(converted, *how), OPENVINO


def _trial_window(card: ModelCard) -> np.ndarray:
    """Values (rows, cols, bands) float32 as the training had them."""
    cells = -(-TRIAL_CELLS // card.stride) * card.stride
    shape = (cells, cells, len(card.bands))
    return np.random.default_rng(0).normal(card.mean, card.deviation, shape).astype(np.float32)
