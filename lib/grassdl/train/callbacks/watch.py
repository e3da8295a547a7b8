# SPDX-License-Identifier: GPL-2.0-or-later
"""Passes on the score of each epoch, by which a trial may be ended early.

A module of its own, so that `tune` does not import the other callbacks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

Watch = Callable[[int, float], None]
"""Takes an epoch, counted from 1, and its score; what it raises ends the training."""


class Watched(keras.callbacks.Callback):
    """Passes on the score of each epoch; the last of the callbacks.

    Args:
        watch: Takes epoch and score.
        monitor: The figure that is passed on.
    """

    def __init__(self, watch: Watch, monitor: str):
        super().__init__()
        self.watch = watch
        self.monitor = monitor

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        """Pass the score on."""
        self.watch(epoch + 1, float(logs[self.monitor]))
