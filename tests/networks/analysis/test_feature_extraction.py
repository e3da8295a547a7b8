# SPDX-License-Identifier: GPL-2.0-or-later
"""The features of hidden layers, beside the probabilities of a network."""

import keras
import numpy as np
import pytest
from keras import layers

from grassdl.networks import registry
from grassdl.networks.analysis.feature_extraction import LAST, with_features
from grassdl.networks.user_network import build_from_file

CLASSES = 3
OWN = """
import keras
from keras import layers

def build(size, bands, classes):
    bare = keras.Input((None, None, bands))
    deep = layers.Conv2D(4, 3, padding="same", activation="relu", name="deep")(bare)
    below = keras.Sequential([keras.Model(bare, deep, name="bottom"), layers.ReLU()], name="below")
    pixels = keras.Input((None, None, bands))
    wide = layers.Conv2D(5, 3, padding="same", name="wide")(below(pixels))
    return keras.Model(pixels, layers.Conv2D(classes, 1, activation="softmax")(wide))
"""


def image(rows=64, cols=96):
    return np.random.default_rng(5).normal(size=(1, rows, cols, 2)).astype(np.float32)


def run(model, pixels):
    return keras.ops.convert_to_numpy(model(pixels))


def up_to(network, name):
    """What a layer gives, by the network that ends with it."""
    return run(keras.Model(network.input, network.get_layer(name).output), image())


def test_a_layer_that_is_named_gives_its_features():
    network = registry.build("unet", 64, 2, 2, activation="sigmoid", filters=3, depth=2)
    for name, channels in (("encoder0_0_norm", 3), ("decoder0_join", 6)):
        found, told = with_features(network, name)
        assert (told, found.output_shape[-1]) == (name, 2 + channels)
        result = run(found, image())
        np.testing.assert_allclose(result[..., 2:], up_to(network, name), atol=1e-5)
        np.testing.assert_allclose(result[..., :2], run(network, image()), atol=1e-6)
    assert with_features(network, LAST)[1] == "decoder0_1_relu"


def test_nested_models_of_a_network_file_are_opened(tmp_path):
    (tmp_path / "own.py").write_text(OWN)
    network = build_from_file(tmp_path / "own.py", 16, 2, CLASSES)
    own = next(layer for layer in network.layers if isinstance(layer, keras.Model))
    bottom = own.get_layer("below").get_layer("bottom")
    wide = keras.Model(own.input, own.get_layer("wide").output)
    for layer, name, part in ((LAST, "wide", wide), ("deep", "deep", bottom)):
        found, told = with_features(network, layer)
        assert told == name
        result = run(found, image())
        np.testing.assert_allclose(result[..., CLASSES:], run(part, image()), atol=1e-5)
        np.testing.assert_allclose(result[..., :CLASSES], run(network, image()), atol=1e-6)
    # It is the same network: what it learns, its features learn.
    own.get_layer("wide").bias.assign_add([1] * 5)
    after = run(with_features(network, LAST)[0], image())
    assert np.abs(after[..., CLASSES:] - run(wide, image())).max() < 1e-5


def network_of(features, scores=None):
    """A network with some layers between the image and the scores."""
    pixels = keras.Input((None, None, 2))
    scores = scores or layers.Conv2D(CLASSES, 1, name="scores")
    return keras.Model(pixels, layers.Softmax()(scores(features(pixels))))


def shifted(pixels):
    """Layers that look at the cells 3 rows above, and then back again."""
    x = layers.Cropping2D(((0, 3), (0, 0)))(layers.ZeroPadding2D(((3, 0), (0, 0)))(pixels))
    x = layers.Conv2D(4, 1, name="above")(x)
    return layers.Cropping2D(((3, 0), (0, 0)))(layers.ZeroPadding2D(((0, 3), (0, 0)))(x))


def padded(pixels):
    return layers.ZeroPadding2D(2, name="padded")(layers.Conv2D(4, 1, name="plain")(pixels))


def two_heads(pixels):
    hidden = layers.Conv2D(4, 1, name="hidden")(pixels)
    heads = [layers.Conv2D(CLASSES, one)(hidden) for one in ((1, 1), (1, 1))]
    return layers.Add()(heads)


UNET = {"name": "unet", "size": 64, "bands": 2, "classes": CLASSES, "filters": 3, "depth": 2}


@pytest.mark.parametrize(
    ("make", "layer", "words"),
    [
        (lambda: registry.build(**UNET), "typo", ["no layer <typo>", "last", "decoder0_1_relu"]),
        (lambda: registry.build(**UNET), "bottom_1_relu", ["<bottom_1_relu>", "(256 x 257 for"]),
        (
            lambda: network_of(padded, layers.Conv2D(CLASSES, 5)),
            "padded",
            ["<padded>", "(1028 x 1029 for 1024 x 1025 cells)", "plain"],
        ),
        (
            lambda: network_of(padded, layers.Conv2D(CLASSES, 5)),
            LAST,
            ["<padded>", "such as plain"],
        ),
        (lambda: network_of(two_heads, layers.ReLU()), LAST, ["not clear", "hidden"]),
        (lambda: network_of(lambda pixels: pixels), LAST, ["not clear"]),
        (lambda: network_of(shifted), "above", ["<above> has a larger halo"]),
    ],
)
def test_a_layer_that_does_not_suit_is_refused_in_one_line(make, layer, words):
    with pytest.raises(ValueError) as caught:
        with_features(make(), layer)
    told = str(caught.value)
    assert "\n" not in told
    for word in words:
        assert word in told
