# SPDX-License-Identifier: GPL-2.0-or-later
"""U-Net: encoder and decoder with skip connections."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from keras import KerasTensor, layers

from ..encoders import catalog
from ..layers.blocks import class_scores, conv_norm_relu

ENCODER = ("encoder", "bottom")
"""Prefixes of the names of the encoder's layers."""

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
    encoder: str = "none",
) -> KerasTensor:
    """An encoder that halves the resolution `depth` times and a decoder that restores it.

    Every level of the decoder also takes the encoder's features of the same resolution.
    Unlike the original, convolutions are padded, so that the map has the size of the image.

    Source: Ronneberger, Fischer and Brox 2015, doi 10.1007/978-3-319-24574-4_28.

    Args:
        pixels: Normalised pixels (batch, rows, columns, bands), rows and columns multiples of
            2**depth.
        outputs: Number of scores.
        filters: Filters at full resolution; each level down has twice as many.
        depth: Number of times the resolution is halved.
        dropout: Share of features dropped in training at the lowest resolution.
        batch_norm: Whether batch normalisation follows each convolution; not in `encoder`.
        encoder: See `u_shape`.

    Returns:
        Scores (batch, rows, columns, outputs).
    """
    x = u_shape(
        pixels, filters, depth, dropout, batch_norm, gate=lambda skip, *_: skip, encoder=encoder
    )
    return class_scores(x, outputs)


def u_shape(
    pixels: KerasTensor,
    filters: int,
    depth: int,
    dropout: float,
    batch_norm: bool,
    gate: Gate,
    encoder: str,
) -> KerasTensor:
    """Encoder and decoder of the family of U-Nets: see `unet`.

    Args:
        encoder: Name of an encoder of the catalogue, of which the decoder takes the levels, and
            two convolutions at full resolution; or `catalog.NONE` for the U-Net's own.

    Returns:
        Features (batch, rows, columns, filters).
    """
    skips, x = encoded(pixels, filters, depth, batch_norm, encoder)
    return decoded(skips, x, filters, dropout, batch_norm, gate)


def decoded(
    skips: Sequence[KerasTensor],
    deepest: KerasTensor,
    filters: int,
    dropout: float,
    batch_norm: bool,
    gate: Gate,
) -> KerasTensor:
    """The decoder of `u_shape`.

    Args:
        skips: What the encoder gives at each level, from full resolution on.
        deepest: What the decoder starts from, at half the resolution of the last of them.
    """
    x = deepest
    if dropout:
        x = layers.Dropout(dropout, name="bottom_dropout")(x)
    for level in reversed(range(len(skips))):
        width = filters * 2**level
        skip = gate(skips[level], x, f"decoder{level}_gate")
        x = layers.Conv2DTranspose(width, 2, strides=2, name=f"decoder{level}_up")(x)
        x = layers.Concatenate(name=f"decoder{level}_join")([skip, x])
        x = _double_conv(x, width, batch_norm, name=f"decoder{level}")
    return x


def encoded(
    pixels: KerasTensor, filters: int, depth: int, batch_norm: bool, encoder: str
) -> tuple[list[KerasTensor], KerasTensor]:
    """Skip features of each level, and the features that the decoder starts from: see `u_shape`."""
    way = own_encoder if encoder == catalog.NONE else partial(_encoder_of_catalog, encoder)
    return way(pixels, filters, depth, batch_norm)


def own_encoder(
    pixels: KerasTensor, filters: int, depth: int, batch_norm: bool
) -> tuple[list[KerasTensor], KerasTensor]:
    """What the decoder takes at each level, and what it starts from."""
    skips = []
    x = pixels
    for level in range(depth):
        x = _double_conv(x, filters * 2**level, batch_norm, name=f"encoder{level}")
        skips.append(x)
        x = layers.MaxPooling2D(2, name=f"encoder{level}_pool")(x)
    return skips, _double_conv(x, filters * 2**depth, batch_norm, name="bottom")


def _encoder_of_catalog(
    name: str, pixels: KerasTensor, filters: int, depth: int, batch_norm: bool
) -> tuple[list[KerasTensor], KerasTensor]:
    """The same of an encoder that begins at half the resolution."""
    detail = _double_conv(pixels, filters, batch_norm, name="detail")
    *skips, deepest = catalog.levels(name, pixels, depth)
    return [detail, *skips], deepest


def _double_conv(
    features: KerasTensor, filters: int, batch_norm: bool, *, name: str
) -> KerasTensor:
    x = features
    for number in range(2):
        x = conv_norm_relu(x, filters, 3, name=f"{name}_{number}", bias=True, norm=batch_norm)
    return x
