# SPDX-License-Identifier: GPL-2.0-or-later
"""Ends a training whose loss is not finite.

`History` and `Best` check for it, and the trainer catches it.
"""

from __future__ import annotations

import numpy as np


class Diverged(ValueError):
    """The loss or a weight is NaN or infinite, and would remain so in all later epochs."""


def check_finite(epoch: int, *values: np.ndarray | float) -> None:
    """Check that losses or weights are finite.

    Args:
        epoch: The epoch, counted from 0.
        values: Losses or weights.

    Raises:
        Diverged: One of them is not finite.
    """
    if not all(np.isfinite(one).all() for one in values):
        raise Diverged(
            f"The loss is not a finite number in epoch {epoch + 1} (use a lower learning_rate, "
            "and check the bands for extreme values)"
        )
