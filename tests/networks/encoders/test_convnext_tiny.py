# SPDX-License-Identifier: GPL-2.0-or-later
"""ConvNeXt-Tiny as it is built here, against `keras.applications` and its files."""

import h5py
import keras
import numpy as np
from keras.src.applications.convnext import ConvNeXt
from keras.src.legacy.saving import legacy_h5_format

from grassdl.networks.encoders import catalog
from grassdl.train import trainer
from grassdl.train.config.settings import Settings
from grassdl.train.optimization.pretrained import start_encoder
from tiny_dataset import band

NAME = "convnext_tiny"

MEAN, DEVIATION = np.array([123.675, 116.28, 103.53]), np.array([58.395, 57.12, 57.375])
"""Of ImageNet's colours, as the application standardises them."""


def test_a_file_of_keras_gives_the_features_of_keras(tmp_path):
    application = ConvNeXt(
        # Its third and fourth stage are not compared.
        depths=[3, 3, 1, 1],
        projection_dims=[96, 192, 8, 8],
        include_top=False,
        weights=None,
        input_shape=(None, None, 3),
        name=NAME,
    )
    deeper = application.get_layer(f"{NAME}_downsampling_block_1")
    (end,) = deeper._inbound_nodes[-1].input_tensors
    theirs = keras.Model(application.inputs[0], end)
    generator = np.random.default_rng(1)
    for weight in theirs.weights:
        weight.assign(generator.normal(0, 0.3, weight.shape))
    with h5py.File(tmp_path / "weights.h5", "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file, theirs)

    arrays = catalog.arrays(NAME, tmp_path / "weights.h5")
    pixels = keras.Input((None, None, 3))
    ours = keras.Model(pixels, catalog.levels(NAME, pixels, 3)[-1])
    for layer in ours.layers:
        if layer.weights:
            layer.set_weights(arrays.pop(layer.name))
    assert not any(arrays.values())
    check_features(ours, theirs, generator)
    check_start(ours, tmp_path / "weights.h5")


def check_features(ours, theirs, generator):
    """Standardised colours give what the application gives of those of ImageNet."""
    image = generator.normal(size=(1, 64, 96, 3)).astype(np.float32)
    expected = keras.ops.convert_to_numpy(theirs(image * DEVIATION + MEAN))
    found = keras.ops.convert_to_numpy(ours(image))
    assert found.shape == (1, 8, 12, 192)
    assert expected.std() > 1
    np.testing.assert_allclose(found, expected, atol=1e-4)


def check_start(ours, file):
    """A training begins with these weights: its bands are standardised as the encoder has them."""
    settings = Settings(
        network_options={"encoder": NAME, "depth": 2, "filters": 2}, encoder_weights=str(file)
    )
    bands = [band(one) for one in ("nir", "red", "green", "blue")]
    network = trainer._build(settings, 1, 16, len(bands), 3)
    assert start_encoder(network, bands, settings).known == ["red", "green", "blue"]
    kernel, bias = network.get_layer(f"{NAME}_stem_conv").get_weights()
    expected = ours.get_layer(f"{NAME}_stem_conv").get_weights()
    np.testing.assert_array_equal(kernel[:, :, 1:], expected[0])
    assert (kernel[:, :, 0] == 0).all()
    np.testing.assert_array_equal(bias, expected[1])
