# SPDX-License-Identifier: GPL-2.0-or-later
"""Weights of the classes in the loss."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ...core.text import listed

EXPONENTS = {"balanced": 1.0, "sqrt": 0.5}
"""The weight is (mean number of pixels of a class / number of pixels of the class)^exponent."""


def class_weights(how: str | Sequence[float], pixels: np.ndarray) -> list[float] | None:
    """The weight of each class in the loss.

    Args:
        how: "none", "balanced" (N / (K n), as in scikit-learn, K being the number of classes that
            have pixels), "sqrt" (its square root), or the weights themselves.
        pixels: Labelled training pixels by class, (K,).

    Returns:
        One weight for each class, 0 where there are no pixels to weigh; None if all are the same.

    Raises:
        ValueError: The number of weights is not that of the classes.
    """
    if how == "none":
        return None
    if isinstance(how, str):
        occurs = pixels > 0
        mean = pixels.sum() / occurs.sum()
        weights = (mean / np.where(occurs, pixels, np.inf)) ** EXPONENTS[how]
        return weights.tolist()
    if len(how) != len(pixels):
        raise ValueError(
            f"<class_weights> must be one for each of the {len(pixels)} classes, in the order of "
            f"their values, found {len(how)}"
        )
    if not any(weight for weight, count in zip(how, pixels, strict=True) if count):
        raise ValueError("<class_weights> leaves no class to learn: all with pixels weigh 0")
    return list(how)


def check_class_weights(how: str | Sequence[float]) -> None:
    """Check what can be checked before the classes are known.

    Raises:
        ValueError: An unknown name, or weights that are negative or not finite.
    """
    if isinstance(how, str):
        if how != "none" and how not in EXPONENTS:
            raise ValueError(
                "<class_weights> must be one of none, balanced, sqrt, or one number for each "
                f"class, found <{how}>"
            )
    else:
        wrong = [weight for weight in how if not 0 <= weight < math.inf]
        if wrong:
            raise ValueError(f"<class_weights> must not be negative, found {listed(wrong)}")
