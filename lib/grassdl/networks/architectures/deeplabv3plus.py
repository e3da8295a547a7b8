# SPDX-License-Identifier: GPL-2.0-or-later
"""DeepLabV3+: ResNet50, several dilations side by side, and a small decoder."""

from __future__ import annotations

import keras
from keras import KerasTensor, layers

from ..encoders import catalog
from ..layers.blocks import class_scores, conv_norm_relu
from ..layers.image_pooling import ImagePooling2D

RATES = (6, 12, 18)
"""Dilations of the 3x3 branches at a sixteenth of the resolution."""

LOW_LEVEL_FILTERS = 48

ENCODER = catalog.ENCODERS["resnet50"].prefixes
"""Prefixes of the names of the encoder's layers."""


def deeplabv3plus(pixels: KerasTensor, outputs: int, *, filters: int = 256) -> KerasTensor:
    """A deep encoder whose features are pooled at several scales, and refined at a quarter of the
    resolution.

    One of the scales is the whole image, so that maps cannot be tiled exactly. The encoder is
    ResNet50 for any number of bands.

    Source: Chen et al. 2018, doi 10.1007/978-3-030-01234-2_49, as built in the examples of Keras
    (https://keras.io/examples/vision/deeplabv3_plus/).

    Args:
        pixels: Normalised pixels (batch, rows, columns, bands), rows and columns multiples of 16.
        outputs: Number of scores.
        filters: Filters of each scale and of the decoder.

    Returns:
        Scores (batch, rows, columns, outputs).
    """
    encoder = keras.applications.ResNet50(include_top=False, weights=None, input_tensor=pixels)
    deep = encoder.get_layer("conv4_block6_2_relu").output
    low = encoder.get_layer("conv2_block3_2_relu").output

    x = _scales(deep, filters)
    x = layers.UpSampling2D(4, interpolation="bilinear", name="decoder_up")(x)
    low = conv_norm_relu(low, LOW_LEVEL_FILTERS, 1, name="low")
    x = layers.Concatenate(name="decoder_join")([x, low])
    for number in range(2):
        x = conv_norm_relu(x, filters, 3, name=f"decoder{number}")
    x = layers.UpSampling2D(4, interpolation="bilinear", name="up")(x)
    return class_scores(x, outputs)


def _scales(features: KerasTensor, filters: int) -> KerasTensor:
    """Atrous spatial pyramid pooling."""
    image = ImagePooling2D(name="image_pooling")(features)
    branches = [
        conv_norm_relu(image, filters, 1, name="image", bias=True),
        conv_norm_relu(features, filters, 1, name="rate1"),
    ]
    for rate in RATES:
        branches.append(conv_norm_relu(features, filters, 3, dilation=rate, name=f"rate{rate}"))
    return conv_norm_relu(layers.Concatenate(name="rates")(branches), filters, 1, name="scales")
