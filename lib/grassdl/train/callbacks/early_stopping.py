# SPDX-License-Identifier: GPL-2.0-or-later
"""The best epoch, and when to stop."""

from __future__ import annotations

import math
from typing import Any, TypedDict

import keras
import numpy as np

from ...core.schema import Count
from .divergence import check_finite
from .ema import Averaged


class BestState(TypedDict):
    """The state of `Best` without the weights."""

    value: float
    epoch: Count
    waited: Count


class Best(keras.callbacks.Callback):
    """Keeps the weights of the best epoch, and stops the training after `patience` epochs without a
    better one.

    Unlike Keras' `EarlyStopping` it keeps its state when `fit` is called again, for a second phase
    or when a killed training is resumed.

    Args:
        averaged: The network whose weights are kept.
        monitor: The figure that epochs are compared by.
        mode: "max" if high figures are good, else "min".
        patience: Epochs without a better one after which training stops.
        first: Epoch, counted from 0, from which on `patience` counts.
    """

    def __init__(self, averaged: Averaged, monitor: str, mode: str, patience: int, first: int = 0):
        super().__init__()
        self.averaged = averaged
        self.monitor = monitor
        self.sign = 1 if mode == "max" else -1
        self.patience = patience
        self.first = first
        self.value = -math.inf
        self.epoch = 0
        self.waited = 0
        self.weights: list[np.ndarray] = []

    @property
    def exhausted(self) -> bool:
        """Whether `patience` epochs have passed without a better one."""
        return self.waited >= self.patience

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        """Compare the epoch with the best one."""
        value = self.sign * logs[self.monitor]
        if value > self.value:
            weights = self.averaged.weights()
            # The last step may make weights NaN while the mean loss of the epoch is finite.
            check_finite(epoch, *weights)
            # Weights first: Ctrl-C may interrupt between the two lines.
            self.weights = weights
            self.epoch, self.value, self.waited = epoch + 1, value, 0
            return
        self.waited = self.waited + 1 if epoch >= self.first else 0
        if self.exhausted:
            self.model.stop_training = True

    def state(self) -> BestState:
        """The state without the weights."""
        return {"value": self.value, "epoch": self.epoch, "waited": self.waited}

    def resume(self, state: BestState, weights: list[np.ndarray]) -> None:
        """Restore what `state` returned, and the best weights."""
        self.value, self.epoch, self.waited = state["value"], state["epoch"], state["waited"]
        self.weights = weights
