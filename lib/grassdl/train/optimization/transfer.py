# SPDX-License-Identifier: GPL-2.0-or-later
"""Training that starts from a trained model instead of from random weights.

The network is built as the model's was and takes over its weights. Where bands or classes differ,
some weights do not fit: those that read the bands, and those of the head, which gives the scores of
the classes. Which they are is found by building the network for another number of bands or
classes, so it is known for every network, a user's own included.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import keras
import numpy as np

from ...core.bands import Band, number_of_dates, places_of
from ...core.target import Target
from ...core.text import listed
from ...dataset.patchset import JoinedPatchSets
from ...io.folders import file_digest
from ...model.card import EncoderRecord, ModelCard
from ...model.folder import load_card
from ...model.weights import load_network, weights_file
from ...networks import registry
from ..config.settings import USUAL_RATE, Settings

Build = Callable[[int, int], keras.Model]
"""Builds the network for a number of bands and of classes."""


class Start(Protocol):
    """What a network has taken over before training; attributes as `Transfer` has them."""

    @property
    def kept(self) -> list[bool]: ...

    @property
    def head(self) -> set[int]: ...

    @property
    def encoder(self) -> EncoderRecord | None: ...

    def line(self) -> str: ...


@dataclass(frozen=True)
class Transfer:
    """What a network has taken over from a trained model.

    Attributes:
        card: The card of that model.
        digest: SHA-256 of its file of weights.
        bands: Names of the network's bands that the model lacks.
        kept: Whether each of the network's weights was taken over whole.
        head: Indices of the weights of the head.
    """

    card: ModelCard
    digest: str
    bands: list[str]
    kept: list[bool]
    head: set[int]

    @property
    def encoder(self) -> EncoderRecord | None:
        """The weights that the encoder of that model started with."""
        return self.card.encoder

    def line(self) -> str:
        """A sentence on it for the user."""
        new = all(not self.kept[place] for place in self.head)
        parts = ["with a new head, as what is learnt differs" if new else "with its head"]
        if self.bands:
            parts.append(f"bands that it lacks: {listed(self.bands)}")
        return f"Starting from model <{self.card.name}>, {'; '.join(parts)}"

    def to_json(self) -> dict[str, Any]:
        """Where the weights came from, for the model card."""
        return {
            "name": self.card.name,
            "sha256": self.digest,
            "dataset_ids": self.card.dataset_ids,
            "new_bands": self.bands,
            "areas": self.card.seen_areas,
        }


def digest(folder: str | Path) -> str:
    """SHA-256 of the weights of a model."""
    return file_digest(weights_file(folder))


def settled(settings: Settings, data: JoinedPatchSets) -> Settings:
    """Settings with what they leave open set for these data, see `Settings.for_patches`.

    A new head that alone learns, on features, has nothing to lose: it learns at the usual rate.
    """
    source = settings.model if settings.keeps_knowledge and settings.on_features else None
    if source and not data.target.is_same(load_card(source).target):
        settings = replace(settings, learning_rate=USUAL_RATE)
    return settings.for_patches(data.count("train"), data.size)


def take_over(
    network: keras.Model,
    bands: Sequence[Band],
    target: Target,
    folder: str | Path,
    build: Build,
) -> Transfer:
    """Give a network the weights of a trained model.

    - Kernels that read the bands are assembled band by band, by name. A band that the model
      lacks begins with 0, so that at first the network gives the model's results. If the
      model lacks all, they begin with the mean over its bands, scaled to keep their sum
      (as timm does for another number of channels, https://timm.fast.ai/models). Kernels that read
      bands and features together are new.
    - The head is kept if the classes are the same by value and label, or for a value in the same
      units; else it is new.
    - All else is copied, running statistics of batch normalisation among it.

    Args:
        network: Its weights change.
        bands: Its bands.
        target: What it learns.
        folder: The model's folder.
        build: Builds the network for other numbers of bands and classes.

    Raises:
        ValueError: The model cannot be loaded, or its network is another one.
    """
    card, model = load_card(folder), load_network(folder)
    sources = places_of(bands, card.bands)
    by_width = _sources_by_width(bands, card.bands, sources)
    reading: set[int] = set()
    if sources != list(range(len(card.bands))):
        more_bands = len(bands) + number_of_dates(bands)
        reading = _differing(network, build(more_bands, target.outputs))
    # Of at least 3 classes: 2 may have a single output.
    more = build(len(bands), target.outputs + 1)
    head = _differing(more, build(len(bands), target.outputs + 2))
    same_target = target.is_same(card.target)
    if len(network.weights) != len(model.weights):
        raise _another(card)
    kept = []
    for place, (new, old) in enumerate(zip(network.weights, model.weights, strict=True)):
        values = keras.ops.convert_to_numpy(old)
        by_band = place in reading and values.ndim > 1 and values.shape[-2] in by_width
        if by_band:
            values = rearranged(values, by_width[values.shape[-2]])
        # In kernels that read bands and features together, the bands have no known place.
        fits = tuple(new.shape) == values.shape and (by_band or place not in reading)
        if place in head:
            fits = fits and same_target
        elif not fits and place not in reading:
            raise _another(card)
        if fits:
            new.assign(values)
        kept.append(fits and place not in reading)
    unknown = [band.label for band, source in zip(bands, sources, strict=True) if source is None]
    return Transfer(card, digest(folder), unknown, kept, head)


def frozen_layers(
    network: keras.Model, settings: Settings, transfer: Start | None
) -> list[keras.layers.Layer]:
    """The layers that a training freezes at first: those of the encoder.

    The registry names them; of a user's own network they are all but the head.

    Args:
        network: It has taken over the weights of a model or of an encoder.
        settings: They say whether to freeze.
        transfer: What it has taken over. Layers whose weights are not that are left out, as they
            must learn.
    """
    if not settings.freeze or transfer is None:
        return []
    prefixes = None
    if not settings.network_file:
        prefixes = registry.encoder(settings.network, settings.network_options)
    places = {id(weight): place for place, weight in enumerate(network.weights)}
    chosen = []
    for layer in network._flatten_layers(include_self=False):
        own = {places[id(weight)] for weight in layer.weights}
        if not own or isinstance(layer, keras.Model) or not layer.trainable:
            continue
        belongs = layer.name.startswith(prefixes) if prefixes else not own & transfer.head
        if belongs and all(transfer.kept[place] for place in own):
            chosen.append(layer)
    return chosen


def _sources_by_width(
    bands: Sequence[Band], known: Sequence[Band], sources: Sequence[int | None]
) -> dict[int, Sequence[int | None]]:
    """The source of each band of a kernel, by the number of bands that it read: those of all
    dates, or of one where a network reads each date alike."""
    found = {len(known): sources}
    dates = number_of_dates(bands)
    if dates == number_of_dates(known):
        found.setdefault(len(known) // dates, sources[: len(bands) // dates])
    return found


def _differing(one: keras.Model, other: keras.Model) -> set[int]:
    """Indices of the weights whose shapes differ between two builds of a network."""
    return {
        place
        for place, (first, second) in enumerate(zip(one.weights, other.weights, strict=False))
        if first.shape != second.shape
    }


def rearranged(kernel: np.ndarray, sources: Sequence[int | None]) -> np.ndarray:
    """A kernel (rows, columns, bands, filters) for other bands: see `take_over`."""
    if all(source is None for source in sources):
        scale = kernel.shape[-2] / len(sources)
        return np.repeat(kernel.mean(axis=-2, keepdims=True) * scale, len(sources), axis=-2)
    nothing = np.zeros_like(kernel[..., 0, :])
    return np.stack(
        [nothing if source is None else kernel[..., source, :] for source in sources], axis=-2
    )


def _another(card: ModelCard) -> ValueError:
    return ValueError(
        f"The network of model <{card.name}> is not the one that its model.json describes: it "
        "cannot be started from"
    )
