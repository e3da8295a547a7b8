# SPDX-License-Identifier: GPL-2.0-or-later
"""FCN-DK: ever wider dilated kernels at full resolution."""

from __future__ import annotations

from keras import KerasTensor, layers

from ..layers.blocks import class_scores

KERNEL = 5
LEAK = 0.1
"""Slope of the activation below 0."""

ENCODER = ("dk",)
"""Prefixes of the names of the encoder's layers."""


def fcn_dk(pixels: KerasTensor, outputs: int, *, filters: int = 32, depth: int = 6) -> KerasTensor:
    """Blocks of 5x5 kernels dilated by 1, 2, 3, ... at full resolution.

    The receptive fields of FCN-DK3, 4, 5 and 6 are 25, 41, 61 and 85 pixels.

    Source: Persello and Stein 2017, doi 10.1109/LGRS.2017.2763738.

    Args:
        pixels: Normalised pixels (batch, rows, columns, bands).
        outputs: Number of scores.
        filters: Filters of every block but the first, which has half of them.
        depth: Number of blocks.

    Returns:
        Scores (batch, rows, columns, outputs).
    """
    x = pixels
    for dilation in range(1, depth + 1):
        x = layers.Conv2D(
            filters if dilation > 1 else max(filters // 2, 1),
            KERNEL,
            dilation_rate=dilation,
            padding="same",
            name=f"dk{dilation}_conv",
        )(x)
        x = layers.BatchNormalization(name=f"dk{dilation}_norm")(x)
        x = layers.LeakyReLU(LEAK, name=f"dk{dilation}_relu")(x)
    return class_scores(x, outputs)
