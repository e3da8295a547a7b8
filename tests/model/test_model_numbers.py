# SPDX-License-Identifier: GPL-2.0-or-later
"""Networks whose weights or answers are not numbers make neither map nor score."""

import keras
import numpy as np
import pytest
from keras import layers

from grassdl.model.weights import check_numbers, load_network, predictor, save_network
from grassdl.predict.engines.keras_engine import KerasEngine


@pytest.fixture
def network():
    pixels = keras.Input((None, None, 2))
    return keras.Model(pixels, layers.Conv2D(3, 1, activation="softmax", name="head")(pixels))


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_weights_that_are_not_numbers_are_refused_at_load(network, tmp_path, wrong):
    kernel, bias = network.get_weights()
    kernel[0, 0, 1, 2] = wrong
    network.set_weights([kernel, bias])
    save_network(network, tmp_path)
    with pytest.raises(
        ValueError, match="model.keras> has weights that are not numbers .<head/kern"
    ):
        load_network(tmp_path)


def test_answers_that_are_not_numbers_are_refused_by_engine_and_score(network, tmp_path):
    network.set_weights([np.full(one.shape, 3e38, np.float32) for one in network.get_weights()])
    save_network(network, tmp_path)
    images = np.full((1, 4, 4, 2), 10, np.float32)
    with pytest.raises(ValueError, match="The network of this model gives values that are not num"):
        predictor(tmp_path)(images)
    with pytest.raises(ValueError, match="The network of this model gives values that are not num"):
        KerasEngine(load_network(tmp_path))(images[0])


def test_infinite_values_of_a_band_are_told_apart_from_a_damaged_network(network, tmp_path):
    save_network(network, tmp_path)
    images = np.zeros((1, 4, 4, 2), np.float32)
    assert predictor(tmp_path)(images).shape == (1, 4, 4, 3)
    images[0, 2, 3, 1] = np.inf
    with pytest.raises(ValueError, match="Band 2 holds infinite values: make them NULL first"):
        predictor(tmp_path)(images)


def test_large_numbers_whose_sum_is_none_pass():
    check_numbers(np.full((2, 2, 3), 3e38, np.float32), np.zeros((2, 2, 1), np.float32))
