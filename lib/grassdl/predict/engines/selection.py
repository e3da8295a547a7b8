# SPDX-License-Identifier: GPL-2.0-or-later
"""The network of a model in the engine that was chosen, or the fastest one that is installed."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ...model.card import ModelCard
from ...runtime import keras_backend
from ...runtime.workers import run_apart
from ..settings import AUTO, BFLOAT16, KERAS, OPENVINO, Settings
from .keras_engine import Engine, KerasEngine
from .network_facts import NetworkFacts, network_and_facts
from .openvino_cache import (
    AnySizeNetwork,
    ConversionError,
    cache_folder,
    find_cached,
    import_openvino,
)
from .openvino_conversion import (
    SizeBySizeNetwork,
    can_be_cached,
    convert_and_cache,
    converted,
    trial_window,
)
from .openvino_engine import OpenVinoEngine
from .test_time_augmentation import AugmentedEngine

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class LoadedEngine:
    """A network that is ready to compute.

    Attributes:
        engine: Computes it.
        name: Which engine that is.
        facts: Of the network.
        with_keras: Whether Keras and its backend are in memory, too.
    """

    engine: Engine
    name: str
    facts: NetworkFacts
    with_keras: bool


def load_engine(card: ModelCard, settings: Settings, report: Callable[[str], None]) -> LoadedEngine:
    """The network of a model, ready to compute; to be called before any import of keras.

    Args:
        card: Card of the model.
        settings: Those of the run, which name the model folder.
        report: Takes a line for the user.

    Raises:
        ValueError: The network is damaged, has no such features, or the engine or precision is not
            available.
        ModuleNotFoundError: The engine's package is not installed.
    """
    path = Path(settings.model).expanduser()
    found = _openvino(path, card, settings, report) if _uses_openvino(settings) else None
    name = OPENVINO if found else KERAS
    engine, facts = found or _keras(path, card, settings)
    if facts.features:
        report(f"segment_features: {facts.features} features of layer <{facts.layer}>")
    if settings.augmented:
        engine = AugmentedEngine(engine)
    return LoadedEngine(engine, name, facts, keras_backend.is_loaded())


def _keras(folder: Path, card: ModelCard, settings: Settings) -> tuple[Engine, NetworkFacts]:
    """The engine of Keras."""
    network, facts = _keras_network(folder, card, settings)
    return KerasEngine(network, card.temperature, facts.features), facts


def _uses_openvino(settings: Settings) -> bool:
    """Whether OpenVINO is chosen, or faster than Keras: it computes on processors only."""
    if settings.engine != AUTO:
        return settings.engine == OPENVINO
    if settings.precision == BFLOAT16:
        return True
    return _openvino_is_installed() and not _has_gpu(settings.nprocs)


def _openvino_is_installed() -> bool:
    try:
        import_openvino()
    except ImportError:
        return False
    return True


def _has_gpu(nprocs: int) -> bool:
    if not keras_backend.may_have_gpu():
        return False
    keras_backend.prepare(nprocs, exact=True)
    return keras_backend.has_gpu()


def _openvino(
    folder: Path, card: ModelCard, settings: Settings, report: Callable[[str], None]
) -> tuple[Engine, NetworkFacts] | None:
    """The engine of OpenVINO; None where it was not chosen and is not available."""
    try:
        network = _for_openvino(folder, card, settings, report)
    except ConversionError as error:
        if settings.engine == OPENVINO or settings.precision == BFLOAT16:
            raise ValueError(f"{error}: use engine=keras, in float32") from error
        report(f"{error}: Keras computes it")
        return None
    how = (settings.precision, card.temperature, settings.nprocs, network.facts.features)
    return OpenVinoEngine(network, *how), network.facts


def _for_openvino(
    folder: Path, card: ModelCard, settings: Settings, report: Callable[[str], None]
) -> AnySizeNetwork | SizeBySizeNetwork:
    """The network converted for OpenVINO, by another process if it can be cached: then this one
    needs no Keras."""
    layer = settings.segment_features
    cache = cache_folder(folder, layer)
    found = find_cached(cache)
    writable = os.access(folder, os.W_OK)
    if not found and writable and can_be_cached(folder) and not keras_backend.is_loaded():
        try:
            run_apart(convert_and_cache, folder, settings.nprocs, layer)
        except ChildProcessError:
            raise ConversionError("The process that converts the network was killed") from None
        found = find_cached(cache)
    if found:
        found.facts.check(card)
        return found
    network, facts = _keras_network(folder, card, settings)
    return converted(network, facts, cache, trial_window(card), report)


def _keras_network(
    folder: Path, card: ModelCard, settings: Settings
) -> tuple[keras.Model, NetworkFacts]:
    if not keras_backend.is_loaded():
        keras_backend.prepare(settings.nprocs, exact=True)
    return network_and_facts(folder, card, settings.segment_features)
