# SPDX-License-Identifier: GPL-2.0-or-later
"""Attention U-Net, FCN-DK, SegNet, DeepLabV3+, LinkNet and the dilated family against published
or recomputed figures."""

import keras
import numpy as np
import pytest

from grassdl import networks
from grassdl.networks.analysis.receptive_field import Reach, reach
from grassdl.networks.layers.argmax_pooling import ArgMaxPooling2D, ArgMaxUnpooling2D
from grassdl.networks.layers.image_pooling import ImagePooling2D


def fixed(model: keras.Model) -> int:
    """Parameters that training leaves alone."""
    return sum(int(np.prod(weight.shape)) for weight in model.non_trainable_weights)


@pytest.mark.parametrize(("bands", "classes", "parameters"), [(3, 1, 2_012_757), (5, 7, 2_013_147)])
def test_attention_unet_has_the_parameters_of_the_formula(bands, classes, parameters):
    """Source: a gate has Fx F + Fg F + 2 F + 1 of them (Oktay et al. 2018); base 16."""
    assert networks.build("attention_unet", 64, bands, classes).count_params() == parameters


def test_a_gate_of_64_and_128_filters_with_32_inside_has_6209_parameters():
    """Source: the formula above, of which F = Fx / 2 is the published example."""
    model = networks.build("attention_unet", 64, 3, 2, filters=32, depth=2)
    gate = [layer for layer in model.layers if layer.name.startswith("decoder1_gate")]
    of_ours = sum(layer.count_params() for layer in gate)
    assert of_ours == 64 * 64 + 128 * 64 + 2 * 64 + 1
    assert 64 * 32 + 128 * 32 + 2 * 32 + 1 == 6_209


def test_a_gate_lets_through_a_share_of_the_encoders_features():
    model = networks.build("attention_unet", 16, 2, 3, filters=2, depth=1)
    ends = [model.get_layer(name).output for name in ("encoder0_1_relu", "decoder0_gate_up")]
    parts = keras.Model(model.input, [*ends, model.get_layer("decoder0_gate").output])
    skip, share, gated = parts(np.random.default_rng(1).normal(size=(1, 8, 8, 2)))
    assert share.shape == (1, 8, 8, 1)
    assert 0 < float(keras.ops.min(share)) < float(keras.ops.max(share)) < 1
    np.testing.assert_allclose(gated, skip * share, rtol=1e-6)


@pytest.mark.parametrize(("bands", "classes", "parameters"), [(4, 2, 117_746), (5, 7, 118_311)])
def test_fcn_dk6_has_the_published_parameters(bands, classes, parameters):
    """Source: Persello and Stein 2017; recomputed, equal to re-implementations."""
    model = networks.build("fcn_dk", 64, bands, classes)
    assert (model.count_params(), fixed(model)) == (parameters, 352)


@pytest.mark.parametrize(("depth", "pixels"), [(3, 25), (4, 41), (5, 61), (6, 85)])
def test_fcn_dk_sees_as_far_as_published(depth, pixels):
    """Source: Persello and Stein 2017."""
    model = networks.build("fcn_dk", 64, 1, 2, filters=2, depth=depth)
    assert reach(model).receptive_field == pixels


def test_segnet_has_the_parameters_of_vgg16_and_its_mirror_image():
    """Source: Badrinarayanan et al. 2015; VGG16's 13 convolutions have 14 714 688."""
    model = networks.build("segnet", 64, 3, 11)
    assert (model.count_params(), fixed(model)) == (29_465_227, 15_872)
    encoder = [
        layer
        for layer in model.layers
        if isinstance(layer, keras.layers.Conv2D) and layer.name.startswith("encoder")
    ]
    assert len(encoder) == 13
    assert sum(layer.count_params() for layer in encoder) == 14_714_688


def test_segnet_is_at_most_five_levels_deep():
    with pytest.raises(ValueError, match="<depth> of SegNet must be at most 5, found 6"):
        networks.build("segnet", 64, 3, 2, filters=1, depth=6)


def test_unpooling_puts_each_maximum_back_where_it_was():
    image = np.array([[1, 5, 0, 0], [2, 3, 0, 7], [4, 4, -2, -1], [4, 4, -3, -9]], np.float32)
    maxima, places = ArgMaxPooling2D()(image[None, :, :, None])
    np.testing.assert_array_equal(maxima[0, :, :, 0], [[5, 7], [4, -1]])
    np.testing.assert_array_equal(places[0, :, :, 0], [[1, 3], [0, 1]])
    again = ArgMaxUnpooling2D()(maxima, places)[0, :, :, 0]
    expected = [[0, 5, 0, 0], [0, 0, 0, 7], [4, 0, 0, -1], [0, 0, 0, 0]]
    np.testing.assert_array_equal(again, expected)


def test_pooling_keeps_channels_and_images_apart():
    images = np.random.default_rng(1).normal(size=(3, 6, 8, 5)).astype(np.float32)
    again = keras.ops.convert_to_numpy(ArgMaxUnpooling2D()(*ArgMaxPooling2D()(images)))
    blocks = images.reshape(3, 3, 2, 4, 2, 5)
    highest = blocks == blocks.max(axis=(2, 4), keepdims=True)
    np.testing.assert_array_equal(again, np.where(highest, blocks, 0).reshape(images.shape))


def test_deeplab_has_the_parameters_of_the_keras_example():
    """Source: https://keras.io/examples/vision/deeplabv3_plus/, 20 classes."""
    model = networks.build("deeplabv3plus", 64, 3, 20)
    assert (model.count_params(), fixed(model)) == (11_857_236, 11_857_236 - 11_824_500)
    assert reach(model) == Reach(stride=16, halo=None, receptive_field=None)


def test_image_pooling_puts_the_mean_of_the_image_into_every_cell():
    images = np.random.default_rng(1).normal(size=(2, 3, 5, 4)).astype(np.float32)
    means = keras.ops.convert_to_numpy(ImagePooling2D()(images))
    assert means.shape == images.shape
    np.testing.assert_allclose(means, images.mean(axis=(1, 2), keepdims=True) + 0 * images, 1e-5)


def test_linknet_has_the_published_parameters():
    """Source: Chaurasia and Culurciello 2017, table 4: 11.5 million, 64 filters; ResNet18, whose
    convolutions and norms have 11 176 512 for 3 bands (torchvision), is its encoder."""
    model = networks.build("linknet", 64, 3, 20, filters=64)
    assert round(model.count_params() / 1e6, 1) == 11.5
    trained = [
        weight
        for layer in model.layers
        if layer.name.startswith(("stem", "encoder"))
        for weight in layer.trainable_weights
    ]
    assert sum(int(np.prod(weight.shape)) for weight in trained) == 11_176_512


def test_nicknet_is_one_of_the_dilated_family():
    family = {"filters": 3, "depth": 7, "kernel": (5, 5, 3, 3, 3, 3, 3), "dilations": (2,)}
    two = [
        networks.build("dilated", 16, 5, 7, **family),
        networks.build("nicknet", 16, 5, 7, filters=3),
    ]
    two[1].set_weights(two[0].get_weights())
    image = np.random.default_rng(1).normal(size=(1, 8, 8, 5))
    np.testing.assert_array_equal(two[0](image), two[1](image))


@pytest.mark.parametrize(
    ("family", "pixels"),
    [
        ({}, 1 + 2 * (1 + 2 + 5 + 1 + 2 + 5) + 6 * 2),
        ({"depth": 1, "dilations": (4,)}, 1 + 2 * 4 + 2),
        ({"depth": 2}, 1 + 2 * 1 + 2 + 2 * 2 + 2),
        ({"depth": 3, "kernel": (5, 3), "dilations": (1, 2, 3)}, 1 + 4 + 2 * 2 + 4 * 3 + 3 * 2),
    ],
)
def test_lists_of_kernels_and_dilations_are_repeated_for_all_blocks(family, pixels):
    model = networks.build("dilated", 16, 1, 2, filters=2, **family)
    assert reach(model).receptive_field == pixels


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"kernel": (3, 4)}, "<kernel> must be odd, found 3, 4"),
        ({"dilations": (0,)}, "<dilations> must be at least 1, found 0"),
        (
            {"depth": 2, "dilations": (1, 2, 4)},
            "<dilations> must have 1 to 2 numbers for 2 blocks, found 3",
        ),
        ({"kernel": ()}, "<kernel> must have 1 to 6 numbers"),
    ],
)
def test_impossible_kernels_and_dilations_are_refused(wrong, words):
    with pytest.raises(ValueError, match=words):
        networks.build("dilated", 16, 1, 2, **wrong)
