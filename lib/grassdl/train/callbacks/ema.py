# SPDX-License-Identifier: GPL-2.0-or-later
"""Weights averaged over the last steps (exponential moving average)."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np


class Averaged(keras.callbacks.Callback):
    """Puts the weights averaged by the optimiser into the network while it is validated.

    Training continues from the network's own weights.

    Args:
        network: The network that is trained.
    """

    def __init__(self, network: keras.Model):
        super().__init__()
        self.network = network
        self._own: list[np.ndarray] = []

    def weights(self) -> list[np.ndarray]:
        """The averaged weights, with the variables that are not trained as they are."""
        self.on_test_begin()
        averaged = self.network.get_weights()
        self.on_test_end()
        return averaged

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Give the network its averaged weights."""
        self._own = self.network.get_weights()
        self.model.optimizer.finalize_variable_values(self.model.trainable_variables)
        # As copies: JAX donates the network's arrays, which are also the optimiser's.
        self.network.set_weights(self.network.get_weights())

    def on_test_end(self, logs: dict[str, Any] | None = None) -> None:
        """Restore the network's own weights."""
        self.network.set_weights(self._own)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Keep its own weights: Keras overwrites them with the averaged ones at the end."""
        self._own = self.network.get_weights()

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Restore its own weights: a later or resumed phase begins with them."""
        self.network.set_weights(self._own)
