# SPDX-License-Identifier: GPL-2.0-or-later
"""NickNet, the dilated multiscale network of ANAGEO."""

from __future__ import annotations

from keras import KerasTensor, layers

from .blocks import class_probabilities

KERNELS = (5, 5, 3, 3, 3, 3, 3)
"""Kernel size of each block."""

DILATION = 2


def nicknet(pixels: KerasTensor, classes: int, *, filters: int = 64) -> KerasTensor:
    """Seven dilated blocks at full resolution, whose outputs are classified together.

    Each block sees a wider neighbourhood (11, 21, 27, 33, 39, 45 and 51 pixels); nothing is ever
    downsampled, so borders of classes stay sharp.

    Source: ANAGEO, Universite libre de Bruxelles, slides of FOSS4G 2019.

    Args:
        pixels: Normalised pixels (batch, rows, columns, bands).
        classes: Number of classes.
        filters: Filters of every block.

    Returns:
        Class probabilities (batch, rows, columns, classes).
    """
    scales = []
    features = pixels
    for number, kernel in enumerate(KERNELS):
        features = _block(features, filters, kernel, name=f"block{number}")
        scales.append(features)
    return class_probabilities(layers.Concatenate(name="scales")(scales), classes)


def _block(features: KerasTensor, filters: int, kernel: int, *, name: str) -> KerasTensor:
    margin = DILATION * (kernel - 1) // 2
    x = layers.ZeroPadding2D(margin, name=f"{name}_pad")(features)
    x = layers.Conv2D(filters, kernel, dilation_rate=DILATION, name=f"{name}_conv")(x)
    x = layers.ReLU(name=f"{name}_relu")(x)
    x = layers.BatchNormalization(name=f"{name}_norm")(x)
    # After batch norm values may be negative: a border of zeros is not padding="same",
    # whose border never wins the maximum.
    x = layers.ZeroPadding2D(1, name=f"{name}_pool_pad")(x)
    return layers.MaxPooling2D(3, strides=1, name=f"{name}_pool")(x)
