# SPDX-License-Identifier: GPL-2.0-or-later
"""The score of each epoch, for whoever decides whether a training is worth its time.

It stands alone as every callback does, and so that `tune` need not import the others.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

Watch = Callable[[int, float], None]
"""Takes an epoch, counted from 1, and its score; what it raises ends the training."""


class Watched(keras.callbacks.Callback):
    """Passes on the score of each epoch; comes after all that the epoch is still to do.

    Args:
        watch: Takes epoch and score.
        monitor: The figure that tells how good an epoch was.
    """

    def __init__(self, watch: Watch, monitor: str):
        super().__init__()
        self.watch = watch
        self.monitor = monitor

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        """Pass the score on."""
        self.watch(epoch + 1, float(logs[self.monitor]))
