# SPDX-License-Identifier: GPL-2.0-or-later
"""Memory of networks, against sums done by hand."""

import keras
from keras import layers

from grassdl.networks.analysis.memory_estimate import working_bytes
from grassdl.networks.layers.argmax_pooling import ArgMaxPooling2D


def test_a_convolution_takes_its_input_and_output_twice():
    pixels = keras.Input((None, None, 2))
    network = keras.Model(pixels, layers.Conv2D(3, 3, padding="same")(pixels))
    assert working_bytes(network) == 4 * 2 * (2 + 3)


def test_what_a_skip_connection_holds_lives_until_it_is_joined():
    pixels = keras.Input((None, None, 2))
    wide = layers.ReLU()(layers.Conv2D(8, 1)(pixels))
    coarse = layers.MaxPooling2D(2)(wide)
    back = layers.UpSampling2D(2)(coarse)
    joined = layers.Concatenate()([wide, back])
    network = keras.Model(pixels, layers.ReLU()(joined))
    # The most lives when the joined layer's 16 channels go through the last activation, or when
    # they are joined from twice 8.
    assert working_bytes(network) == 4 * (8 + 8 + 16)
    assert working_bytes(network, "bfloat16") == 2 * (8 + 8 + 16)


def test_nested_models_are_opened_and_coarse_layers_count_for_less():
    inner = keras.Input((None, None, 4))
    nested = keras.Model(inner, layers.Conv2D(16, 3, strides=2, padding="same")(inner))
    pixels = keras.Input((None, None, 4))
    network = keras.Model(pixels, layers.UpSampling2D(2)(nested(pixels)))
    # At the end 16 channels of a quarter of the cells, and 16 of all of them.
    assert working_bytes(network) == 4 * (4 + 16)


def test_a_layer_of_several_operations_takes_copies_of_its_inputs_and_outputs():
    pixels = keras.Input((None, None, 2))
    network = keras.Model(pixels, ArgMaxPooling2D()(pixels))
    # Maxima and their places, a quarter of the cells each.
    assert working_bytes(network) == 4 * (1 + 4) * (2 + 0.5 + 0.5)
    assert working_bytes(network, "bfloat16") == (2 + 4 * 4) * (2 + 0.5 + 0.5)
