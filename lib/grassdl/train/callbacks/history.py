# SPDX-License-Identifier: GPL-2.0-or-later
"""The history of a training: a row per epoch, reported as a line."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NotRequired, TypedDict, cast

import keras

from ...core.epoch_scores import MEAN_IOU, EpochScores
from ...core.schema import Count
from ...core.text import duration
from .divergence import check_finite


class EpochRow(TypedDict):
    """What a training reports of an epoch, with the figures of its target; None where one was not
    measured."""

    epoch: Count
    loss: float
    val_loss: float | None
    mean_iou: NotRequired[float]
    val_mean_iou: NotRequired[float | None]
    rmse: NotRequired[float]
    val_rmse: NotRequired[float | None]
    r2: NotRequired[float]
    val_r2: NotRequired[float | None]
    learning_rate: float
    seconds: float


class History(keras.callbacks.Callback):
    """Keeps a row per epoch and reports it as a line.

    Args:
        epochs: Epochs that are planned.
        report: Takes a line of text for the user.
        rows: Those of earlier epochs.
        scores: The figures beside the loss.

    Raises:
        Diverged: The loss of an epoch is not finite.
    """

    def __init__(
        self,
        epochs: int,
        report: Callable[[str], None],
        rows: Sequence[EpochRow] = (),
        scores: EpochScores = MEAN_IOU,
    ):
        super().__init__()
        self.scores = scores
        self.epochs = epochs
        self.report = report
        self.rows = list(rows)
        self._with_start = {0}

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Note that the next epoch takes longer than others: it compiles the network."""
        self._with_start.add(len(self.rows))

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Start the clock."""
        self._begin = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        """Add a row and report it."""
        check_finite(epoch, logs["loss"])
        figures = [figure for name in self.scores.titles for figure in (name, f"val_{name}")]
        told = {
            "epoch": epoch + 1,
            "loss": logs["loss"],
            "val_loss": logs.get("val_loss"),
            **{name: logs.get(name) for name in figures},
            "learning_rate": float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate)),
            "seconds": time.monotonic() - self._begin,
        }
        row = cast(EpochRow, told)
        self.rows.append(row)
        self.report(self._line(row))

    def _line(self, row: EpochRow) -> str:
        parts = [self._figures(row, "")]
        if row["val_loss"] is not None:
            parts.append(f"validation: {self._figures(row, 'val_')}")
        parts.append(self._time(row["seconds"], self.epochs - row["epoch"]))
        return f"Epoch {row['epoch']}/{self.epochs}: {'; '.join(parts)}"

    def _figures(self, row: EpochRow, prefix: str) -> str:
        """Loss and scores of a split."""
        titles = {"loss": "loss", **self.scores.titles}
        figures = cast(Mapping[str, float], row)
        return ", ".join(f"{title} {figures[prefix + name]:.4f}" for name, title in titles.items())

    def _time(self, seconds: float, epochs: int) -> str:
        """Duration of the last epoch, and of those that are left if it is known."""
        timed = [
            one["seconds"] for place, one in enumerate(self.rows) if place not in self._with_start
        ]
        if epochs and not timed:
            return f"{seconds:.1f} s with the start"
        left = epochs * sum(timed) / len(timed) if epochs else 0
        return f"{seconds:.1f} s, at most {duration(left)} left"
