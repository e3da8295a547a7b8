# SPDX-License-Identifier: GPL-2.0-or-later
"""Training of a value as a whole, on tiny datasets."""

import csv
import json
import re
from dataclasses import replace

import keras
import numpy as np
import pytest

from grassdl.dataset.patchset import JoinedPatchSets
from grassdl.model.ensemble import open_model
from grassdl.model.folder import load_card
from grassdl.model.novelty import FeatureStatistics
from grassdl.model.weights import load_network
from grassdl.networks import registry
from grassdl.networks.analysis.feature_extraction import LAST, with_features
from grassdl.networks.analysis.planned import planned
from grassdl.train import trainer
from grassdl.train.config.members import Training, Trainings
from grassdl.train.config.settings import Settings
from grassdl.train.data.augmentation import AUGMENTATIONS, by_names
from grassdl.train.data.band_values import BandValues
from grassdl.train.ensemble import train_ensemble
from grassdl.train.model_readme import readme
from grassdl.train.score_lines import score_lines
from grassdl.train.trainer import build_network, train
from small_model import DEVIATION, MEAN, write_model
from stac_check import check
from tiny_dataset import BANDS
from value_dataset import scene, write_values

SILENT = {"command": "the call", "versions": {"grass": "8"}, "report": str, "warn": str}


def settings(**changes):
    standard = {
        # It is compiled fastest.
        "network": "fcn_dk",
        "network_options": {"filters": 4, "depth": 1},
        "epochs": 1,
        "batch_size": 4,
        "learning_rate": 0.02,
        "loss": "huber",
        "activation": "linear",
    }
    return Settings(**{**standard, **changes})


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    splits = {"train": scene(32, 1), "val": scene(8, 2), "test": scene(8, 3)}
    splits["train"][1][:, 0, :2] = np.nan
    return JoinedPatchSets([write_values(tmp_path_factory.mktemp("values") / "data", splits)])


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory):
    """A model trained well: its folder, card, and what was reported."""
    folder, lines = tmp_path_factory.mktemp("trained") / "model", []
    told = {**SILENT, "report": lines.append}
    return folder, train(data, folder, settings(epochs=16), **told), lines


def test_it_learns_a_value_that_follows_from_the_bands(trained):
    _, card, _ = trained
    assert card.test["r2"] > 0.8
    assert card.test["rmse"] < 1.3
    assert card.test["pixels"] == 8 * 16 * 16


def test_the_model_takes_raw_values_and_gives_values_in_their_units(trained, data):
    folder, card, _ = trained
    images, labels = scene(8, 3)
    found = load_network(folder).predict(images.astype(np.float32), verbose=0)[..., 0]
    difference = found.astype(np.float64) - labels
    assert np.sqrt((difference**2).mean()) == pytest.approx(card.test["rmse"], rel=1e-4)
    assert found.mean() == pytest.approx(labels.mean(), abs=1)


def test_the_best_epoch_is_that_of_the_lowest_validation_rmse(trained):
    folder, card, lines = trained
    with (folder / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {"rmse", "val_rmse", "r2", "val_r2"} < rows[0].keys()
    best = min(rows, key=lambda row: float(row["val_rmse"]))
    assert int(best["epoch"]) == card.training["best_epoch"]
    assert any("has the lowest validation RMSE" in line for line in lines)


def test_the_model_knows_how_unlike_its_training_other_cells_are(trained):
    folder, _, _ = trained
    network, _ = with_features(load_network(folder), LAST)
    statistics = FeatureStatistics.load(folder)
    statistics.check(network.output_shape[-1] - 1)
    assert len(statistics.means) == 10
    images = scene(32, 1)[0].astype(np.float32)

    def novelty(images):
        features = network.predict(images, verbose=0)[..., 1:]
        return statistics.novelty(features.reshape(-1, features.shape[-1]))

    assert np.mean(novelty(images) > 1) == pytest.approx(0.01, abs=0.003)
    # Brighter than anything of the training.
    assert np.median(novelty(3 * images)) > 2 * np.median(novelty(images))


def test_the_card_tells_the_value_and_its_scale(trained, data):
    folder, card, _ = trained
    read = load_card(folder)
    assert read.target == data.target == card.target
    assert (read.target.name, read.target.units) == ("height", "m")
    with pytest.raises(ValueError, match="^Model <model> is of values of <height> in m, and class"):
        _ = read.classes
    item = json.loads((folder / "model.json").read_text())
    check(item)
    assert item["properties"]["mlm:tasks"] == ["regression"]
    assert item["properties"]["mlm:output"][0]["result"]["shape"] == [-1, -1, -1, 1]


def test_scores_and_readme_tell_values(trained):
    _, card, _ = trained
    lines = score_lines(card)
    assert lines[0] == "Test patches: 2048 labelled pixels"
    assert lines[1].split() == ["RMSE", f"{card.test['rmse']:.4f}"]
    assert lines[-1].startswith("Lin's concordance")
    text = readme(card)
    assert "that predicts a value, cell by cell, of images of 2 bands" in text
    assert re.search(r"\| height +\| m +\|", text)


def test_a_value_model_that_is_trained_on_keeps_head_and_scale(trained, tmp_path):
    folder, _, _ = trained
    # The bands are those of its training, so that they are normalised alike.
    images, labels = scene(32, 1)
    more = JoinedPatchSets([write_values(tmp_path / "data", {"train": (images, labels + 50)})])
    network, start = trainer._started_network(more, settings(model=str(folder)))
    assert start.line() == "Starting from model <model>, with its head"
    shown = images[:8].astype(np.float32)
    before, after = (one.predict(shown, verbose=0) for one in (load_network(folder), network))
    np.testing.assert_allclose(after, before, rtol=1e-5)


def test_values_start_from_a_model_of_classes_with_a_new_head(data, tmp_path):
    classes = tmp_path / "classes"
    classes.mkdir()
    old = write_model(classes, BANDS, MEAN, DEVIATION)
    of_model = {"network": "unet", "network_options": {"filters": 4, "depth": 2}}
    chosen = settings(model=str(classes), **of_model)
    network, start = trainer._started_network(data, chosen)
    assert start.line() == "Starting from model <small>, with a new head, as what is learnt differs"
    assert network.output_shape[-1] == 1
    kernels = [one.get_layer("logits").kernel.shape for one in (old, network)]
    assert [shape[-1] for shape in kernels] == [3, 1]
    assert all(kept for place, kept in enumerate(start.kept) if place not in start.head)


OF_ONE_DATE = [one for one in registry.names() if one not in ("siamese_unet", "utae")]
"""Networks that take the bands of the data here."""


@pytest.mark.parametrize("network", OF_ONE_DATE)
def test_every_network_has_one_output_with_the_scale_of_the_values(data, network):
    small = {"filters": 4, "depth": 1}
    options = {name: small[name] for name in small if name in registry.options(network)}
    chosen = settings(network=network, network_options=options)
    built = planned(lambda: build_network(data, chosen))
    last = built.get_layer("values")
    assert built.output_shape[-1] == 1
    assert (last.scale, last.offset) == (data.target.deviation, data.target.mean)


def test_a_network_of_a_file_gives_values_that_it_need_not_scale(data, tmp_path):
    file = tmp_path / "own.py"
    file.write_text(
        "import keras\n"
        "def build(size, bands, classes):\n"
        "    pixels = keras.Input((None, None, bands))\n"
        "    return keras.Model(pixels, keras.layers.Conv2D(classes, 1)(pixels))\n"
    )
    own = settings(network_file=str(file), network_options={})
    found = build_network(data, own)(np.zeros((1, 16, 16, 2), np.float32))
    scaled = (keras.ops.convert_to_numpy(found) - data.target.mean) / data.target.deviation
    assert np.abs(scaled).max() < 10


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_augmentation_moves_values_and_leaves_cells_from_beyond_unlabelled(name):
    images, labels = scene(6, 1)
    labels[:, :3], labels[:, 8, 8] = np.nan, -np.inf
    bands = BandValues.of(BANDS, [2000.0, 2000.0], [500.0, 500.0])
    (augment,) = by_names([name], bands)
    moved, values = augment(images.astype(np.float32), labels.copy(), np.random.default_rng(1))
    known = np.isfinite(values)
    assert values.dtype == np.float32
    assert set(np.unique(values[known])) <= set(np.unique(labels[np.isfinite(labels)]))
    assert 0 < known.sum() < values.size
    assert (np.isnan(values) | np.isneginf(values) | known).all()


def test_an_ensemble_gives_the_mean_value_of_its_members(data, tmp_path):
    each = [Training(f"seed_{seed}", data, replace(settings(), seed=seed)) for seed in (1, 2)]
    card = train_ensemble(Trainings(each, {"repeats": "2"}), tmp_path / "model", **SILENT)
    images = scene(2, 3)[0].astype(np.float32)
    both = [
        load_network(tmp_path / "model" / name).predict(images, verbose=0)
        for name in ("seed_1", "seed_2")
    ]
    found = open_model(str(tmp_path / "model")).predictor()(images)
    np.testing.assert_allclose(found, np.mean(both, axis=0), rtol=1e-5)
    assert set(card.training["summary"]["test"]["mean"]) == {"rmse", "mae", "bias", "r2"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"loss": "dice"}, "loss=dice is not for values, which the input is of: use huber or mse"),
        ({"class_weights": "balanced"}, "class_weights is for classes, and the input is of values"),
        ({"teacher": "m"}, "teacher is for classes, and the input is of values"),
        ({"activation": "softmax"}, "activation=softmax is not for values"),
    ],
)
def test_settings_of_classes_are_refused_for_values(data, tmp_path, changes, words):
    with pytest.raises(ValueError, match=words):
        train(data, tmp_path / "model", settings(**changes), **SILENT)
    assert not list(tmp_path.iterdir())


def test_losses_of_values_are_refused_for_classes(dataset, tmp_path):
    from tiny_dataset import joined

    with pytest.raises(ValueError, match="loss=huber is not for classes"):
        train(joined(dataset()), tmp_path / "m", settings(activation="softmax"), **SILENT)


def test_a_constant_value_is_nothing_to_learn(tmp_path):
    images, labels = scene(4, 1)
    labels[:, 0, 0] = np.nan
    made = write_values(tmp_path / "data", {"train": (images, labels * 0 + 3 * (labels == labels))})
    with pytest.raises(ValueError, match="All labelled training pixels have the value 3"):
        train(JoinedPatchSets([made]), tmp_path / "model", settings(), **SILENT)
