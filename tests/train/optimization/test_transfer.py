# SPDX-License-Identifier: GPL-2.0-or-later
"""Training that starts from a trained model."""

import dataclasses

import keras
import numpy as np
import pytest

from grassdl.core.classes import ClassScheme, MapClass
from grassdl.model.folder import load_card
from grassdl.model.weights import load_network
from grassdl.train import trainer as fit_module
from grassdl.train.config.settings import Settings
from grassdl.train.optimization.phases import frozen, phases
from grassdl.train.optimization.transfer import frozen_layers
from grassdl.train.trainer import build_network, score, train
from tiny_dataset import CLASSES, band, joined, scene, write_dataset

SETTINGS = Settings(
    # Of those with an encoder, the one that is compiled fastest.
    network="fcn_dk",
    network_options={"filters": 4, "depth": 2},
    epochs=8,
    batch_size=4,
    learning_rate=0.03,
)
OTHER_CLASSES = ClassScheme([MapClass(1, "wet", "0:0:255"), *list(CLASSES)[1:]])


def run(data, target, settings, report=lambda line: None):
    options = {"command": "", "versions": {}, "report": report, "warn": report}
    return train(data, target, settings, **options)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    arrays = {"train": scene(32, 1), "val": scene(8, 2), "test": scene(8, 3)}
    return joined(write_dataset(tmp_path_factory.mktemp("data") / "dataset", arrays))


@pytest.fixture(scope="module")
def parent(data, tmp_path_factory):
    """A model trained well."""
    model = tmp_path_factory.mktemp("parent") / "parent"
    assert run(data, model, SETTINGS).test["overall_accuracy"] > 0.9
    return model


def started(data, parent, settings=SETTINGS):
    """A network that has taken over the weights of a model, and what it has taken."""
    settings = dataclasses.replace(settings, model=str(parent))
    network = build_network(data, settings)
    return network, fit_module._start(network, data, settings)


def answers(network, data, bands=None):
    images, _ = data.arrays("test")[0].read(slice(None))
    return network.predict(images.astype(np.float32), verbose=0)


def with_bands(folder, names, places, declared=True):
    """A dataset with some of the tiny one's bands, and noise where the place is None."""
    images, labels = scene(8, 3)
    noise = np.random.default_rng(5).integers(0, 900, (*labels.shape, 1)).astype(np.uint16)
    chosen = [noise if one is None else images[..., one : one + 1] for one in places]
    arrays = dict.fromkeys(("train", "test"), (np.concatenate(chosen, axis=-1), labels))
    bands = [band(name, declared) for name in names]
    return joined(write_dataset(folder / "dataset", arrays, bands=bands))


def test_with_the_same_bands_and_classes_the_network_begins_as_the_model_is(data, parent):
    network, transfer = started(data, parent)
    assert answers(network, data) == pytest.approx(answers(load_network(parent), data), abs=1e-6)
    assert transfer.line() == "Starting from model <parent>, with its head"
    assert all(transfer.kept)


def test_an_unknown_band_changes_nothing_at_first(parent, tmp_path):
    more = with_bands(tmp_path, ["red", "ndsm", "nir"], [0, None, 1])
    network, transfer = started(more, parent)
    assert transfer.bands == ["ndsm"]
    without = build_network(joined(more.patch_sets[0].folder, bands=["red", "nir"]), SETTINGS)
    without.set_weights(load_network(parent).get_weights())
    images, _ = more.arrays("test")[0].read(slice(None))
    fewer = without.predict(images[..., [0, 2]].astype(np.float32), verbose=0)
    assert answers(network, more) == pytest.approx(fewer, abs=1e-5)


def test_bands_in_another_order_find_their_kernels(data, parent, tmp_path):
    turned = with_bands(tmp_path, ["nir", "red"], [1, 0])
    network, transfer = started(turned, parent)
    old = load_network(parent).get_layer("dk1_conv").get_weights()[0]
    new = network.get_layer("dk1_conv").get_weights()[0]
    assert (new == old[..., ::-1, :]).all()
    assert transfer.bands == []


def test_a_missing_band_leaves_the_kernels_of_the_others(parent, tmp_path):
    network, _ = started(with_bands(tmp_path, ["nir"], [1]), parent)
    old = load_network(parent).get_layer("dk1_conv").get_weights()[0]
    assert (network.get_layer("dk1_conv").get_weights()[0] == old[..., 1:, :]).all()


def test_where_no_band_is_known_all_begin_with_the_mean_of_the_kernels(parent, tmp_path):
    names = ["one", "two", "three"]
    network, transfer = started(with_bands(tmp_path, names, [0, 1, 1]), parent)
    old = load_network(parent).get_layer("dk1_conv").get_weights()[0]
    new = network.get_layer("dk1_conv").get_weights()[0]
    assert new.sum(axis=-2) == pytest.approx(old.sum(axis=-2), abs=1e-6)
    assert (new[..., :1, :] == new).all()
    assert transfer.bands == names


def test_bands_whose_names_nobody_declared_are_taken_by_their_place(parent, tmp_path):
    network, transfer = started(with_bands(tmp_path, ["a.1", "a.2"], [0, 1], False), parent)
    assert all(transfer.kept)


def test_other_classes_get_a_new_head_and_keep_all_else(data, parent, tmp_path):
    arrays = {"train": scene(8, 3), "test": scene(8, 3)}
    other = joined(write_dataset(tmp_path / "dataset", arrays, OTHER_CLASSES))
    network, transfer = started(other, parent)
    old = {one.path: one.numpy() for one in load_network(parent).weights}
    same = {one.path: (one.numpy() == old[one.path]).all() for one in network.weights}
    assert not same.pop("logits/kernel")
    same.pop("logits/bias")  # zero at first
    assert all(same.values())
    assert "with a new head" in transfer.line()


def test_phases_of_a_frozen_encoder():
    chosen = Settings(epochs=10, learning_rate=0.01, model="somewhere", freeze=True)
    first, second = phases(chosen)
    assert (first.first, first.end, first.frozen, first.learning_rate) == (0, 4, True, 0.01)
    assert (second.first, second.end, second.frozen) == (4, 10, False)
    assert second.learning_rate == pytest.approx(0.001)
    assert len(phases(dataclasses.replace(chosen, epochs=1))) == 1


def test_a_frozen_encoder_stays_as_it_is_and_then_learns(data, parent):
    network, transfer = started(data, parent)
    settings = dataclasses.replace(SETTINGS, model=str(parent), freeze=True, epochs=2)
    before = {one.path: one.numpy() for one in network.weights}
    after_epoch = []

    def report(line):
        if line.startswith("Epoch"):
            after_epoch.append({one.path: one.numpy() for one in network.weights})

    fit_module.fit(network, data, settings, report, print, transfer)
    changed = [
        {name for name, one in weights.items() if (one != before[name]).any()}
        for weights in after_epoch
    ]
    assert changed[0] == {"logits/kernel", "logits/bias"}
    assert {"dk1_conv/kernel", "dk2_conv/kernel", "dk2_norm/moving_mean"} < changed[1]
    assert all(layer.trainable for layer in network.layers)


def test_a_frozen_layer_is_let_go_whatever_happens():
    layer = keras.layers.Dense(1)
    with pytest.raises(KeyboardInterrupt), frozen([layer]):
        assert not layer.trainable
        raise KeyboardInterrupt
    assert layer.trainable


def test_a_model_trained_on_needs_few_patches_and_tells_where_it_comes_from(data, parent, tmp_path):
    arrays = {"train": scene(4, 7), "val": scene(8, 2), "test": scene(8, 3)}
    few = joined(write_dataset(tmp_path / "dataset", arrays))
    # Without a learning rate, what the model knows is kept, and the report says so.
    settings = dataclasses.replace(
        SETTINGS, epochs=2, learning_rate=None, schedule="constant", model=str(parent)
    )
    lines = []
    card = run(few, tmp_path / "model", settings, lines.append)
    assert card.training["learning_rate"] == pytest.approx(0.0002)
    assert [line for line in lines if "learning rate is 0.0002, a tenth of that for random" in line]
    # So few patches and epochs, at such a rate, do not get a network there that begins at random.
    random = score(build_network(few, settings), few, "test", 8)
    assert card.test["overall_accuracy"] > 0.9 > 0.6 > random["overall_accuracy"]
    assert "Starting from model <parent>, with its head" in lines
    told = load_card(tmp_path / "model").training["parent"]
    assert told["name"] == "parent"
    assert told["dataset_ids"] == data.ids
    assert len(told["sha256"]) == 64
    assert load_card(parent).training["parent"] is None
    assert load_card(tmp_path / "model").mean == [one.mean for one in few.statistics]


OWN = """
import keras
def build(size, bands, classes):
    pixels = keras.Input((None, None, bands))
    x = keras.layers.Conv2D(4, 3, padding="same", activation="relu")(pixels)
    x = keras.layers.Concatenate()([x, pixels])
    x = keras.layers.Conv2D(5, 1)(x)
    x = keras.layers.Conv2D(1 if classes == 2 else classes, 1)(x)
    return keras.Model(pixels, keras.layers.Activation(
        "sigmoid" if classes == 2 else "softmax")(x))
"""


def test_a_network_file_is_started_from_by_the_place_of_its_weights(data, tmp_path):
    (tmp_path / "own.py").write_text(OWN)
    settings = Settings(network_file=str(tmp_path / "own.py"), epochs=1)
    run(data, tmp_path / "parent", settings)
    more = with_bands(tmp_path, ["red", "nir", "ndsm"], [0, 1, None])
    network, transfer = started(more, tmp_path / "parent", settings)
    old, new = load_network(tmp_path / "parent").get_weights(), network.get_weights()
    assert (new[0][..., :2, :] == old[0]).all()
    assert (new[0][..., 2, :] == 0).all()
    # The second layer reads bands and features: it is new.
    assert new[2].shape[-2] == old[2].shape[-2] + 1
    assert (new[4] == old[4]).all()
    assert transfer.kept == [False, True, False, True, True, True]
    same, transfer = started(data, tmp_path / "parent", settings)
    freezing = dataclasses.replace(settings, model="parent", freeze=True)
    assert len(frozen_layers(same, freezing, transfer)) == 2


def test_freezing_random_weights_is_refused():
    with pytest.raises(ValueError, match="-f has no effect without model="):
        Settings(freeze=True)
