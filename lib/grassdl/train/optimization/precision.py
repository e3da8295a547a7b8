# SPDX-License-Identifier: GPL-2.0-or-later
"""Mixed precision: faster training on hardware that has it, the same model file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import keras

from ...runtime.keras_backend import has_fast_bfloat16

POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16"}
"""Keras' dtype policy by name of a precision."""


def resolve(precision: str) -> str:
    """What "auto" means on this machine; other precisions stay as they are."""
    if precision == "auto":
        return "bfloat16" if has_fast_bfloat16() else "float32"
    return precision


@contextmanager
def computing_in(precision: str) -> Iterator[None]:
    """Build layers that compute in a precision.

    Args:
        precision: A key of `POLICIES`.
    """
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(POLICIES[precision])
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def in_float32(network: keras.Model) -> keras.Model:
    """A network of the same weights that computes in single precision throughout.

    Weights are in single precision in any case, so nothing is lost.
    """

    def layer_in_float32(layer: keras.layers.Layer) -> keras.layers.Layer:
        return type(layer).from_config({**layer.get_config(), "dtype": "float32"})

    copy = keras.models.clone_model(network, clone_function=layer_in_float32, recursive=True)
    copy.set_weights(network.get_weights())
    return copy
