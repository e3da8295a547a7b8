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
    """What `Best` remembers but for the weights."""

    value: float
    epoch: Count
    waited: Count


class Best(keras.callbacks.Callback):
    """Keeps the weights of the best epoch, and stops when there has been no better for long.

    Unlike Keras' `EarlyStopping` it forgets nothing when `fit` is called again, for a second phase
    or after a kill.

    Args:
        averaged: The network whose weights are kept.
        monitor: The figure that tells how good an epoch was.
        mode: "max" if high ones are good, else "min".
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
        """Whether patience is at its end."""
        return self.waited >= self.patience

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        """Compare the epoch with the best one."""
        value = self.sign * logs[self.monitor]
        if value > self.value:
            weights = self.averaged.weights()
            # The last step may have spoilt them, when the mean loss of the epoch still was one.
            check_finite(epoch, *weights)
            # One after the other: Ctrl-C may come in between.
            self.weights = weights
            self.epoch, self.value, self.waited = epoch + 1, value, 0
            return
        self.waited = self.waited + 1 if epoch >= self.first else 0
        if self.exhausted:
            self.model.stop_training = True

    def state(self) -> BestState:
        """What it remembers but for the weights."""
        return {"value": self.value, "epoch": self.epoch, "waited": self.waited}

    def resume(self, state: BestState, weights: list[np.ndarray]) -> None:
        """Remember what `state` told and the best weights."""
        self.value, self.epoch, self.waited = state["value"], state["epoch"], state["waited"]
        self.weights = weights
