# SPDX-License-Identifier: GPL-2.0-or-later
"""U-Net: encoder and decoder with skip connections."""

from __future__ import annotations

from collections.abc import Callable

from keras import KerasTensor, layers

from ..layers.blocks import class_scores, conv_norm_relu

ENCODER = ("encoder", "bottom")
"""What the names of the encoder's layers begin with."""

Gate = Callable[[KerasTensor, KerasTensor, str], KerasTensor]
"""What a level of the decoder takes from the encoder, given the encoder's features, those of the
decoder's next coarser level, and a name."""


def unet(
    pixels: KerasTensor,
    outputs: int,
    *,
    filters: int = 16,
    depth: int = 4,
    dropout: float = 0.0,
    batch_norm: bool = True,
) -> KerasTensor:
    """An encoder that halves the resolution `depth` times and a decoder that restores it.

    Every level of the decoder also sees the encoder's features of the same resolution.
    Unlike the original, convolutions are padded, so that the map has the size of the image.

    Source: Ronneberger, Fischer and Brox 2015, doi 10.1007/978-3-319-24574-4_28.

    Args:
        pixels: Normalised pixels (batch, rows, columns, bands), rows and columns multiples of
            2**depth.
        outputs: Number of scores.
        filters: Filters at full resolution; each level down has twice as many.
        depth: Number of times the resolution is halved.
        dropout: Share of features dropped in training at the lowest resolution.
        batch_norm: Whether batch normalisation follows each convolution.

    Returns:
        Scores (batch, rows, columns, outputs).
    """
    x = u_shape(pixels, filters, depth, dropout, batch_norm, gate=lambda skip, *_: skip)
    return class_scores(x, outputs)


def u_shape(
    pixels: KerasTensor, filters: int, depth: int, dropout: float, batch_norm: bool, gate: Gate
) -> KerasTensor:
    """Encoder and decoder of the family of U-Nets: see `unet`.

    Returns:
        Features (batch, rows, columns, filters).
    """
    skips = []
    x = pixels
    for level in range(depth):
        x = _double_conv(x, filters * 2**level, batch_norm, name=f"encoder{level}")
        skips.append(x)
        x = layers.MaxPooling2D(2, name=f"encoder{level}_pool")(x)
    x = _double_conv(x, filters * 2**depth, batch_norm, name="bottom")
    if dropout:
        x = layers.Dropout(dropout, name="bottom_dropout")(x)
    for level in reversed(range(depth)):
        width = filters * 2**level
        skip = gate(skips[level], x, f"decoder{level}_gate")
        x = layers.Conv2DTranspose(width, 2, strides=2, name=f"decoder{level}_up")(x)
        x = layers.Concatenate(name=f"decoder{level}_join")([skip, x])
        x = _double_conv(x, width, batch_norm, name=f"decoder{level}")
    return x


def _double_conv(
    features: KerasTensor, filters: int, batch_norm: bool, *, name: str
) -> KerasTensor:
    x = features
    for number in range(2):
        x = conv_norm_relu(x, filters, 3, name=f"{name}_{number}", bias=True, norm=batch_norm)
    return x
