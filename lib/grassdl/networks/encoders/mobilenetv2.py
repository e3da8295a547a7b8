# SPDX-License-Identifier: GPL-2.0-or-later
"""MobileNetV2, from `keras.applications`.

Source: Sandler et al. 2018, arXiv 1801.04381.
"""

from __future__ import annotations

from pathlib import Path

import keras
from keras import KerasTensor

from ...io.keras_h5 import read_layers as arrays
from .keras_application import downloaded, levels_of

ENDS = (
    "expanded_conv_project_BN",
    "block_2_add",
    "block_5_add",
    "block_12_add",
    "block_16_project_BN",
)
"""The last layers at a half, a quarter, ... of the resolution."""

URL = (
    "https://storage.googleapis.com/tensorflow/keras-applications/mobilenet_v2/"
    "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5"
)

__all__ = ["arrays", "imagenet_file", "levels"]


def levels(pixels: KerasTensor, count: int) -> list[KerasTensor]:
    """Features at a half, a quarter, ... of the resolution, as `catalog.levels` has them."""
    return levels_of(keras.applications.MobileNetV2, pixels, ENDS[:count])


def imagenet_file() -> Path:
    """The file of the weights from ImageNet, downloaded at first use.

    Raises:
        ValueError: It cannot be downloaded.
    """
    return downloaded("mobilenetv2", URL, None)
