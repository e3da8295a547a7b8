# SPDX-License-Identifier: GPL-2.0-or-later
"""What every encoder promises."""

import keras
import pytest

from grassdl.networks.analysis.planned import planned
from grassdl.networks.analysis.receptive_field import LayerGraph
from grassdl.networks.encoders import catalog

EXACT_TO = {"efficientnetv2b0": 3}
"""Levels up to which encoders can be tiled exactly, if not to the deepest."""


@pytest.mark.parametrize("name", catalog.ENCODERS)
def test_an_encoder_halves_the_resolution_can_be_tiled_and_is_known_by_its_names(name):
    pixels = keras.Input((None, None, 4))
    count = catalog.DEEPEST
    network = planned(lambda: keras.Model(pixels, catalog.levels(name, pixels, count)))
    graph = LayerGraph.of(network)
    exact = [
        LayerGraph.of(keras.Model(pixels, network.outputs[:level])).is_local()
        for level in range(1, count + 1)
    ]
    assert exact == [level <= EXACT_TO.get(name, count) for level in range(1, count + 1)]
    scales = [graph.scales(0)[tensor] for tensor in graph.outputs]
    assert scales == [2, 4, 8, 16, 32]

    encoder = catalog.ENCODERS[name]
    assert all(one.name.startswith(encoder.prefixes) for one in network.layers if one.weights)
    assert network.get_layer(encoder.stem).kernel.shape[2] == 4
    if encoder.stem_norm:
        assert network.get_layer(encoder.stem_norm).moving_mean is not None
    else:
        assert encoder.mean == (0, 0, 0)
    assert sorted(encoder.channels) == ["blue", "green", "red"]
    assert "\n" not in encoder.description
    assert encoder.licence and encoder.origin


def test_an_unknown_encoder_and_one_that_is_too_deep_are_refused():
    with pytest.raises(ValueError, match="There is no encoder <vgg>, only efficientnet_lite0, "):
        catalog.check_encoder("vgg")
    with pytest.raises(ValueError, match="5 times at most, not 7 times: use a <depth> .* by 2"):
        catalog.levels("mobilenetv2", keras.Input((None, None, 3)), 7)


def test_a_file_of_weights_that_is_missing_is_told(tmp_path):
    with pytest.raises(ValueError, match="must be imagenet, none or a file; file <.*> not found"):
        catalog.weights_file("resnet50", str(tmp_path / "none.h5"))
