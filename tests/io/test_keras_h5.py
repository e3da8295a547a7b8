# SPDX-License-Identifier: GPL-2.0-or-later
"""Weights by layer in Keras' earlier HDF5 format."""

import h5py
import keras
import numpy as np
import pytest
from keras import layers
from keras.src.legacy.saving import legacy_h5_format

from grassdl.io.keras_h5 import read_layers


@pytest.fixture(scope="module")
def network():
    pixels = keras.Input((None, None, 2))
    x = layers.BatchNormalization(name="norm")(layers.Conv2D(3, 1, name="conv")(pixels))
    return keras.Model(pixels, x)


@pytest.fixture
def path(network, tmp_path):
    with h5py.File(tmp_path / "weights.h5", "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file, network)
    return tmp_path / "weights.h5"


def test_weights_are_found_by_layer_in_their_order(network, path):
    found = read_layers(path)
    for name in ("conv", "norm"):
        for values, weight in zip(found[name], network.get_layer(name).weights, strict=True):
            np.testing.assert_array_equal(values, weight)


def outside(file, tmp_path):
    with h5py.File(tmp_path / "other.h5", "w") as other:
        other["secret"] = np.ones(3, np.float32)
    file["conv"].attrs["weight_names"] = ["leak"]
    file["conv"]["leak"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "secret")


def raw_file(file, tmp_path):
    (tmp_path / "raw").write_bytes(bytes(12))
    where = [(str(tmp_path / "raw"), 0, 12)]
    file["conv"].create_dataset("leak", (3,), "f4", external=where)
    file["conv"].attrs["weight_names"] = ["leak"]


def empty(file, tmp_path):
    file["conv"].create_dataset("huge", (10**9,), "f4")
    file["conv"].attrs["weight_names"] = ["huge"]


def text(file, tmp_path):
    file["conv"]["text"] = "words"
    file["conv"].attrs["weight_names"] = ["text"]


def unlisted(file, tmp_path):
    del file.attrs["layer_names"]


@pytest.mark.parametrize("damage", [outside, raw_file, empty, text, unlisted])
def test_what_is_not_plain_numbers_of_this_file_is_refused(damage, path, tmp_path):
    with h5py.File(path, "a") as file:
        damage(file, tmp_path)
    with pytest.raises(ValueError, match=r"weights.h5> holds no weights of Keras by layers \("):
        read_layers(path)


def test_another_file_and_none_are_refused_in_one_line(tmp_path):
    (tmp_path / "text.h5").write_text("weights")
    for name in ("text.h5", "none.h5"):
        with pytest.raises(ValueError, match=f"{name}> holds no weights of Keras") as error:
            read_layers(tmp_path / name)
        assert "\n" not in str(error.value)
