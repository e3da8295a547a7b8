# SPDX-License-Identifier: GPL-2.0-or-later
"""Features of hidden layers in tiles, against those of the network run once over the whole."""

import numpy as np
import pytest

from grassdl.model.card import tempered
from grassdl.networks.analysis.feature_extraction import with_features
from grassdl.networks.analysis.receptive_field import reach
from grassdl.predict.engines.keras_engine import KerasEngine
from grassdl.predict.engines.test_time_augmentation import AugmentedEngine
from grassdl.predict.tiling.axis import Span
from openvino_networks import in_openvino
from scenes import (
    CLASSES,
    blended,
    everything,
    filled_frame,
    scene,
    small_network,
    tiled,
    turned_mean,
    whole,
)

LAYERS = {
    "unet": ({"filters": 3, "depth": 2}, "encoder0_0_relu"),
    "nicknet": ({"filters": 2}, "last"),
    "segnet": ({"filters": 3, "depth": 2}, "last"),
    "linknet": ({"filters": 4, "depth": 1}, "last"),
}
"""Networks and the layers whose features are wanted; linknet's is coarser than the image."""

SHAPE = (67, 89)


def with_layer(name):
    """The network of a name that gives features, too."""
    options, layer = LAYERS[name]
    return with_features(small_network(name, **options), layer)[0]


@pytest.fixture(scope="module")
def network():
    """A network with a stride of 4 that gives the 3 features of its last hidden layer."""
    return with_features(small_network("unet", filters=3, depth=2), "last")[0]


def assert_same(found, expected, null):
    """Probabilities and features of cells with data are those of arrays of the whole."""
    assert np.array_equal(found["null"], null)
    assert np.abs(found["probabilities"] - expected[..., :CLASSES])[~null].max() < 1e-5
    features = expected[..., CLASSES:]
    assert np.abs(found["features"] - features)[~null].max() < 1e-5 * np.abs(features).max()
    assert features[~null].std(axis=0).max() > 1e-2


@pytest.mark.parametrize("name", LAYERS)
def test_tiles_join_to_the_features_of_the_whole(name):
    network = with_layer(name)
    values, null = scene(*SHAPE)
    found, *_ = tiled(network, values, null, *everything(SHAPE), (24, 40))
    assert_same(found, whole(network, values, null), null)
    part = np.s_[5:62, 31:80]
    found, *_ = tiled(network, values, null, Span(5, 62), Span(31, 80), 32)
    assert_same(found, whole(network, values, null)[part], null[part])


def test_blended_tiles_are_the_weighted_mean_of_their_features(network):
    values, null = scene(*SHAPE)
    found, *_ = tiled(network, values, null, *everything(SHAPE), 24, "blend")
    assert_same(found, blended(network, values, null, 24), null)


def test_features_of_turned_windows_are_averaged(network):
    values, null = scene(*SHAPE)
    filled = filled_frame(values, null, reach(network).stride)
    engine = KerasEngine(network)
    expected = turned_mean(lambda one: engine(np.ascontiguousarray(one)), filled)
    found, *_ = tiled(network, values, null, *everything(SHAPE), 24, wrap=AugmentedEngine)
    assert_same(found, expected[: SHAPE[0], : SHAPE[1]], null)


def test_openvino_gives_the_same_features_at_any_temperature(network, tmp_path):
    values, null = scene(*SHAPE)
    expected = whole(network, values, null).copy()
    expected[..., :CLASSES] = tempered(expected[..., :CLASSES], 2.5)
    features = network.output_shape[-1] - CLASSES
    for engine in (
        KerasEngine(network, 2.5, features),
        in_openvino(network, tmp_path, temperature=2.5, features=features),
    ):
        found, *_ = tiled(network, values, null, *everything(SHAPE), 48, inner=engine)
        assert_same(found, expected, null)
