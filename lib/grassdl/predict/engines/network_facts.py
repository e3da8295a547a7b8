# SPDX-License-Identifier: GPL-2.0-or-later
"""Facts of a network that tiling and memory depend on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ...model.card import ModelCard
from ...model.weights import load_network

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class NetworkFacts:
    """Facts of a network, stored beside its conversion so that a run need not load Keras for them.

    Attributes:
        bands, classes: Number of inputs, and of outputs that are probabilities.
        stride, halo, receptive_field: As `networks.analysis.receptive_field.Reach` has them.
        working: Bytes that it takes for each cell of a window, by precision, as
            `networks.analysis.memory_estimate.working_bytes` gives them.
        features: Number of outputs that follow the probabilities.
        layer: Name of the layer that they are of, or "".
    """

    bands: int
    classes: int
    stride: int
    halo: int | None
    receptive_field: int | None
    working: dict[str, float]
    features: int = 0
    layer: str = ""

    @classmethod
    def of(cls, network: keras.Model, features: int = 0, layer: str = "") -> NetworkFacts:
        """The facts of a network; `features` and `layer` are the attributes."""
        # These import Keras, whose backend is not chosen yet when this file is imported.
        from ...networks.analysis.memory_estimate import VALUE_BYTES, working_bytes
        from ...networks.analysis.receptive_field import reach

        extent = reach(network)
        return cls(
            network.input_shape[-1],
            network.output_shape[-1] - features,
            extent.stride,
            extent.halo,
            extent.receptive_field,
            {precision: working_bytes(network, precision) for precision in VALUE_BYTES},
            features,
            layer,
        )

    def check(self, card: ModelCard) -> None:
        """Refuse a network that is not the one its model card describes.

        Raises:
            ValueError: Bands, classes or the reach of the network differ from the card's.
        """
        extent = (card.stride, card.halo, card.receptive_field)
        expected = (len(card.bands), card.target.outputs, *extent)
        if astuple(self)[: len(expected)] != expected:
            raise ValueError(
                "The model's network does not fit its model.json (bands and classes "
                f"{(self.bands, self.classes)}, not {expected[:2]}, or another reach): the folder "
                "mixes two models, train it again"
            )


def joined_facts(members: Sequence[NetworkFacts]) -> NetworkFacts:
    """The facts of several networks that compute the same windows one after the other.

    Each keeps the memory that it works in, and gives its own features. Stride and reach are the
    first one's: those of all are on the card, see `model.ensemble.joined_card`.
    """
    return replace(
        members[0],
        working={name: sum(one.working[name] for one in members) for name in members[0].working},
        features=sum(one.features for one in members),
    )


def network_and_facts(
    folder: Path, card: ModelCard, layer: str = ""
) -> tuple[keras.Model, NetworkFacts]:
    """The network of a model, checked; to be called once a backend is prepared.

    Args:
        folder: The model folder.
        card: Its card.
        layer: Layer whose features the network is to give, too, as
            `networks.analysis.feature_extraction.with_features` takes it, or "".

    Raises:
        ValueError: The network is damaged, not the one that the card describes, or has no such
            features.
    """
    network = load_network(folder)
    plain = NetworkFacts.of(network)
    plain.check(card)
    if not layer:
        return network, plain
    from ...networks.analysis.feature_extraction import with_features

    network, name = with_features(network, layer)
    return network, NetworkFacts.of(network, network.output_shape[-1] - plain.classes, name)
