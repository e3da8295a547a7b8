# SPDX-License-Identifier: GPL-2.0-or-later
"""NickNet against the figures of its authors (ANAGEO, FOSS4G 2019)."""

import keras
import numpy as np
import pytest

from grassdl import networks
from grassdl.networks.analysis.receptive_field import reach


@pytest.mark.parametrize(("bands", "parameters"), [(5, 300_103), (4, 298_503), (3, 296_903)])
def test_parameters_are_those_of_the_slides(bands, parameters):
    """Source: FOSS4G 2019 slides, 7 classes; recomputed in Keras."""
    assert networks.build("nicknet", 64, bands, 7).count_params() == parameters


def test_all_parameters_but_the_moving_statistics_are_trainable():
    """Source: FOSS4G 2019 slides; recomputed in Keras: 299 207 of 300 103."""
    model = networks.build("nicknet", 64, 5, 7)
    assert sum(np.prod(weight.shape) for weight in model.trainable_weights) == 299_207


def test_each_block_widens_the_receptive_field_as_the_slides_say():
    """Source: FOSS4G 2019 slides: 11, 21, 27, 33, 39, 45, 51 pixels after the blocks."""
    model = networks.build("nicknet", 64, 5, 7)
    after = [keras.Model(model.input, model.get_layer(f"block{i}_pool").output) for i in range(7)]
    assert [reach(part).receptive_field for part in after] == [11, 21, 27, 33, 39, 45, 51]


def test_blocks_pad_with_zeros_convolve_rectify_normalise_and_pool_in_this_order():
    """Source: FOSS4G 2019 slides; batch norm after ReLU, the pool's border is of zeros."""
    model = networks.build("nicknet", 64, 5, 7)
    block = [layer for layer in model.layers if layer.name.startswith("block1_")]
    assert [type(layer).__name__ for layer in block] == [
        "ZeroPadding2D",
        "Conv2D",
        "ReLU",
        "BatchNormalization",
        "ZeroPadding2D",
        "MaxPooling2D",
    ]
    assert model.get_layer("block0_pad").padding == ((4, 4), (4, 4))
    assert model.get_layer("block2_pad").padding == ((2, 2), (2, 2))
    assert model.get_layer("scales").output.shape[-1] == 7 * 64


def test_filters_set_the_width_of_every_block():
    model = networks.build("nicknet", 64, 2, 3, filters=4)
    assert {model.get_layer(f"block{i}_conv").filters for i in range(7)} == {4}
