# SPDX-License-Identifier: GPL-2.0-or-later
"""Networks that learn from others."""

import dataclasses
import shutil
from dataclasses import replace
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from keras import ops

from grassdl.core.classes import NULL_INDEX, UNLABELLED_INDEX, ClassScheme, MapClass
from grassdl.model.card import OnnxRecord
from grassdl.model.ensemble import model_of, open_model
from grassdl.model.folder import load_card, save_card
from grassdl.train.config.settings import Settings
from grassdl.train.optimization.distillation import (
    SHARE,
    Teacher,
    learner_of,
    open_teacher,
    soft_cross_entropy,
)
from grassdl.train.trainer import build_network, train
from tiny_dataset import CLASSES, band, joined, scene, write_dataset

ONNX = OnnxRecord("net.onnx", "0" * 64, None, [1.0, 1.0], [0.0, 0.0], "none")

SETTINGS = Settings(
    network="fcn_dk",
    network_options={"filters": 4, "depth": 1},
    epochs=8,
    batch_size=8,
    learning_rate=0.02,
)


def trained(data, target, **changes):
    """The card of a network that has learned."""
    settings = dataclasses.replace(SETTINGS, **changes)
    lines = []
    options = {"command": "", "versions": {}, "report": lines.append, "warn": lines.append}
    return train(data, target, settings, **options), lines


@pytest.fixture(scope="module")
def taught(tmp_path_factory):
    """A dataset, a model of it and one that has hardly begun, and the same patches with the labels
    of a few cells only."""
    folder = tmp_path_factory.mktemp("taught")
    images, labels = scene(32, 1)
    arrays = {"train": (images, labels), "val": scene(8, 2), "test": scene(8, 3)}
    data = joined(write_dataset(folder / "dataset", arrays))
    teachers = [folder / f"teacher{seed}" for seed in (1, 2)]
    for epochs, target in zip((8, 1), teachers, strict=True):
        trained(data, target, epochs=epochs)
    few = np.full_like(labels, UNLABELLED_INDEX)
    few[:, ::8, ::8] = labels[:, ::8, ::8]
    few_data = joined(write_dataset(folder / "few", {**arrays, "train": (images, few)}))
    return SimpleNamespace(data=data, few=few_data, teachers=teachers)


def test_the_soft_cross_entropy_is_the_mean_of_the_cells_with_data():
    taught_ones = np.array([[[[0.5, 0.5], [0.9, 0.1], [0.2, 0.8]]]], np.float32)
    own = np.array([[[[0.25, 0.75], [0.5, 0.5], [1.0, 0.0]]]], np.float32)
    codes = np.array([[[0, UNLABELLED_INDEX, NULL_INDEX]]], np.uint8)
    first = -(0.5 * np.log(0.25) + 0.5 * np.log(0.75))
    second = -np.log(0.5)
    found = float(soft_cross_entropy(taught_ones, own, codes))
    assert found == pytest.approx((first + second) / 2, abs=1e-6)
    assert float(soft_cross_entropy(taught_ones, own, codes * 0 + NULL_INDEX)) == 0


def test_a_teacher_gives_what_prediction_with_its_networks_gives(taught):
    model = model_of(taught.teachers)
    images = scene(3, 5)[0].astype(np.float32)
    given = ops.convert_to_numpy(Teacher(model.members).probabilities(images))
    assert given == pytest.approx(model.predictor()(images), abs=1e-5)


def test_the_loss_of_a_step_has_both_shares_and_that_of_validation_the_labels_alone(taught):
    names = ",".join(map(str, taught.teachers))
    network = build_network(taught.data, SETTINGS)
    learner = learner_of(network, names, taught.data)
    loss = keras.losses.SparseCategoricalCrossentropy()
    learner.compile(optimizer="sgd", loss=loss)
    images, labels = scene(3, 5)
    images = images.astype(np.float32)
    own = network(images)
    of_labels = float(loss(labels, own))
    of_teacher = float(
        soft_cross_entropy(Teacher(open_model(names).members).probabilities(images), own, labels)
    )
    found = learner.compute_loss(images, labels, own, training=True)
    assert float(found) == pytest.approx((1 - SHARE) * of_labels + SHARE * of_teacher, rel=1e-5)
    found = learner.compute_loss(images, labels, own, training=False)
    assert float(found) == pytest.approx(of_labels, rel=1e-5)
    # The weights of the teacher are none of the learner's: neither learnt nor kept.
    assert len(learner.weights) == len(network.weights)


def test_few_labels_and_a_teacher_make_a_network_that_names_it(taught, tmp_path):
    name = str(taught.teachers[0])
    card, _ = trained(taught.few, tmp_path / "pupil", teacher=name, epochs=16)
    assert card.test["overall_accuracy"] > 0.8
    told = load_card(tmp_path / "pupil").training["teacher"]
    assert (told["name"], told["networks"]) == ("teacher1", 1)
    assert told["sha256"] == open_model(name).deciding_hash
    readme = (tmp_path / "pupil" / "README.md").read_text()
    assert "learned the probabilities of model teacher1 (1 network)" in readme


def test_a_teacher_of_other_bands_or_classes_is_refused(taught, tmp_path):
    name = str(taught.teachers[0])
    arrays = {"train": scene(2, 1)}
    others = ClassScheme([MapClass(4, "water", "0:0:255"), *list(CLASSES)[1:]])
    classes = joined(write_dataset(tmp_path / "classes", arrays, others))
    with pytest.raises(ValueError, match="cannot teach .* it has class values"):
        open_teacher(name, classes)
    bands = [band("nir", True), band("red", True)]
    turned = joined(write_dataset(tmp_path / "bands", arrays, bands=bands))
    with pytest.raises(ValueError, match="cannot teach .* band 1 is expected to be <red>"):
        open_teacher(name, turned)
    with pytest.raises(ValueError, match="not found"):
        open_teacher(str(tmp_path / "absent"), turned)


RENAMED = ClassScheme([replace(one, label=f"no {one.label}") for one in CLASSES])


@pytest.mark.parametrize(
    "changes, reason",
    [
        ({"target": RENAMED}, "cannot teach .* its class 3 is <no "),
        ({"resolution": (9.0, 9.0)}, "cannot teach .* it was trained on cells of 9, theirs are of"),
        ({"stride": 32}, "cannot teach .* cells are no multiple of its stride 32"),
        ({"onnx": ONNX}, "is an ONNX network that i.dl.import made"),
    ],
)
def test_what_would_end_the_first_step_or_teach_nonsense_is_refused_at_the_start(
    taught, tmp_path, changes, reason
):
    shutil.copytree(taught.teachers[0], tmp_path / "teacher")
    save_card(replace(load_card(tmp_path / "teacher"), **changes), tmp_path / "teacher")
    with pytest.raises(ValueError, match=reason):
        open_teacher(str(tmp_path / "teacher"), taught.data)


def test_a_head_on_features_has_no_teacher():
    with pytest.raises(ValueError, match="<teacher> has no effect with network=hypercolumn"):
        Settings(
            network="hypercolumn",
            network_options={"encoder": "efficientnet_lite0"},
            encoder_weights="imagenet",
            teacher="some",
        )
