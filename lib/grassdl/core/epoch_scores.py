# SPDX-License-Identifier: GPL-2.0-or-later
"""The metrics that a training reports after each epoch, and the one that chooses the best epoch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class EpochScores:
    """The metrics of an epoch besides the loss.

    Attributes:
        titles: Title by name; validation figures have `val_` before the name. The first one chooses
            the best epoch.
        mode: "max" if higher values of the first are better, else "min".
        range: Lowest and highest value of the first in a plot; None where it is open.
    """

    titles: Mapping[str, str]
    mode: str
    range: tuple[float, float | None]

    @property
    def key(self) -> str:
        """Name of the metric that chooses."""
        return next(iter(self.titles))

    @property
    def monitor(self) -> str:
        """Its name on the validation split."""
        return f"val_{self.key}"

    @property
    def title(self) -> str:
        """Its title."""
        return self.titles[self.key]


MEAN_IOU = EpochScores({"mean_iou": "mean IoU"}, "max", (0, 1))
"""Of classes."""

RMSE = EpochScores({"rmse": "RMSE", "r2": "R2"}, "min", (0, None))
"""Of a value."""
