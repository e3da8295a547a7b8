# SPDX-License-Identifier: GPL-2.0-or-later
"""What happens at the borders of epochs: shuffling, averaging, history, progress, giving up."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence

import keras
import numpy as np

from .batches import TrainingBatches


class Shuffle(keras.callbacks.Callback):
    """Tells the training batches which epoch begins.

    (Keras tells a `PyDataset` of epochs too, but not their number.)
    """

    def __init__(self, batches: TrainingBatches):
        super().__init__()
        self.batches = batches

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Shuffle."""
        self.batches.start_epoch(epoch)


class Diverged(ValueError):
    """The loss is no longer a number: going on would not mend it."""


def check_finite(epoch: int, *values: np.ndarray | float) -> None:
    """Refuse to go on from losses or weights that are no numbers.

    Args:
        epoch: The epoch, counted from 0.
        values: Of losses or weights.

    Raises:
        Diverged: One of them is not finite.
    """
    if not all(np.isfinite(one).all() for one in values):
        raise Diverged(
            f"The loss is not a number any more in epoch {epoch + 1} (use a lower learning_rate, "
            "and look for extreme values in the bands)"
        )


class History(keras.callbacks.Callback):
    """Keeps a row per epoch and reports it as a line.

    Args:
        epochs: Epochs that are planned.
        report: Takes a line of text for the user.
        rows: Those of earlier epochs.

    Raises:
        Diverged: Loss is no longer a number, in the epoch where this happened.
    """

    COLUMNS = ("epoch", "loss", "val_loss", "mean_iou", "val_mean_iou", "learning_rate", "seconds")

    def __init__(self, epochs: int, report: Callable[[str], None], rows: Sequence[dict] = ()):
        super().__init__()
        self.epochs = epochs
        self.report = report
        self.rows = list(rows)

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Start the clock."""
        self._begin = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Add a row and report it; figures that were not measured are None."""
        check_finite(epoch, logs["loss"])
        row = {
            **logs,
            "epoch": epoch + 1,
            "learning_rate": float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate)),
            "seconds": time.monotonic() - self._begin,
        }
        self.rows.append({name: row.get(name) for name in self.COLUMNS})
        self.report(self._line(self.rows[-1]))

    def _line(self, row: dict) -> str:
        parts = [f"loss {row['loss']:.4f}, mean IoU {row['mean_iou']:.4f}"]
        if row["val_loss"] is not None:
            parts.append(
                f"validation: loss {row['val_loss']:.4f}, mean IoU {row['val_mean_iou']:.4f}"
            )
        # The first epoch compiles the network; later ones tell better how long one takes.
        timed = [one["seconds"] for one in self.rows][1:] or [row["seconds"]]
        left = (self.epochs - row["epoch"]) * sum(timed) / len(timed)
        parts.append(f"{row['seconds']:.1f} s, at most {duration(left)} left")
        return f"Epoch {row['epoch']}/{self.epochs}: {'; '.join(parts)}"


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

    def on_test_begin(self, logs: dict | None = None) -> None:
        """Give the network its averaged weights."""
        self._own = self.network.get_weights()
        self.model.optimizer.finalize_variable_values(self.model.trainable_variables)
        # As copies: JAX would use up, with the network's, the arrays that the optimiser still has.
        self.network.set_weights(self.network.get_weights())

    def on_test_end(self, logs: dict | None = None) -> None:
        """Give it its own again."""
        self.network.set_weights(self._own)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Keep its own, for Keras puts the averaged ones in their place at the end."""
        self._own = self.network.get_weights()

    def on_train_end(self, logs: dict | None = None) -> None:
        """Give it its own again: a later phase begins with them, as does a resumed one."""
        self.network.set_weights(self._own)


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

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
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

    def state(self) -> dict:
        """What it remembers but for the weights."""
        return {"value": self.value, "epoch": self.epoch, "waited": self.waited}

    def resume(self, state: dict, weights: list[np.ndarray]) -> None:
        """Remember what `state` told and the best weights."""
        self.value, self.epoch, self.waited = state["value"], state["epoch"], state["waited"]
        self.weights = weights


def duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
