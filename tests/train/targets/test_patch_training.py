# SPDX-License-Identifier: GPL-2.0-or-later
"""Training of classes of patches as a whole, on tiny datasets."""

import json

import pytest

from grassdl.core.target import PATCH
from grassdl.dataset.patchset import JoinedPatchSets, PatchSet
from grassdl.evaluate.patch_assessment import score_patches
from grassdl.model.ensemble import open_model
from grassdl.model.folder import load_card
from grassdl.train import trainer
from grassdl.train.config.recipes import check_recipe
from grassdl.train.config.settings import Settings
from grassdl.train.optimization.distillation import open_teacher
from grassdl.train.trainer import train
from patch_dataset import SIZE, TARGET, write_patches
from stac_check import check
from tiny_dataset import scene, write_dataset

SILENT = {"command": "the call", "versions": {"grass": "8"}, "report": str, "warn": str}


def settings(**changes):
    standard = {
        "network": "patch_cnn",
        "network_options": {"filters": 4, "depth": 1},
        "epochs": 12,
        "batch_size": 8,
        "learning_rate": 0.02,
        # They move the cell that has the label out of the patch, or between cells.
        "augmentation": ("rotate", "zoom"),
        "strengths": {"rotate": 180.0, "zoom": 2.0},
    }
    return Settings(**{**standard, **changes})


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    counts = {"train": 24, "val": 8, "test": 9}
    return JoinedPatchSets([write_patches(tmp_path_factory.mktemp("patches") / "data", counts)])


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained") / "model"
    return folder, train(data, folder, settings(), **SILENT)


def test_it_learns_the_class_of_a_patch_and_counts_patches(trained, data):
    folder, card = trained
    assert card.test["overall_accuracy"] == 1
    assert card.test["f1_macro"] == 1
    assert card.test["pixels"] == 9
    assert data.pixels("train").sum() == 24
    assert card.size == SIZE
    again = load_card(folder)
    assert again.target.kind == PATCH
    assert again.target.is_same(TARGET)
    check(json.loads((folder / "model.json").read_text()))
    told = " ".join((folder / "README.md").read_text().split())
    assert "gives a whole image of 16 x 16 cells and 2 bands one of 3 classes" in told


def test_a_model_is_scored_on_patches(trained, data):
    model = open_model(str(trained[0]))
    report = score_patches(model.predictor(), model.card, data.patch_sets, "val", 1)
    assert report["pixels"] == 8
    assert report["overall_accuracy"] == 1
    assert report["left_out"]["unlabelled"] == 8 * (SIZE**2 - 1)


def test_labels_of_cells_do_not_score_a_model_of_patches(trained, tmp_path):
    of_cells = PatchSet.open(write_dataset(tmp_path / "cells", {"val": scene(2, 1)}))
    model = open_model(str(trained[0]))
    with pytest.raises(ValueError, match="it is of 3 classes, the model of 3 classes of patches"):
        score_patches(model.predictor(), model.card, [of_cells], "val", 1)
    with pytest.raises(ValueError, match="classes of cells are needed"):
        model.card.target.scheme_of_cells("Model <model>")


def test_patches_of_another_size_do_not_score_or_teach_a_model_of_patches(trained, data, tmp_path):
    model, wrong = open_model(str(trained[0])), "as a whole, these are of 8"
    smaller = write_patches(tmp_path / "smaller", {"train": 3, "val": 3}, size=8)
    with pytest.raises(ValueError, match=wrong):
        score_patches(model.predictor(), model.card, [smaller], "val", 1)
    with pytest.raises(ValueError, match=wrong):
        open_teacher(str(trained[0]), JoinedPatchSets([smaller]))
    open_teacher(str(trained[0]), data)


def test_a_training_goes_on_from_a_model_of_patches(trained, data):
    network, start = trainer._started_network(data, settings(model=str(trained[0])))
    assert start.line() == "Starting from model <model>, with its head"
    assert trainer.score(network, data, "test", 8)["overall_accuracy"] == 1


def test_networks_of_cells_and_of_patches_do_not_mix():
    with pytest.raises(ValueError, match="gives every cell a class.*network=patch_cnn"):
        check_recipe(settings(network="unet"), PATCH)
    with pytest.raises(ValueError, match="gives a whole patch one class.*target=patch"):
        check_recipe(settings(), "classes")
    with pytest.raises(ValueError, match="loss=huber is not for classes of patches"):
        check_recipe(settings(loss="huber"), PATCH)
