# SPDX-License-Identifier: GPL-2.0-or-later
"""ConvNeXt-Tiny, with the weights of `keras.applications`.

It is built here: the layers by which `keras.applications` scales channels and adds are no layers of
Keras that a saved network may hold. A depthwise convolution by a kernel of one cell scales channels
as well. Normalisation is of each cell over its channels.

Source: Liu et al. 2022, arXiv 2201.03545.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from keras import KerasTensor, initializers, layers

from ...io.keras_h5 import read_layers
from .keras_application import downloaded

NAME = "convnext_tiny"

STAGES = ((3, 96), (3, 192), (9, 384), (3, 768))
"""Blocks and channels at a quarter, an eighth, ... of the resolution."""

KERNEL = 7
"""Edge of the depthwise kernels."""

EXPANSION = 4
"""Times as many channels within a block."""

EPSILON = 1e-6
"""What normalisation adds to the variance."""

FIRST_SCALE = 1e-6
"""Of what a block adds, before it has learned."""

URL = "https://storage.googleapis.com/tensorflow/keras-applications/convnext/convnext_tiny_notop.h5"
SHA256 = "d547c096cabd03329d7be5562c5e14798aa39ed24b474157cef5e85ab9e49ef1"


def levels(pixels: KerasTensor, count: int) -> list[KerasTensor]:
    """Features at a half, a quarter, ... of the resolution, as `catalog.levels` has them.

    The network begins at a quarter; at a half there are the means of the bands.
    """
    found = [layers.AveragePooling2D(2, name=f"{NAME}_half")(pixels)]
    x = pixels
    for stage, (blocks, filters) in enumerate(STAGES[: count - 1]):
        if stage == 0:
            x = layers.Conv2D(filters, 4, strides=4, name=f"{NAME}_stem_conv")(x)
            x = _normalised(x, "stem_layernorm")
        else:
            x = _normalised(x, f"downsampling_layernorm_{stage - 1}")
            name = f"{NAME}_downsampling_conv_{stage - 1}"
            x = layers.Conv2D(filters, 2, strides=2, name=name)(x)
        for block in range(blocks):
            x = _block(x, f"stage_{stage}_block_{block}")
        found.append(x)
    return found


def _block(features: KerasTensor, block: str) -> KerasTensor:
    """Look around channel by channel, widen and narrow, and add what came in."""
    name = f"{NAME}_{block}"
    filters = features.shape[-1]
    x = layers.DepthwiseConv2D(KERNEL, padding="same", name=f"{name}_depthwise_conv")(features)
    x = _normalised(x, f"{block}_layernorm")
    x = layers.Dense(EXPANSION * filters, name=f"{name}_pointwise_conv_1")(x)
    x = layers.Activation("gelu", name=f"{name}_gelu")(x)
    x = layers.Dense(filters, name=f"{name}_pointwise_conv_2")(x)
    x = layers.DepthwiseConv2D(
        1,
        use_bias=False,
        depthwise_initializer=initializers.Constant(FIRST_SCALE),
        name=f"{name}_layer_scale",
    )(x)
    return layers.Add(name=f"{name}_add")([features, x])


def _normalised(features: KerasTensor, name: str) -> KerasTensor:
    return layers.LayerNormalization(epsilon=EPSILON, name=f"{NAME}_{name}")(features)


def imagenet_file() -> Path:
    """The file of the weights from ImageNet, downloaded at first use.

    Raises:
        ValueError: It cannot be downloaded.
    """
    return downloaded(NAME, URL, SHA256)


def arrays(path: Path) -> dict[str, list[np.ndarray]]:
    """The weights of a file of `keras.applications` by the names of our layers.

    Raises:
        ValueError: The file cannot be read.
    """
    found: dict[str, list[np.ndarray]] = {}
    for name, values in read_layers(path).items():
        if name == f"{NAME}_stem":
            found |= _of_two(values, "stem_conv", "stem_layernorm")
        elif name.startswith(f"{NAME}_downsampling_block_"):
            number = name.rpartition("_")[2]
            found |= _of_two(
                values, f"downsampling_layernorm_{number}", f"downsampling_conv_{number}"
            )
        elif name.endswith("_depthwise_conv"):
            found[name] = [one.swapaxes(2, 3) if one.ndim == 4 else one for one in values]
        elif name.endswith("_layer_scale"):
            found[name] = [one.reshape(1, 1, -1, 1) for one in values]
        else:
            found[name] = values
    return found


def _of_two(values: list[np.ndarray], *names: str) -> dict[str, list[np.ndarray]]:
    """The weights of two layers that follow each other in one, two of each."""
    return {f"{NAME}_{name}": values[2 * place :][:2] for place, name in enumerate(names)}
