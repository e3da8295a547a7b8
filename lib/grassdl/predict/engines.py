# SPDX-License-Identifier: GPL-2.0-or-later
"""Engines: what computes the class probabilities of a window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    import keras


class Engine(Protocol):
    """Computes a network on windows of any size that suits its stride."""

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Class probabilities (rows, cols, classes) float32 of raw band values (rows, cols,
        bands) float32."""


class KerasEngine:
    """The network in Keras, on whatever backend and device Keras has. Use it everywhere."""

    def __init__(self, network: keras.Model):
        import keras

        self._network = network
        # XLA would compile every window size anew: slower than it gains on the first map.
        # JAX has no other way to run fast.
        network.compile(jit_compile=keras.backend.backend() == "jax")

    def __call__(self, values: np.ndarray) -> np.ndarray:
        return np.asarray(self._network.predict_on_batch(values[None])[0])
