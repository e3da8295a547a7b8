# SPDX-License-Identifier: GPL-2.0-or-later
"""Every network there is, with the figures that `tests/networks/test_every_network.py` holds it to.

A new network takes one row here, and runs through all checks of that battery; a test file of its
own holds nothing but published numbers that the row has no place for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import keras

from grassdl import networks
from grassdl.networks.analysis.receptive_field import Reach
from grassdl.networks.user_network import build_from_file


@dataclass(frozen=True)
class KnownReach:
    """How far a network with some options looks.

    Attributes:
        options: Its options.
        before, after: Pixels before and after a core of one stride on which that depends.
        reach: What the layer graph tells.
    """

    options: Mapping[str, Any]
    before: int
    after: int
    reach: Reach


@dataclass(frozen=True)
class NetworkRow:
    """A network.

    Attributes:
        name: Its name in the registry; of a network file, its file's without the ending.
        parameters: Number of parameters with default options, 5 bands of a date and 7 classes.
        stride: What patch sizes are a multiple of, with default options.
        receptive_field: In pixels, with default options; None for a network that looks at the whole
            image, which cannot be tiled exactly.
        small: Options with which it is quick and yet sees more than its neighbours.
        last_hidden: The layer that the scores are made of; "" where it is within a nested model.
        reaches: How far it looks with some options.
        hidden_by_zeros: Whether zeros hide what it depends on: a gate times 0, or maxima that are
            all the same.
        head: The layer whose weights are those of the classes.
        beside_the_bands: Later layers that read the bands, too, and are new where these differ.
        dates: Number of dates that it sees apart.
        encoder: Its option of that name; "" for the network's own encoder.
        code: The text of a network file; "" for a network of the registry.
    """

    name: str
    parameters: int
    stride: int
    receptive_field: int | None
    small: Mapping[str, Any] = field(default_factory=dict)
    last_hidden: str = ""
    reaches: Sequence[KnownReach] = ()
    hidden_by_zeros: bool = False
    head: str = "logits"
    beside_the_bands: Sequence[str] = ()
    dates: int = 1
    encoder: str = ""
    code: str = ""

    @property
    def label(self) -> str:
        """What tests call it."""
        return f"{self.name}_{self.encoder}" if self.encoder else self.name

    def of_all_dates(self, bands: int) -> int:
        """The number of bands of all dates, of one of which it is given."""
        return self.dates * bands

    def build(self, bands: int, classes: int, **options: Any) -> keras.Model:
        """The network with the given options only, for patches of 64 pixels and bands of all
        dates."""
        if self.dates > 1:
            options |= {"dates": self.dates}
        if self.encoder:
            options |= {"encoder": self.encoder}
        if not self.code:
            return networks.build(self.name, 64, bands, classes, **options)
        with TemporaryDirectory() as folder:
            path = Path(folder) / f"{self.name}.py"
            path.write_text(self.code)
            return build_from_file(path, 64, bands, classes, **options)


OWN_NETWORK = """
import keras
from keras import layers

def build(size, bands, classes):
    pixels = keras.Input((None, None, bands))
    features = layers.MaxPooling2D(2)(layers.Conv2D(4, 3, padding="same")(pixels))
    features = layers.UpSampling2D(2)(layers.BatchNormalization()(features))
    return keras.Model(pixels, layers.Conv2D(classes, 1, activation="softmax")(features))
"""
"""A sound network file."""

OF_REGISTRY = [
    NetworkRow(
        "unet",
        parameters=1_947_383,
        stride=16,
        receptive_field=204,
        small={"filters": 3, "depth": 2},
        last_hidden="decoder0_1_relu",
        reaches=[
            KnownReach({"depth": 2}, 22, 22, Reach(stride=4, halo=24, receptive_field=44)),
            KnownReach({"depth": 3}, 46, 46, Reach(stride=8, halo=48, receptive_field=100)),
            KnownReach({"depth": 4}, 94, 94, Reach(stride=16, halo=96, receptive_field=204)),
        ],
    ),
    NetworkRow(
        "attention_unet",
        parameters=2_013_147,
        stride=16,
        receptive_field=236,
        small={"filters": 3, "depth": 2},
        last_hidden="decoder0_1_relu",
        reaches=[KnownReach({"depth": 1}, 10, 10, Reach(stride=2, halo=10, receptive_field=20))],
        hidden_by_zeros=True,
    ),
    NetworkRow(
        "nicknet",
        parameters=300_103,
        stride=1,
        receptive_field=51,
        small={"filters": 3},
        last_hidden="scales",
        reaches=[KnownReach({}, 25, 25, Reach(stride=1, halo=25, receptive_field=51))],
    ),
    NetworkRow(
        "dilated",
        parameters=49_831,
        stride=1,
        receptive_field=45,
        small={"filters": 3, "depth": 3},
        last_hidden="scales",
        reaches=[KnownReach({}, 22, 22, Reach(stride=1, halo=22, receptive_field=45))],
    ),
    NetworkRow(
        "fcn_dk",
        parameters=118_311,
        stride=1,
        receptive_field=85,
        small={"filters": 3, "depth": 2},
        last_hidden="dk2_relu",
        reaches=[
            KnownReach({"depth": 3}, 12, 12, Reach(stride=1, halo=12, receptive_field=25)),
            KnownReach({}, 42, 42, Reach(stride=1, halo=42, receptive_field=85)),
        ],
    ),
    NetworkRow(
        "segnet",
        parameters=29_464_071,
        stride=32,
        receptive_field=404,
        small={"filters": 3, "depth": 2},
        last_hidden="decoder0_1_relu",
        reaches=[
            KnownReach({"depth": 1}, 4, 4, Reach(stride=2, halo=4, receptive_field=10)),
            KnownReach({"depth": 2}, 14, 14, Reach(stride=4, halo=16, receptive_field=28)),
        ],
        hidden_by_zeros=True,
    ),
    NetworkRow(
        "deeplabv3plus",
        parameters=11_860_167,
        stride=16,
        receptive_field=None,
        small={"filters": 2},
        last_hidden="up",
    ),
    NetworkRow(
        "linknet",
        parameters=2_898_023,
        stride=32,
        receptive_field=499,
        small={"filters": 3, "depth": 1},
        last_hidden="head_relu",
        reaches=[
            KnownReach({"depth": 1}, 26, 29, Reach(stride=4, halo=32, receptive_field=59)),
            KnownReach({"depth": 2}, 58, 57, Reach(stride=8, halo=64, receptive_field=123)),
        ],
    ),
    NetworkRow(
        "siamese_unet",
        parameters=1_947_383,
        stride=16,
        receptive_field=204,
        small={"filters": 3, "depth": 2},
        last_hidden="decoder0_1_relu",
        reaches=[KnownReach({"depth": 2}, 22, 22, Reach(stride=4, halo=24, receptive_field=44))],
        hidden_by_zeros=True,
        dates=2,
    ),
    NetworkRow(
        "utae",
        parameters=509_231,
        stride=8,
        receptive_field=108,
        small={"filters": 4, "depth": 2},
        last_hidden="decoder0_1_relu",
        reaches=[KnownReach({"depth": 2}, 22, 22, Reach(stride=4, halo=24, receptive_field=48))],
        hidden_by_zeros=True,
        dates=2,
    ),
    NetworkRow(
        "hypercolumn",
        parameters=71_243,
        stride=8,
        receptive_field=75,
        small={"filters": 8, "depth": 1},
        last_hidden="head_relu",
        beside_the_bands=("head_norm", "head_conv"),
        reaches=[KnownReach({"depth": 2}, 10, 13, Reach(stride=4, halo=16, receptive_field=23))],
    ),
    NetworkRow(
        "patch_cnn",
        parameters=1_184_823,
        stride=16,
        receptive_field=None,
        small={"filters": 3, "depth": 2},
        last_hidden="pooled",
        head="dense",
    ),
]
"""The networks of the registry, in its order.

Parameters, strides and receptive fields are those of the manual of i.dl.train. Source of reaches:
oracles of the project, recomputed and tried (tiled = whole); NickNet's receptive field: FOSS4G 2019
slides; FCN-DK's: Persello and Stein 2017; others' and U-Net's: the probe of the battery."""

EVERY_NETWORK = [
    *OF_REGISTRY,
    NetworkRow(
        "own",
        parameters=235,  # 3 x 3 x 5 x 4 + 4, 4 x 4 of the batch norm, 4 x 7 + 7
        stride=2,
        receptive_field=4,
        reaches=[KnownReach({}, 1, 1, Reach(stride=2, halo=2, receptive_field=4))],
        code=OWN_NETWORK,
    ),
]
"""Those of the registry and a user's."""

WITH_ENCODER = [
    NetworkRow(
        "unet",
        encoder="efficientnet_lite0",
        parameters=1_282_295,
        stride=16,
        receptive_field=403,
        small={"filters": 2, "depth": 2},
        reaches=[
            KnownReach({"depth": 2}, 14, 17, Reach(stride=4, halo=20, receptive_field=31)),
        ],
    ),
    NetworkRow(
        "linknet",
        encoder="mobilenetv2",
        parameters=577_323,
        stride=16,
        receptive_field=299,
        small={"filters": 16, "depth": 1},
    ),
    NetworkRow(
        "attention_unet",
        encoder="mobilenetv2",
        parameters=1_116_587,
        stride=16,
        receptive_field=363,
        small={"filters": 2, "depth": 1},
    ),
    NetworkRow(
        "unet",
        encoder="resnet50",
        parameters=10_318_391,
        stride=16,
        receptive_field=355,
        small={"filters": 2, "depth": 2},
    ),
    # It looks at the whole image from depth 4 on.
    NetworkRow(
        "unet",
        encoder="efficientnetv2b0",
        parameters=1_971_227,
        stride=16,
        receptive_field=None,
        small={"filters": 2, "depth": 2},
    ),
    NetworkRow(
        "unet",
        encoder="convnext_tiny",
        parameters=13_268_535,
        stride=16,
        receptive_field=1160,
        small={"filters": 2, "depth": 2},
    ),
]
"""Networks that take an encoder of the catalogue, with each of these."""
