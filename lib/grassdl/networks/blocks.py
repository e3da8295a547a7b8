# SPDX-License-Identifier: GPL-2.0-or-later
"""Blocks of layers that several networks share."""

from __future__ import annotations

from keras import KerasTensor, layers


def class_probabilities(features: KerasTensor, classes: int) -> KerasTensor:
    """The head of a network: a 1x1 convolution and the softmax over the classes.

    Args:
        features: (batch, rows, columns, channels).
        classes: Number of classes.

    Returns:
        Probabilities (batch, rows, columns, classes), float32 whatever the precision in use,
        because half precision does not add up to 1.
    """
    logits = layers.Conv2D(classes, 1, name="logits")(features)
    return layers.Softmax(dtype="float32", name="probabilities")(logits)
