# SPDX-License-Identifier: GPL-2.0-or-later
"""A model or ensemble with normalisation and temperature as one network of Keras."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..model.card import SMALLEST, ModelCard

if TYPE_CHECKING:
    import keras

BYTE = 255
"""The divisor of tools that scale bytes for a network."""


@dataclass(frozen=True)
class Layout:
    """The layout of images and probabilities of another tool.

    Attributes:
        channels_first: Whether bands come before rows and columns, as in PyTorch.
        scale: Divisor of the bands' values in the tool.
        size: Edge of its images in cells; None for any.
    """

    channels_first: bool = False
    scale: float = 1.0
    size: int | None = None

    def shape(self, bands: int) -> tuple[int | None, ...]:
        """The shape of one image."""
        edges = (self.size, self.size)
        return (bands, *edges) if self.channels_first else (*edges, bands)

    def images(self, values: np.ndarray) -> np.ndarray:
        """Raw values (n, rows, cols, bands) in the layout of the tool."""
        scaled = (values / self.scale).astype(np.float32)
        return np.ascontiguousarray(np.moveaxis(scaled, -1, 1)) if self.channels_first else scaled

    def probabilities(self, result: np.ndarray) -> np.ndarray:
        """The tool's result as (n, rows, cols, classes)."""
        return np.moveaxis(result, 1, -1) if self.channels_first else result


def whole_network(networks: Sequence[tuple[keras.Model, ModelCard]], layout: Layout) -> keras.Model:
    """A network that gives the probabilities of `i.dl.predict` for images in another layout.

    Args:
        networks: Those whose probabilities are averaged, as `model.weights.load_network` gives
            them, and their cards: the temperature of each becomes part of it.
        layout: Of images and probabilities.
    """
    import keras

    bands = len(networks[0][1].bands)
    pixels = image = keras.Input(layout.shape(bands), batch_size=1, name="image")
    if layout.channels_first:
        pixels = keras.layers.Permute((2, 3, 1))(pixels)
    if layout.scale != 1:
        pixels = keras.layers.Rescaling(layout.scale)(pixels)
    results = [
        _tempered(_called(network, f"network_{number}")(pixels), card.temperature)
        for number, (network, card) in enumerate(networks, start=1)
    ]
    probabilities = keras.layers.Average()(results) if len(results) > 1 else results[0]
    if layout.channels_first:
        probabilities = keras.layers.Permute((3, 1, 2))(probabilities)
    return keras.Model(image, probabilities)


def _called(network: keras.Model, name: str) -> keras.Model:
    """A network by another name: members of an ensemble often have equal names, which parts of one
    network must not."""
    import keras

    return keras.Model(network.inputs[0], network.outputs[0], name=name)


def _tempered(probabilities: keras.KerasTensor, temperature: float) -> keras.KerasTensor:
    """`ModelCard.tempered` as layers."""
    if temperature == 1:
        return probabilities
    from keras import ops

    scores = ops.log(ops.maximum(probabilities, SMALLEST)) / temperature
    return ops.softmax(scores, axis=-1)
