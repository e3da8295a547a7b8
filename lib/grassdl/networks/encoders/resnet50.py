# SPDX-License-Identifier: GPL-2.0-or-later
"""ResNet50, from `keras.applications`.

Source: He et al. 2016, arXiv 1512.03385.
"""

from __future__ import annotations

from pathlib import Path

import keras
from keras import KerasTensor

from ...io.keras_h5 import read_layers as arrays
from .keras_application import downloaded, levels_of

ENDS = (
    "conv1_relu",
    "conv2_block3_out",
    "conv3_block4_out",
    "conv4_block6_out",
    "conv5_block3_out",
)
"""The last layers at a half, a quarter, ... of the resolution."""

URL = (
    "https://storage.googleapis.com/tensorflow/keras-applications/resnet/"
    "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5"
)
MD5 = "4d473c1dd8becc155b73f8504c6f6626"

__all__ = ["arrays", "imagenet_file", "levels"]


def levels(pixels: KerasTensor, count: int) -> list[KerasTensor]:
    """Features at a half, a quarter, ... of the resolution, as `catalog.levels` has them."""
    return levels_of(keras.applications.ResNet50, pixels, ENDS[:count])


def imagenet_file() -> Path:
    """The file of the weights from ImageNet, downloaded at first use.

    Raises:
        ValueError: It cannot be downloaded.
    """
    return downloaded("resnet50", URL, MD5)
