# SPDX-License-Identifier: GPL-2.0-or-later
"""Weights averaged over the last steps (exponential moving average)."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np


class Averaged(keras.callbacks.Callback):
    """The network with its weights averaged over the last steps, which the optimiser knows.

    It is what the validation split scores; what learns goes on from its own weights.

    Args:
        network: The network that is trained.
    """

    def __init__(self, network: keras.Model):
        super().__init__()
        self.network = network
        self._own: list[np.ndarray] = []

    def weights(self) -> list[np.ndarray]:
        """The averaged weights, and what else the network has, as it is."""
        self.on_test_begin()
        averaged = self.network.get_weights()
        self.on_test_end()
        return averaged

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Give the network its averaged weights."""
        self._own = self.network.get_weights()
        self.model.optimizer.finalize_variable_values(self.model.trainable_variables)
        # As copies: JAX would use up, with the network's, the arrays that the optimiser still has.
        self.network.set_weights(self.network.get_weights())

    def on_test_end(self, logs: dict[str, Any] | None = None) -> None:
        """Give it its own again."""
        self.network.set_weights(self._own)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Keep its own, for Keras puts the averaged ones in their place at the end."""
        self._own = self.network.get_weights()

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Give it its own again: a later phase begins with them, as does a resumed one."""
        self.network.set_weights(self._own)
