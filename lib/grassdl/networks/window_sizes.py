# SPDX-License-Identifier: GPL-2.0-or-later
"""The sizes of windows that a network takes: any, or one that must be known before it runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras


def for_windows_of(network: keras.Model, shape: tuple[int | None, ...]) -> keras.Model:
    """The network, weights shared, for windows (number, rows, cols, bands) of one size, or of any
    where it is None."""
    import keras

    pixels = keras.Input(batch_shape=shape)
    return keras.Model(pixels, network(pixels))


def interpolates(network: keras.Model) -> bool:
    """Whether the network needs windows of a fixed size, see `for_windows_of`."""
    return any(
        getattr(layer, "interpolation", "nearest") != "nearest" for layer in _layers(network)
    )


def _layers(model: keras.Model) -> Iterator[keras.Layer]:
    """The layers of a network, nested models opened."""
    for layer in model.layers:
        if hasattr(layer, "layers"):
            yield from _layers(layer)
        else:
            yield layer
