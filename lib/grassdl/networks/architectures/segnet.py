# SPDX-License-Identifier: GPL-2.0-or-later
"""SegNet: VGG16 and its mirror image, with unpooling by the indices of the maxima."""

from __future__ import annotations

from keras import KerasTensor, layers

from ..layers.argmax_pooling import ArgMaxPooling2D, ArgMaxUnpooling2D
from ..layers.blocks import conv_norm_relu

CONVOLUTIONS = (2, 2, 3, 3, 3)
"""Convolutions of each level of VGG16."""

WIDTHS = (1, 2, 4, 8, 8)
"""Filters of each level, as multiples of those of the first."""

ENCODER = ("encoder",)
"""Prefixes of the names of the encoder's layers."""


def segnet(pixels: KerasTensor, outputs: int, *, filters: int = 64, depth: int = 5) -> KerasTensor:
    """The convolutions of VGG16 and a decoder that mirrors them, without skip connections.

    The decoder upsamples by putting each value where the encoder's pooling had found the maximum,
    which keeps borders in place with little memory.

    Source: Badrinarayanan, Kendall and Cipolla 2015, arXiv 1511.00561.

    Args:
        pixels: Normalised pixels (batch, rows, columns, bands), rows and columns multiples of
            2**depth.
        outputs: Number of scores.
        filters: Filters at full resolution; each level down has twice as many, at most 8 times.
        depth: Number of times the resolution is halved, at most 5.

    Returns:
        Scores (batch, rows, columns, outputs).

    Raises:
        ValueError: `depth` is more than 5.
    """
    if depth > len(CONVOLUTIONS):
        raise ValueError(f"<depth> of SegNet must be at most {len(CONVOLUTIONS)}, found {depth}")
    places = []
    x = pixels
    for level in range(depth):
        for number in range(CONVOLUTIONS[level]):
            width = filters * WIDTHS[level]
            x = conv_norm_relu(x, width, 3, name=f"encoder{level}_{number}", bias=True)
        x, place = ArgMaxPooling2D(name=f"encoder{level}_pool")(x)
        places.append(place)
    for level in reversed(range(depth)):
        x = ArgMaxUnpooling2D(name=f"decoder{level}_unpool")(x, places[level])
        # The last convolution of a level prepares for the next finer one.
        for number in reversed(range(1, CONVOLUTIONS[level])):
            width = filters * WIDTHS[level]
            x = conv_norm_relu(x, width, 3, name=f"decoder{level}_{number}", bias=True)
        if level:
            width = filters * WIDTHS[level - 1]
            x = conv_norm_relu(x, width, 3, name=f"decoder{level}_0", bias=True)
    return layers.Conv2D(outputs, 3, padding="same", name="logits")(x)
