# SPDX-License-Identifier: GPL-2.0-or-later
"""Reports that a training has started, and the time per epoch after its first steps."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import keras

from ...core.text import duration

UNTIMED_STEPS = 2
"""First steps that are not timed: they compile the network."""

TIMED_SECONDS = 5.0
TIMED_STEPS = 4
"""The least time and number of steps that the time per epoch is estimated from."""


class FirstSteps(keras.callbacks.Callback):
    """Reports that the network is compiled, which takes a while, and after the first steps the time
    per epoch, long before the first one ends.

    Args:
        steps: Steps of an epoch.
        epochs: Epochs that are left.
        report: Takes a line of text for the user.
    """

    def __init__(self, steps: int, epochs: int, report: Callable[[str], None]):
        super().__init__()
        self.steps = steps
        self.epochs = epochs
        self.report = report
        self.silent = False
        self.done = 0
        self.begin = math.nan

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Report that the network is being compiled."""
        self.report("Compiling the network: the first steps take longer than all others...")

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Report the time per epoch once enough steps are timed."""
        if self.silent:
            return
        self.done += 1
        if self.done == UNTIMED_STEPS:
            self.begin = time.monotonic()
        timed = self.done - UNTIMED_STEPS
        if timed < TIMED_STEPS or time.monotonic() - self.begin < TIMED_SECONDS:
            return
        epoch = (time.monotonic() - self.begin) / timed * self.steps
        self.report(
            f"About {duration(epoch)} per epoch, without validation; at most "
            f"{duration(epoch * self.epochs)} for {self.epochs} epochs"
        )
        self.silent = True

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Report nothing further: the line of the epoch has its time."""
        self.silent = True
