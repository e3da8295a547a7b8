# SPDX-License-Identifier: GPL-2.0-or-later
"""Attention U-Net: a U-Net whose skip connections are weighted by attention gates."""

from __future__ import annotations

from keras import KerasTensor, layers

from ..layers.blocks import class_scores
from .unet import u_shape

ENCODER = ("encoder", "bottom")
"""Prefixes of the names of the encoder's layers."""


def attention_unet(
    pixels: KerasTensor,
    outputs: int,
    *,
    filters: int = 16,
    depth: int = 4,
    dropout: float = 0.0,
    batch_norm: bool = True,
    encoder: str = "none",
) -> KerasTensor:
    """A U-Net with a gate on each skip connection.

    Source: Oktay et al. 2018, arXiv 1804.03999.

    Args:
        pixels: Normalised pixels (batch, rows, columns, bands), rows and columns multiples of
            2**depth.
        outputs: Number of scores.
        filters: Filters at full resolution; each level down has twice as many.
        depth: Number of times the resolution is halved.
        dropout: Share of features dropped in training at the lowest resolution.
        batch_norm: Whether batch normalisation follows each convolution of the U-Net.
        encoder: See `u_shape`.

    Returns:
        Scores (batch, rows, columns, outputs).
    """
    x = u_shape(pixels, filters, depth, dropout, batch_norm, _gate, encoder)
    return class_scores(x, outputs)


def _gate(skip: KerasTensor, coarser: KerasTensor, name: str) -> KerasTensor:
    """The features of the encoder times sigmoid(psi . relu(W_x skip + W_g coarser)) (equation 1).

    Args:
        skip: Features of the encoder (batch, rows, columns, channels).
        coarser: Features of the decoder's next coarser level, of half the rows and columns.
        name: What the names of the layers begin with.

    Returns:
        (batch, rows, columns, channels).
    """
    width = skip.shape[-1]
    seen = layers.Conv2D(width, 1, strides=2, use_bias=False, name=f"{name}_x")(skip)
    context = layers.Conv2D(width, 1, name=f"{name}_g")(coarser)
    both = layers.ReLU(name=f"{name}_relu")(layers.Add(name=f"{name}_add")([seen, context]))
    share = layers.Conv2D(1, 1, activation="sigmoid", name=f"{name}_psi")(both)
    share = layers.UpSampling2D(2, interpolation="bilinear", name=f"{name}_up")(share)
    return layers.Multiply(name=name)([skip, share])
