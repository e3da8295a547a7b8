# SPDX-License-Identifier: GPL-2.0-or-later
"""EfficientNetV2-B0, from `keras.applications`.

Its blocks look at the whole image (squeeze-and-excite) from a sixteenth of the resolution on.

Source: Tan and Le 2021, arXiv 2104.00298.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import keras
from keras import KerasTensor

from ...io.keras_h5 import read_layers as arrays
from .keras_application import downloaded, levels_of

ENDS = (
    "block1a_project_activation",
    "block2b_add",
    "block3b_add",
    "block5e_add",
    "block6h_add",
)
"""The last layers at a half, a quarter, ... of the resolution."""

URL = (
    "https://storage.googleapis.com/tensorflow/keras-applications/efficientnet_v2/"
    "efficientnetv2-b0_notop.h5"
)
MD5 = "893217f2bb855e2983157299931e43ff"

__all__ = ["arrays", "imagenet_file", "levels"]


def levels(pixels: KerasTensor, count: int) -> list[KerasTensor]:
    """Features at a half, a quarter, ... of the resolution, as `catalog.levels` has them."""
    build = partial(keras.applications.EfficientNetV2B0, include_preprocessing=False)
    return levels_of(build, pixels, ENDS[:count])


def imagenet_file() -> Path:
    """The file of the weights from ImageNet, downloaded at first use.

    Raises:
        ValueError: It cannot be downloaded.
    """
    return downloaded("efficientnetv2b0", URL, MD5)
