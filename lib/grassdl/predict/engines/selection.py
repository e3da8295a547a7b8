# SPDX-License-Identifier: GPL-2.0-or-later
"""The network of a model in the engine that was chosen, or the fastest one that is installed."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ...model.card import ModelCard
from ...model.ensemble import Member, open_model
from ...model.novelty import FeatureStatistics
from ...runtime import keras_backend
from ...runtime.openvino_package import import_openvino
from ...runtime.workers import run_apart
from ..settings import AUTO, BFLOAT16, FLOAT16, FLOAT32, KERAS, MAPS, OPENVINO, Settings, check_gpu
from .disagreement import Disagreement, MutualInformation
from .ensemble_engine import EnsembleEngine, MemberInput
from .keras_engine import Engine, KerasEngine
from .network_facts import NetworkFacts, joined_facts, network_and_facts
from .novelty_engine import NoveltyEngine
from .onnx_engine import FixedWindowEngine, ReadOnnx, onnx_of
from .openvino_cache import (
    AnySizeNetwork,
    ConversionError,
    cache_folder,
    find_cached,
)
from .openvino_conversion import (
    SizeBySizeNetwork,
    can_be_cached,
    convert_and_cache,
    converted,
    trial_window,
)
from .openvino_engine import OpenVinoEngine, has_bfloat16
from .test_time_augmentation import AugmentedEngine

if TYPE_CHECKING:
    import keras


Loaded = tuple[Engine, NetworkFacts]
"""The engine of one network, and its facts."""

Converted = AnySizeNetwork | SizeBySizeNetwork | ReadOnnx


@dataclass(frozen=True)
class LoadedEngine:
    """The loaded engine of a model.

    Attributes:
        engine: The engine.
        name: Its name.
        precision: Its precision.
        facts: Of the network; of several, see `network_facts.joined_facts`.
        with_keras: Whether Keras and its backend are in memory, too.
        on_gpu: Whether a GPU computes.
    """

    engine: Engine
    name: str
    precision: str
    facts: NetworkFacts
    with_keras: bool
    on_gpu: bool = False

    def settled(self, settings: Settings) -> Settings:
        """Settings with the engine and the precision that compute."""
        return replace(settings, engine=self.name, precision=self.precision)


def load_engine(
    card: ModelCard,
    settings: Settings,
    report: Callable[[str], None],
    compared: Callable[[], Disagreement] = MutualInformation,
) -> LoadedEngine:
    """The networks of a model, ready to compute; to be called before any import of keras.

    Args:
        card: Card of the model.
        settings: Those of the run, which name the model.
        report: Takes a line for the user.
        compared: How members of an ensemble are compared.

    Raises:
        ValueError: The network is damaged, has no such features, or the engine or precision is not
            available.
        ModuleNotFoundError: The engine's package is not installed.
    """
    members = _members(card, settings)
    statistics = [_statistics(one, settings) for one in members]
    uses_openvino = bool(card.onnx) or _uses_openvino(settings)
    settings = replace(settings, precision=chosen_precision(settings, uses_openvino, report))
    found = _openvino(members, settings, report) if uses_openvino else None
    name = OPENVINO if found else KERAS
    loaded = found or [_keras(one, settings) for one in members]
    facts = joined_facts([facts for _, facts in loaded])
    if settings.segment_features:
        for _, one in loaded:
            report(f"segment_features: {one.features} features of layer <{one.layer}>")
    engines = [_wrapped(*one, settings) for one in zip(loaded, statistics, strict=True)]
    engine = engines[0]
    if card.members:
        adjusts = card if settings.normalization == MAPS else None
        inputs = [MemberInput.of(one, adjusts) for one in members]
        disagreement = bool(settings.outputs.get("disagreement"))
        how = disagreement, compared, settings.with_novelty
        engine = EnsembleEngine(engines, inputs, card.target.outputs, *how)
    on_gpu = name == KERAS and _has_gpu(settings.nprocs)
    with_keras = keras_backend.is_loaded()
    return LoadedEngine(engine, name, settings.precision, facts, with_keras, on_gpu)


def _statistics(member: Member, settings: Settings) -> FeatureStatistics | None:
    """The statistics for the novelty of cells; None if it is not wanted."""
    return FeatureStatistics.load(member.folder) if settings.with_novelty else None


def _wrapped(loaded: Loaded, statistics: FeatureStatistics | None, settings: Settings) -> Engine:
    """The engine of a network with novelty and test-time augmentation, if they are wanted."""
    engine, facts = loaded
    if statistics:
        statistics.check(facts.features)
        engine = NoveltyEngine(engine, statistics, bool(settings.segment_features))
    return AugmentedEngine(engine) if settings.augmented else engine


def _members(card: ModelCard, settings: Settings) -> Sequence[Member]:
    """The networks of a model, which may also be named by a pattern or a file of names."""
    members = open_model(settings.model).members
    return members if card.members else [replace(members[0], card=card)]


def _keras(member: Member, settings: Settings) -> Loaded:
    """The engine of Keras."""
    network, facts = _keras_network(member, settings)
    how = member.card.temperature, facts.features, settings.precision, _has_gpu(settings.nprocs)
    return KerasEngine(network, *how), facts


def _uses_openvino(settings: Settings) -> bool:
    """Whether OpenVINO is chosen, or automatic where there is no GPU."""
    if settings.engine != AUTO:
        return settings.engine == OPENVINO
    if settings.precision == FLOAT16 or _has_gpu(settings.nprocs):
        return False
    return settings.precision == BFLOAT16 or _openvino_is_installed()


def chosen_precision(settings: Settings, with_openvino: bool, report: Callable[[str], None]) -> str:
    """The precision to compute in. Automatic is bfloat16 on GPUs that support it; with OpenVINO
    bfloat16, which is faster on some processors, must be named."""
    asked = settings.precision
    if with_openvino:
        if asked == BFLOAT16 and not has_bfloat16():
            report("The processor of this machine does not compute in bfloat16: using float32")
            return FLOAT32
        return FLOAT32 if asked == AUTO else asked
    if asked == FLOAT32:
        return asked
    there_is_one = _has_gpu(settings.nprocs)
    if asked == AUTO:
        return BFLOAT16 if there_is_one and keras_backend.has_fast_bfloat16() else FLOAT32
    check_gpu(asked, there_is_one)
    return asked


def _openvino_is_installed() -> bool:
    try:
        import_openvino()
    except ImportError:
        return False
    return True


def _has_gpu(nprocs: int) -> bool:
    if not keras_backend.may_have_gpu():
        return False
    _prepare_keras(nprocs)
    return keras_backend.has_gpu()


def _prepare_keras(nprocs: int) -> None:
    if not keras_backend.is_loaded():
        keras_backend.prepare(nprocs, exact=True)


def _openvino(
    members: Sequence[Member], settings: Settings, report: Callable[[str], None]
) -> list[Loaded] | None:
    """The engines of OpenVINO; None where it was not chosen and is not available for all."""
    try:
        networks = _for_openvino(members, settings, report)
    except ConversionError as error:
        if any(one.card.onnx for one in members):
            raise ValueError(
                f"{error}: leave this model out of an ensemble with ONNX networks"
            ) from error
        if settings.engine == OPENVINO or settings.precision == BFLOAT16:
            raise ValueError(f"{error}: use engine=keras, in float32") from error
        report(f"{error}: Keras computes it")
        return None
    return [
        (_openvino_engine(network, member, settings), network.facts)
        for member, network in zip(members, networks, strict=True)
    ]


def _openvino_engine(network: Converted, member: Member, settings: Settings) -> Engine:
    how = (settings.precision, member.card.temperature, settings.nprocs, network.facts.features)
    engine = OpenVinoEngine(network, *how)
    onnx = member.card.onnx
    if onnx and onnx.window:
        return FixedWindowEngine(engine, onnx.window, member.card.own_fill_values)
    return engine


def _for_openvino(
    members: Sequence[Member], settings: Settings, report: Callable[[str], None]
) -> list[Converted]:
    """The networks for OpenVINO, which reads ONNX itself and needs those of Keras converted."""
    of_keras = [one for one in members if not one.card.onnx]
    found = iter(_from_keras(of_keras, settings, report) if of_keras else [])
    return [onnx_of(one) if one.card.onnx else next(found) for one in members]


def _from_keras(
    members: Sequence[Member], settings: Settings, report: Callable[[str], None]
) -> list[Converted]:
    """Networks of Keras, converted by another process if they can be cached, so that this one needs
    no Keras."""
    layer = settings.features_layer
    caches = [cache_folder(one.folder, layer) for one in members]
    found = [find_cached(one) for one in caches]
    missing = [
        one.folder
        for one, network in zip(members, found, strict=True)
        if not network and os.access(one.folder, os.W_OK) and can_be_cached(one.folder)
    ]
    if missing and not keras_backend.is_loaded():
        try:
            run_apart(convert_and_cache, missing, settings.nprocs, layer)
        except ChildProcessError:
            raise ConversionError("The process that converts the network was killed") from None
        found = [network or find_cached(one) for network, one in zip(found, caches, strict=True)]
    return [
        _checked(network, one) if network else _converted_here(one, cache, settings, report)
        for one, cache, network in zip(members, caches, found, strict=True)
    ]


def _checked(network: AnySizeNetwork, member: Member) -> AnySizeNetwork:
    network.facts.check(member.card)
    return network


def _converted_here(
    member: Member, cache: Path, settings: Settings, report: Callable[[str], None]
) -> Converted:
    network, facts = _keras_network(member, settings)
    return converted(network, facts, cache, trial_window(member.card), report)


def _keras_network(member: Member, settings: Settings) -> tuple[keras.Model, NetworkFacts]:
    _prepare_keras(settings.nprocs)
    return network_and_facts(member.folder, member.card, settings.features_layer)
