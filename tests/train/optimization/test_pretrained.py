# SPDX-License-Identifier: GPL-2.0-or-later
"""Training that starts from an encoder with trained weights."""

import dataclasses
import hashlib

import h5py
import keras
import numpy as np
import pytest
from keras.src.legacy.saving import legacy_h5_format

from grassdl.networks.encoders import catalog
from grassdl.train import trainer
from grassdl.train.config.settings import Settings
from grassdl.train.optimization.pretrained import start_encoder
from grassdl.train.optimization.transfer import frozen_layers
from tiny_dataset import band

LITE0 = Settings(
    network_options={"encoder": "efficientnet_lite0", "depth": 1, "filters": 2},
    encoder_weights="imagenet",
    epochs=2,
    batch_size=16,
    nprocs=2,
)
"""Of an encoder that ends at half the resolution there is its stem and a block."""


def network_for(names, settings=LITE0, dates=1):
    """A network for bands of these names, which has taken over its encoder's weights."""
    first = [band(name) for name in names]
    bands = [one.at(date, one) for date in range(dates) for one in first]
    network = trainer._build(settings, dates, 16, len(bands), 3)
    return network, start_encoder(network, bands, settings)


def stem_of(network):
    return network.get_layer("encoder_stem_conv").get_weights()[0]


@pytest.fixture(scope="module")
def imagenet():
    """The weights from ImageNet."""
    return catalog.arrays(
        "efficientnet_lite0", catalog.weights_file("efficientnet_lite0", "imagenet")
    )


def test_standardised_colours_look_to_the_encoder_as_those_of_imagenet(imagenet):
    network, start = network_for(["red", "green", "blue"])
    pixels = keras.Input((None, None, 3))
    plain = keras.Model(pixels, catalog.levels("efficientnet_lite0", pixels, 1)[-1])
    for layer in plain.layers:
        if layer.weights:
            layer.set_weights(imagenet[layer.name])
    standardised = np.random.default_rng(1).normal(size=(1, 64, 64, 3)).astype(np.float32)
    # As the package takes it: (value - 127) / 128, with ImageNet's mean and deviation.
    values = standardised * [58.395, 57.12, 57.375] + [123.675, 116.28, 103.53]
    expected = keras.ops.convert_to_numpy(plain((values - 127) / 128))
    encoder = keras.Model(network.input, network.get_layer("encoder_block0_narrow_norm").output)
    found = keras.ops.convert_to_numpy(encoder(standardised))
    # Beyond the border there is the mean for the one, grey for the other.
    inside = np.s_[:, 3:-3, 3:-3]
    assert np.abs(found - expected)[inside].max() < 1e-3 * np.abs(expected).max()
    assert start.bands == []
    assert start.line() == (
        "Encoder <efficientnet_lite0> starts with weights <imagenet>, whose kernels read bands "
        "red, green, blue"
    )


def test_other_bands_start_at_zero_wherever_they_stand(imagenet):
    network, start = network_for(["nir", "blue", "ndsm", "red", "green"])
    known, _ = network_for(["red", "green", "blue"])
    found = stem_of(network)
    assert (found[..., [0, 2], :] == 0).all()
    np.testing.assert_array_equal(found[..., [3, 4, 1], :], stem_of(known))
    assert start.bands == ["nir", "ndsm"]
    assert start.line().endswith(
        "bands blue, red, green; the kernels of others start at 0: nir, ndsm"
    )


def test_where_no_colour_is_known_all_bands_start_with_the_mean_of_the_kernels():
    network, start = network_for(["vv", "vh"])
    known, _ = network_for(["red", "green", "blue"])
    found = stem_of(network)
    assert (found[..., :1, :] == found).all()
    np.testing.assert_allclose(found.sum(axis=-2), stem_of(known).sum(axis=-2), atol=1e-6)
    assert "no band is called red, green or blue" in start.line()


@pytest.mark.parametrize("names", [["vv", "vh"], ["red", "green", "blue"]])
def test_of_two_equal_dates_the_encoder_sees_what_it_sees_of_one(names):
    (alone, _), (both, start) = (network_for(names, dates=dates) for dates in (1, 2))
    one, pair = stem_of(alone), stem_of(both)
    first, second = np.split(pair, 2, axis=-2)
    np.testing.assert_array_equal(first, second)
    np.testing.assert_allclose(first + second, one, atol=1e-6)
    assert start.line().endswith("the mean of 2 dates, and detects change only after training")


def test_a_colour_that_two_bands_have_is_neithers():
    _, start = network_for(["a.red", "b.red", "blue"])
    assert start.known == ["blue"]


def test_the_encoder_can_be_frozen_but_for_the_layer_that_reads_a_new_band():
    settings = dataclasses.replace(LITE0, freeze=True)
    for names, first in ((["red", "green", "blue"], True), (["red", "green", "nir"], False)):
        network, start = network_for(names, settings)
        frozen = {layer.name for layer in frozen_layers(network, settings, start)}
        assert ("encoder_stem_conv" in frozen) == first
        assert {"encoder_stem_norm", "encoder_block0_depth_conv"} < frozen
        assert not any(name.startswith(("decoder", "detail", "logits")) for name in frozen)


def file_of(name, path, count, bands=3):
    """Writes random weights of an encoder as `keras.applications` has them, and returns them."""
    pixels = keras.Input((None, None, bands))
    network = keras.Model(pixels, catalog.levels(name, pixels, count))
    with h5py.File(path, "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file, network)
    return network


@pytest.mark.parametrize(
    ("network", "name", "options"),
    [
        ("linknet", "mobilenetv2", {"encoder": "mobilenetv2", "depth": 1}),
        ("deeplabv3plus", "resnet50", {"filters": 2}),
    ],
)
def test_a_file_of_keras_gives_an_encoder_its_weights(network, name, options, tmp_path):
    file = tmp_path / "weights.h5"
    count = 4 if network == "deeplabv3plus" else 2
    source = file_of(name, file, count)
    settings = Settings(
        network=network, network_options=options, encoder_weights=str(file), freeze=True
    )
    model, start = network_for(["red", "green", "blue"], settings)
    encoder = catalog.ENCODERS[name]
    taken = [one for one in model.layers if one.weights and one.name.startswith(encoder.prefixes)]
    assert len(taken) > 5
    for layer in taken:
        expected = source.get_layer(layer.name).get_weights()
        if layer.name == encoder.stem:
            order = [encoder.channels.index(one) for one in ("red", "green", "blue")]
            deviation = np.array(encoder.deviation)[order, None]
            expected[0] = expected[0][..., order, :] * deviation
        if layer.name != encoder.stem_norm:
            for one, other in zip(layer.get_weights(), expected, strict=True):
                np.testing.assert_allclose(one, other, rtol=1e-6)
    assert {one.name for one in frozen_layers(model, settings, start)} == {
        one.name for one in taken
    }
    record = start.encoder
    assert (record.name, record.weights, record.licence) == (name, "weights.h5", None)
    assert record.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()


def test_a_file_of_another_network_is_refused(tmp_path):
    file = tmp_path / "weights.h5"
    file_of("mobilenetv2", file, 1)
    settings = Settings(
        network_options={"encoder": "mobilenetv2", "depth": 2, "filters": 2},
        encoder_weights=str(file),
    )
    with pytest.raises(
        ValueError,
        match="does not hold the weights of encoder <mobilenetv2>: .*<block_1_expand> are missing",
    ):
        network_for(["red"], settings)
    with pytest.raises(ValueError, match="weights.h5> holds no plain tensors of PyTorch"):
        network_for(["red"], dataclasses.replace(LITE0, encoder_weights=str(file)))


def test_without_a_network_one_line_tells_which_file_to_put_where(monkeypatch, tmp_path):
    def fails(name, *arguments, **named):
        raise Exception("URL fetch failure on https://...: None -- Name or service not known")

    monkeypatch.setattr("keras.utils.get_file", fails)
    for name in ("resnet50", "mobilenetv2", "efficientnetv2b0", "convnext_tiny"):
        with pytest.raises(
            ValueError,
            match="cannot be downloaded .*put the file of https://.*h5 "
            "into folder <.*/models>, or name it",
        ) as error:
            catalog.weights_file(name, "imagenet")
        assert "\n" not in str(error.value)
