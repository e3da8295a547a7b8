# SPDX-License-Identifier: GPL-2.0-or-later
"""Every network of the registry that can be tiled exactly is."""

import numpy as np
import pytest

from grassdl.networks import registry
from grassdl.networks.analysis.receptive_field import reach
from grassdl.predict.engines.keras_engine import KerasEngine
from grassdl.predict.engines.test_time_augmentation import TurningEngine
from openvino_networks import in_openvino
from scenes import everything, filled_frame, scene, small_network, tiled, whole

LOCAL = {
    "unet": {"filters": 3, "depth": 2},
    "attention_unet": {"filters": 3, "depth": 2},
    "nicknet": {"filters": 3},
    "dilated": {"filters": 3, "depth": 3},
    "fcn_dk": {"filters": 3, "depth": 2},
    "segnet": {"filters": 3, "depth": 2},
    "linknet": {"filters": 3, "depth": 1},
}
"""Networks without a global operator, and options with which they are quick."""

GLOBAL = ["deeplabv3plus"]


@pytest.fixture(scope="module", params=LOCAL)
def network(request):
    """A small network of each kind."""
    return small_network(request.param, **LOCAL[request.param])


def test_no_network_is_left_out():
    assert sorted([*LOCAL, *GLOBAL]) == sorted(registry.names())


# Prime sizes, which no tile size divides; smaller than most halos; one tile high; a single cell;
# strips over the whole width and the whole height, and oblong tiles.
@pytest.mark.parametrize(
    ("shape", "tile_size"),
    [
        ((67, 89), (8, 8)),
        ((11, 7), (4, 4)),
        ((13, 97), (16, 16)),
        ((1, 1), (8, 8)),
        ((67, 53), (4, 64)),
        ((53, 67), (64, 8)),
        ((61, 71), (16, 4)),
    ],
)
def test_tiles_join_to_the_network_run_once(network, shape, tile_size):
    values, null = scene(*shape, null_share=0.05 if min(shape) > 1 else 0)
    expected = whole(network, values, null)
    found, _, engine = tiled(network, values, null, *everything(shape), tile_size)
    extent = reach(network)
    assert engine.calls == np.prod(
        [tiles_along(*sizes, extent) for sizes in zip(shape, tile_size, strict=True)]
    )
    assert engine.calls > 1 or min(shape) < 60
    assert np.array_equal(found["null"], null)
    assert np.abs(found["probabilities"] - expected)[~null].max() < 1e-5
    assert min(shape) == 1 or expected.std(axis=(0, 1)).max() > 1e-3


def tiles_along(length, size, extent):
    """How many windows cover one axis: neighbours overlap by two halos."""
    step, filled = (-(-cells // extent.stride) * extent.stride for cells in (size, length))
    return max(1, -(-(filled - 2 * extent.halo) // step))


def test_tiles_stay_exact_when_they_are_turned(network):
    shape = (61, 83)
    values, null = scene(*shape)
    joined = [
        tiled(network, values, null, *everything(shape), size, wrap=TurningEngine)[0]
        for size in (16, 100)
    ]
    difference = np.abs(joined[0]["probabilities"] - joined[1]["probabilities"])
    assert difference[~null].max() < 1e-5
    plain = whole(network, values, null)
    assert np.abs(joined[0]["probabilities"] - plain)[~null].max() > 1e-4


@pytest.fixture(scope="module")
def openvino_engine(network, tmp_path_factory):
    """The same network in OpenVINO."""
    return in_openvino(network, tmp_path_factory.mktemp("model"))


@pytest.mark.parametrize(("shape", "tile_size"), [((67, 89), 16), ((13, 97), 32)])
def test_tiles_of_openvino_join_to_its_network_run_once(network, openvino_engine, shape, tile_size):
    values, null = scene(*shape)
    filled = filled_frame(values, null, reach(network).stride)
    expected = openvino_engine(filled)[: shape[0], : shape[1]]
    found, *_ = tiled(network, values, null, *everything(shape), tile_size, inner=openvino_engine)
    assert np.abs(found["probabilities"] - expected)[~null].max() < 1e-5
    keras = KerasEngine(network)(filled)[: shape[0], : shape[1]]
    assert np.abs(expected - keras).max() < 1e-5
