# SPDX-License-Identifier: GPL-2.0-or-later
"""The figures that a training tells of each epoch, and the one by which the best is chosen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class EpochScores:
    """The figures of an epoch beside the loss.

    Attributes:
        titles: Title by name; validation figures have `val_` before the name. The first decides.
        mode: "max" if high ones of the first are good, else "min".
        range: Lowest and highest value of the first in a picture; None where it is open.
    """

    titles: Mapping[str, str]
    mode: str
    range: tuple[float, float | None]

    @property
    def key(self) -> str:
        """Name of the figure that decides."""
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
