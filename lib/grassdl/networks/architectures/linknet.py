# SPDX-License-Identifier: GPL-2.0-or-later
"""LinkNet: a residual encoder and a narrow decoder of little cost."""

from __future__ import annotations

from keras import KerasTensor, layers

from ..encoders import catalog
from ..layers.blocks import conv_norm_relu

ENCODER = ("stem", "encoder")
"""Prefixes of the names of the encoder's layers."""

DEFAULTS_WITH_ENCODER = {"depth": 3}
"""A fourth level doubles the halo of encoders of the catalogue, and slows tiling down."""


def linknet(
    pixels: KerasTensor, outputs: int, *, filters: int = 32, depth: int = 4, encoder: str = "none"
) -> KerasTensor:
    """ResNet18 as encoder, and a decoder to whose levels the encoder's are added.

    Most of the work is done at a quarter of the resolution and below, which makes it quick
    without a GPU. The original has 64 filters.

    Source: Chaurasia and Culurciello 2017, arXiv 1707.03718.

    Args:
        pixels: Normalised pixels (batch, rows, columns, bands), rows and columns multiples of
            2**(depth + 1).
        outputs: Number of scores.
        filters: Filters at a quarter of the resolution; each level down has twice as many.
        depth: Number of levels of the encoder: at a quarter, an eighth, ... of the resolution.
        encoder: Name of an encoder of the catalogue, whose levels replace those of ResNet18; or
            `catalog.NONE`. Then `filters` are those of the last level of the decoder.

    Returns:
        Scores (batch, rows, columns, outputs).
    """
    if encoder == catalog.NONE:
        levels = _resnet18(pixels, filters, depth)
    else:
        levels = catalog.levels(encoder, pixels, depth + 1)[1:]
    x = levels[-1]
    for level in reversed(range(1, depth)):
        finer = levels[level - 1]
        x = _decoder(x, finer.shape[-1], strides=2, name=f"decoder{level}")
        x = layers.Add(name=f"decoder{level}_link")([x, finer])
    x = _decoder(x, filters, strides=1, name="decoder0")
    half = max(filters // 2, 1)
    x = _up(x, half, strides=2, name="head_up")
    x = conv_norm_relu(x, half, 3, name="head")
    return layers.Conv2DTranspose(outputs, 2, strides=2, name="logits")(x)


def _resnet18(pixels: KerasTensor, filters: int, depth: int) -> list[KerasTensor]:
    """Features at a quarter, an eighth, ... of the resolution."""
    x = conv_norm_relu(pixels, filters, 7, strides=2, name="stem")
    x = layers.MaxPooling2D(3, strides=2, padding="same", name="stem_pool")(x)
    levels = []
    for level in range(depth):
        width = filters * 2**level
        x = _residual(x, width, strides=2 if level else 1, name=f"encoder{level}_0")
        x = _residual(x, width, strides=1, name=f"encoder{level}_1")
        levels.append(x)
    return levels


def _residual(features: KerasTensor, filters: int, strides: int, *, name: str) -> KerasTensor:
    """The basic block of ResNet (He et al. 2016)."""
    x = conv_norm_relu(features, filters, 3, strides=strides, name=f"{name}_a")
    x = layers.Conv2D(filters, 3, padding="same", use_bias=False, name=f"{name}_b_conv")(x)
    x = layers.BatchNormalization(name=f"{name}_b_norm")(x)
    if strides > 1:
        features = layers.Conv2D(
            filters, 1, strides=strides, use_bias=False, name=f"{name}_short_conv"
        )(features)
        features = layers.BatchNormalization(name=f"{name}_short_norm")(features)
    x = layers.Add(name=f"{name}_add")([features, x])
    return layers.ReLU(name=f"{name}_relu")(x)


def _decoder(features: KerasTensor, filters: int, strides: int, *, name: str) -> KerasTensor:
    """Narrow to a quarter, upsample, widen."""
    narrow = max(features.shape[-1] // 4, 1)
    x = conv_norm_relu(features, narrow, 1, name=f"{name}_narrow")
    x = _up(x, narrow, strides, name=f"{name}_up")
    return conv_norm_relu(x, filters, 1, name=f"{name}_wide")


def _up(features: KerasTensor, filters: int, strides: int, *, name: str) -> KerasTensor:
    x = layers.Conv2DTranspose(
        filters, 3, strides=strides, padding="same", use_bias=False, name=f"{name}_conv"
    )(features)
    x = layers.BatchNormalization(name=f"{name}_norm")(x)
    return layers.ReLU(name=f"{name}_relu")(x)
