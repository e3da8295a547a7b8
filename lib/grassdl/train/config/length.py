# SPDX-License-Identifier: GPL-2.0-or-later
"""How long a network is trained where nobody tells."""

from __future__ import annotations

import math

SHOWN_CELLS = 500_000_000
"""Cells that a network is shown in all: a quarter of an hour on two cores for the default U-Net."""

FEWEST_EPOCHS, MOST_EPOCHS = 20, 200
"""Of a dataset that is large, and of one that is small: there is nothing more to see in it."""

PATIENT_SHARE = 0.4
"""Share of the epochs that may bring nothing better, where the learning rate does not fall by plan.
It is large, since a plateau first halves the rate, several times over."""


def standard_epochs(patches: int, size: int) -> int:
    """Passes over patches of `size` x `size` cells that show a network about `SHOWN_CELLS`."""
    epochs = round(SHOWN_CELLS / (patches * size**2))
    return min(max(epochs, FEWEST_EPOCHS), MOST_EPOCHS)


def standard_patience(epochs: int, schedule: str) -> int:
    """Epochs without a better score after which a training of so many epochs stops; 0 for never.

    A cosine brings its best when the rate has fallen, at the end: nothing is to stop it before.
    """
    return 0 if schedule == "cosine" else math.ceil(PATIENT_SHARE * epochs)
