# SPDX-License-Identifier: GPL-2.0-or-later
"""The reach that is worked out from a layer graph, layer by layer and for any joining of layers.

The networks there are run through this in `test_every_network.py`.
"""

import keras
import numpy as np
import pytest
from keras import layers

from grassdl.networks.analysis.receptive_field import ROWS_AND_COLUMNS, RULES, Reach, reach
from probing import responses, set_weights

LAYERS = [
    layers.Conv2D(1, (3, 5), padding="same"),
    layers.Conv2D(1, (4, 2), padding="same"),
    layers.Conv2D(1, (3, 5), strides=2, padding="same"),
    layers.Conv2D(1, (4, 7), strides=(2, 3), padding="same"),
    layers.Conv2D(1, 1, strides=2, padding="same"),
    layers.Conv2D(1, (3, 4), strides=(2, 1), padding="valid"),
    layers.Conv2D(1, (3, 5), dilation_rate=(2, 3), padding="same"),
    layers.Conv2D(1, 3, dilation_rate=6),
    layers.DepthwiseConv2D(3, strides=2, padding="same"),
    layers.DepthwiseConv2D(3, dilation_rate=2, padding="same"),
    layers.SeparableConv2D(1, (5, 3), padding="same"),
    layers.MaxPooling2D(2),
    layers.MaxPooling2D((3, 2), strides=(1, 2), padding="same"),
    layers.AveragePooling2D(3, strides=2, padding="same"),
    layers.AveragePooling2D((2, 4)),
    layers.Conv2DTranspose(1, 2, strides=2),
    layers.Conv2DTranspose(1, 2, strides=2, padding="same"),
    layers.Conv2DTranspose(1, (3, 4), strides=2, padding="same"),
    layers.Conv2DTranspose(1, (3, 5), strides=(2, 3)),
    layers.Conv2DTranspose(1, (5, 4), padding="same"),
    layers.UpSampling2D((2, 3)),
    layers.UpSampling2D((2, 3), interpolation="bilinear"),
    layers.UpSampling2D((4, 5), interpolation="bilinear"),
    layers.ZeroPadding2D(((1, 2), (3, 0))),
    layers.Cropping2D(((1, 2), (3, 0))),
    layers.LeakyReLU(),
    layers.Rescaling(2.0),
    layers.Dense(1),
    layers.SpatialDropout2D(0.5),
]


@pytest.mark.parametrize("axis", ROWS_AND_COLUMNS)
@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.name)
def test_a_layer_needs_the_inputs_that_its_rule_tells(layer, axis):
    size = 48
    model = set_weights(keras.Sequential([keras.Input((None, None, 1)), layer]), positive=True)
    answers = responses(model, size, 24, list(range(size)), axis)
    window = RULES[type(layer)](layer, axis)
    assert answers.shape[1] / size == pytest.approx(1 / window.step, rel=0.3)
    compared = 0
    for output in range(answers.shape[1]):
        first, last = window.needs((output, output))
        if first >= 0 and last < size:
            needed = np.flatnonzero(answers[:, output])
            assert (first, last) == (needed[0], needed[-1])
            compared += 1
    assert compared >= 10


@pytest.mark.parametrize("axis", ROWS_AND_COLUMNS)
def test_a_dilated_transposed_convolution_needs_what_a_wider_kernel_needs(axis):
    """By the rules alone: TensorFlow computes it on some processors only."""
    rule = RULES[layers.Conv2DTranspose]
    dilated = rule(layers.Conv2DTranspose(1, 3, dilation_rate=2, padding="same"), axis)
    wide = rule(layers.Conv2DTranspose(1, 5, padding="same"), axis)
    assert [dilated.needs((one, one)) for one in range(9)] == [
        wide.needs((one, one)) for one in range(9)
    ]


def model_of(*stack: layers.Layer) -> keras.Model:
    inputs = keras.Input((None, None, 2))
    outputs = inputs
    for layer in stack:
        outputs = layer(outputs)
    return keras.Model(inputs, outputs)


@pytest.mark.parametrize(
    "layer",
    [
        layers.GlobalAveragePooling2D(keepdims=True),
        layers.GroupNormalization(2),
        layers.Softmax(axis=1),
        layers.Softmax(axis=(1, 2)),
        layers.Resizing(8, 8),
        layers.UpSampling2D(1, interpolation="bicubic"),
        layers.Conv2DTranspose(2, 3, padding="same", output_padding=0),
    ],
    ids=lambda layer: layer.name,
)
def test_a_layer_of_unknown_reach_counts_as_global(layer):
    model = model_of(layers.Conv2D(2, 3, padding="same"), layer)
    assert reach(model) == Reach(stride=1, halo=None, receptive_field=None)


def test_a_subclass_of_a_known_layer_counts_as_global():
    class Mirrored(layers.Conv2D):
        def call(self, inputs):
            return super().call(keras.ops.flip(inputs, axis=1))

    assert reach(model_of(Mirrored(2, 3, padding="same"))).halo is None


def test_squeeze_and_excite_is_global_but_leaves_the_stride_known():
    inputs = keras.Input((None, None, 4))
    features = layers.MaxPooling2D(2)(inputs)
    weights = layers.GlobalAveragePooling2D(keepdims=True)(features)
    weights = layers.Conv2D(4, 1, activation="sigmoid")(weights)
    outputs = layers.UpSampling2D(2)(layers.Multiply()([features, weights]))
    expected = Reach(stride=2, halo=None, receptive_field=None)
    assert reach(keras.Model(inputs, outputs)) == expected


def test_the_wider_of_two_branches_and_of_two_directions_counts():
    inputs = keras.Input((None, None, 2))
    rows = layers.Conv2D(2, (9, 1), padding="same")(inputs)
    columns = layers.Conv2D(2, (1, 13), padding="same")(inputs)
    model = keras.Model(inputs, layers.Add()([rows, columns, inputs]))
    assert reach(model) == Reach(stride=1, halo=6, receptive_field=13)


def test_strides_that_do_not_divide_each_other_multiply():
    inputs = keras.Input((None, None, 2))
    halves = layers.UpSampling2D(2)(layers.AveragePooling2D(2)(inputs))
    thirds = layers.UpSampling2D(3)(layers.AveragePooling2D(3)(inputs))
    model = keras.Model(inputs, layers.Concatenate()([halves, thirds]))
    assert reach(model) == Reach(stride=6, halo=0, receptive_field=4)


def test_the_reach_of_a_shared_layer_counts_at_each_call():
    shared = layers.Conv2D(2, 5, padding="same")
    assert reach(model_of(shared, shared, shared)).halo == 6


def test_nested_models_are_opened_at_each_call():
    inner = keras.Sequential([layers.MaxPooling2D(2), layers.Conv2D(2, 3, padding="same")])
    nested = model_of(inner, model_of(inner), layers.UpSampling2D(4))
    flat = model_of(
        layers.MaxPooling2D(2),
        layers.Conv2D(2, 3, padding="same"),
        layers.MaxPooling2D(2),
        layers.Conv2D(2, 3, padding="same"),
        layers.UpSampling2D(4),
    )
    assert reach(nested) == reach(flat) == Reach(stride=4, halo=8, receptive_field=16)


def test_an_output_of_another_resolution_is_refused():
    with pytest.raises(ValueError, match="must have the resolution of its input"):
        reach(model_of(layers.MaxPooling2D(2)))
