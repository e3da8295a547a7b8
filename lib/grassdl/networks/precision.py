# SPDX-License-Identifier: GPL-2.0-or-later
"""A network of the same weights that computes in another precision."""

from __future__ import annotations

import keras

from .analysis.feature_extraction import OUTPUT_NAME
from .assembly import TAKEN

POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16", "float16": "mixed_float16"}
"""Keras' dtype policy by name of a precision: weights are in single precision in any of them."""

ALWAYS_FLOAT32 = frozenset((*TAKEN, OUTPUT_NAME))
"""Names of the layers that single precision must reach: half precision cannot tell the values of a
16-bit band apart, nor do probabilities add up to 1 in it."""


def in_precision(network: keras.Model, precision: str) -> keras.Model:
    """A copy of a network that computes in a precision, whichever it computed in before.

    Args:
        network: Bands, normalised inside, to probabilities or values; nested models are opened.
        precision: A key of `POLICIES`.

    Returns:
        Gives float32 in every precision.
    """

    def copied(layer: keras.layers.Layer) -> keras.layers.Layer:
        policy = "float32" if layer.name in ALWAYS_FLOAT32 else POLICIES[precision]
        return type(layer).from_config({**layer.get_config(), "dtype": policy})

    copy = keras.models.clone_model(network, clone_function=copied, recursive=True)
    copy.set_weights(network.get_weights())
    return copy
