# SPDX-License-Identifier: GPL-2.0-or-later
"""U-Net: encoder and decoder with skip connections."""

from __future__ import annotations

from keras import KerasTensor, layers

from .blocks import class_probabilities


def unet(
    pixels: KerasTensor,
    classes: int,
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
        classes: Number of classes.
        filters: Filters at full resolution; each level down has twice as many.
        depth: Number of times the resolution is halved.
        dropout: Share of features dropped in training at the lowest resolution.
        batch_norm: Whether batch normalisation follows each convolution.

    Returns:
        Class probabilities (batch, rows, columns, classes).

    Raises:
        ValueError: `depth` is less than 1.
    """
    if depth < 1:
        raise ValueError(f"The depth of a U-Net must be at least 1, found {depth}")
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
        x = layers.Conv2DTranspose(width, 2, strides=2, name=f"decoder{level}_up")(x)
        x = layers.Concatenate(name=f"decoder{level}_join")([skips[level], x])
        x = _double_conv(x, width, batch_norm, name=f"decoder{level}")
    return class_probabilities(x, classes)


def _double_conv(
    features: KerasTensor, filters: int, batch_norm: bool, *, name: str
) -> KerasTensor:
    x = features
    for number in range(2):
        x = layers.Conv2D(
            filters,
            3,
            padding="same",
            kernel_initializer="he_normal",  # as the paper has it
            name=f"{name}_conv{number}",
        )(x)
        if batch_norm:
            x = layers.BatchNormalization(name=f"{name}_norm{number}")(x)
        x = layers.ReLU(name=f"{name}_relu{number}")(x)
    return x
