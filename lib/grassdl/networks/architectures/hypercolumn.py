# SPDX-License-Identifier: GPL-2.0-or-later
"""Hypercolumns: features of an encoder at several resolutions, classified cell by cell."""

from __future__ import annotations

from keras import KerasTensor, layers

from ..encoders import catalog
from ..layers.blocks import class_scores

ENCODER = catalog.ENCODERS["efficientnet_lite0"].prefixes
"""Prefixes of the names of the encoder's layers."""

FEATURES = "features"
"""The layer after which each cell is classified by itself; layers before it are frozen."""


def hypercolumn(
    pixels: KerasTensor,
    outputs: int,
    *,
    encoder: str = "efficientnet_lite0",
    depth: int = 3,
    filters: int = 128,
) -> KerasTensor:
    """The features of an encoder's levels, read bilinearly at every cell, and the bands
    themselves, in a small head of 1x1 convolutions.

    The encoder should have trained weights, which are frozen: then the features of
    labelled cells are computed once, and the head learns in seconds.

    Source: Hariharan, Arbelaez, Girshick and Malik 2015, arXiv 1411.5752.

    Args:
        pixels: Normalised pixels (batch, rows, columns, bands), rows and columns multiples of
            2**depth.
        outputs: Number of scores.
        encoder: Name of an encoder of the catalogue.
        depth: Number of its levels: at a half, a quarter, ... of the resolution.
        filters: Hidden units of the head.

    Returns:
        Scores (batch, rows, columns, outputs).
    """
    columns = [pixels]
    for level, features in enumerate(catalog.levels(encoder, pixels, depth), start=1):
        up = layers.UpSampling2D(2**level, interpolation="bilinear", name=f"level{level}_up")
        columns.append(up(features))
    x = layers.Concatenate(name=FEATURES)(columns)
    x = layers.BatchNormalization(name="head_norm")(x)
    x = layers.Conv2D(filters, 1, kernel_initializer="he_normal", name="head_conv")(x)
    x = layers.ReLU(name="head_relu")(x)
    return class_scores(x, outputs)
