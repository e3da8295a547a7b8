# SPDX-License-Identifier: GPL-2.0-or-later
"""The end of a training whose loss is no number.

It stands alone: `History` and `Best` look for it, and the trainer catches it.
"""

from __future__ import annotations

import numpy as np


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
