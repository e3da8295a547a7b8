# SPDX-License-Identifier: GPL-2.0-or-later
"""Training as a whole, on a tiny dataset."""

import csv
import json

import keras
import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from grassdl.core.classes import NULL_INDEX, UNLABELLED_INDEX, ClassScheme
from grassdl.model.folder import load_card
from grassdl.model.novelty import FeatureStatistics
from grassdl.model.weights import load_network
from grassdl.networks import registry
from grassdl.networks.analysis.feature_extraction import LAST, with_features
from grassdl.train import trainer as fit_module
from grassdl.train.config.settings import Settings
from grassdl.train.model_readme import readme
from grassdl.train.optimization.optimizers import cosine_with_warm_up
from grassdl.train.trainer import build_network, score, train
from paths import PROGRAMS
from stac_check import check
from tiny_dataset import BANDS, CLASSES, joined, scene, write_dataset

SMALL = {"filters": 4, "depth": 2}
ONE_LAYER = str(PROGRAMS / "one_layer.py")


def settings(**changes):
    standard = {"network_options": SMALL, "epochs": 2, "batch_size": 8, "learning_rate": 0.01}
    return Settings(**{**standard, **changes})


def one_layer(**changes):
    """Settings of a network that is compiled at once."""
    return settings(network_file=ONE_LAYER, network_options={}, **changes)


def run(data, target, chosen, warn=lambda line: None, report=lambda line: None):
    return train(
        data, target, chosen, command="the call", versions={"grass": "8"}, report=report, warn=warn
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A model trained well: its folder, card, data and the lines that were reported."""
    folder = tmp_path_factory.mktemp("trained")
    arrays = {"train": scene(48, 1), "val": scene(8, 2), "test": scene(9, 3)}
    data = joined(write_dataset(folder / "dataset", arrays))
    lines = []
    card = run(data, folder / "model", settings(epochs=15), report=lines.append)
    return folder / "model", card, data, lines


def test_it_learns_what_there_is_to_learn(trained):
    _, card, data, _ = trained
    assert card.test["overall_accuracy"] > 0.97
    assert card.test["mean_iou"] > 0.93
    assert card.test["pixels"] == data.pixels("test").sum() == 9 * 16 * 16


def test_epochs_that_are_not_told_follow_from_the_dataset(trained, tmp_path):
    _, _, data, _ = trained
    chosen = Settings(network_file=ONE_LAYER, patience=1, learning_rate=0.3)
    card = run(data, tmp_path / "model", chosen)
    assert (card.training["epochs"], card.training["patience"]) == (200, 1)
    assert card.training["epochs_run"] < 200


def test_the_model_takes_raw_values_and_gives_the_scores_of_its_card(trained):
    folder, card, data, _ = trained
    network = load_network(folder)
    images, labels = (
        np.concatenate([part[:] for part in two])
        for two in zip(*[(one.images, one.labels) for one in data.arrays("test")], strict=True)
    )
    predicted = network.predict(images.astype(np.float32), verbose=0).argmax(-1)
    assert (predicted == labels).mean() == pytest.approx(card.test["overall_accuracy"])


def test_the_file_of_the_network_needs_nothing_of_ours(trained):
    folder, _, _, _ = trained
    assert not keras.saving.load_model(folder / "model.keras").compiled


def test_the_card_holds_what_predict_must_know(trained):
    folder, card, data, _ = trained
    read = load_card(folder)
    assert read.bands == BANDS
    assert read.classes == CLASSES
    assert read.mean == [one.mean for one in data.statistics]
    assert read.deviation == [one.deviation for one in data.statistics]
    assert read.histograms == [one.histogram.to_json() for one in data.statistics]
    assert (read.resolution, read.size, read.stride) == ((0.25, 0.25), 16, 4)
    assert read.network_options == {**registry.options("unet"), **SMALL}
    assert read.dataset_ids == data.ids
    assert read.parameters == load_network(folder).count_params()
    assert read.halo == 24
    assert (read.name, read.command) == ("model", "the call")
    assert read.versions["grass"] == "8"
    assert read.versions["keras"] == keras.version()
    assert read.test == card.test
    assert read.training["seed"] == 1
    assert read.training["patches"] == {"train": 48, "val": 8, "test": 9}


def test_the_model_knows_how_unlike_its_training_other_cells_are(trained):
    folder, _, data, _ = trained
    network, _ = with_features(load_network(folder), LAST)
    statistics = FeatureStatistics.load(folder)
    statistics.check(network.output_shape[-1] - len(CLASSES))
    assert len(statistics.means) == len(CLASSES)
    [patches] = data.arrays("train")
    images = patches.images[:].astype(np.float32)

    def novelty(images):
        features = network.predict(images, verbose=0)[..., len(CLASSES) :]
        return statistics.novelty(features.reshape(-1, features.shape[-1]))

    assert np.mean(novelty(images) > 1) == pytest.approx(0.01, abs=0.002)
    # Brighter than anything of the training.
    assert np.median(novelty(3 * images)) > 2 * np.median(novelty(images))


def test_the_folder_holds_card_network_and_history(trained):
    folder, card, _, _ = trained
    names = sorted(path.name for path in folder.iterdir())
    assert names == [
        *("README.md", "history.csv", "history.png", "logs", "model.json", "model.keras"),
        *("novelty_means.npy", "novelty_whitening.npy"),
    ]
    with (folder / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["epoch"]) for row in rows] == list(range(1, 16))
    best = max(rows, key=lambda row: float(row["val_mean_iou"]))
    assert int(best["epoch"]) == card.training["best_epoch"]
    rates = [float(row["learning_rate"]) for row in rows]
    assert rates[-1] == pytest.approx(0.01 * 0.01, rel=1e-3)
    assert max(rates) <= 0.01


def test_the_card_of_a_trained_model_is_a_valid_item_that_names_the_other_files(trained):
    folder, _, _, _ = trained
    item = json.loads((folder / "model.json").read_text())
    check(item)
    linked = sorted(asset["href"] for asset in item["assets"].values())
    assert linked == [
        "./README.md",
        "./history.csv",
        "./history.png",
        "./logs/",
        "./model.keras",
    ]


def test_the_readme_tells_scores_classes_and_call(trained):
    folder, card, _, _ = trained
    text = (folder / "README.md").read_text()
    assert text == readme(load_card(folder))
    for words in ("the call", "bare soil", f"{card.test['overall_accuracy']:.4f}"):
        assert words in text


def test_the_weights_of_the_best_epoch_are_kept(trained):
    folder, card, data, _ = trained
    again = score(load_network(folder), data, "val", 8)
    assert again["mean_iou"] == pytest.approx(card.training["best"]["val_mean_iou"], abs=1e-6)


def test_averaged_weights_are_scored_and_kept_and_never_learn(dataset, tmp_path):
    data = joined(dataset("dataset"))
    rows = {}
    for averaging in (0, 0.5):
        folder = tmp_path / f"model{averaging}"
        run(data, folder, one_layer(epochs=3, averaging=averaging))
        with (folder / "history.csv").open() as file:
            rows[averaging] = list(csv.DictReader(file))
    for name in ("loss", "mean_iou", "learning_rate"):
        assert [row[name] for row in rows[0]] == [row[name] for row in rows[0.5]]
    assert [row["val_loss"] for row in rows[0]] != [row["val_loss"] for row in rows[0.5]]


def test_progress_tells_network_patches_and_every_epoch(trained):
    _, card, _, lines = trained
    assert f"Network <unet> with {card.parameters} parameters" in lines[0]
    assert f"receptive field {card.receptive_field} x {card.receptive_field} cells" in lines[0]
    assert "48 train, 8 val, 9 test" in lines[0]
    assert "MB of memory for batches of 8" in lines[0]
    epochs = [line for line in lines if line.startswith("Epoch ") and "loss" in line]
    assert epochs[0].startswith("Epoch 1/15: loss ")
    assert "validation: loss " in epochs[0]
    assert epochs[14].startswith("Epoch 15/15")
    assert epochs[14].endswith("0 s left")


def test_tensorboard_reads_the_history_in_the_model_folder(trained):
    folder, _, _, lines = trained
    assert f"tensorboard --logdir '{folder / 'logs'}'" in lines[-1]
    with (folder / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    for split, prefix in (("training", ""), ("validation", "val_")):
        read = EventAccumulator(str(folder / "logs" / split)).Reload()
        for name in ("loss", "mean_iou"):
            curve = [(one.step, one.value) for one in read.Scalars(name)]
            assert [step for step, _ in curve] == list(range(1, 16))
            known = [float(row[prefix + name]) for row in rows]
            assert [value for _, value in curve] == pytest.approx(known)
    sizes = [one.stat().st_size for one in (folder / "logs").rglob("events*")]
    assert len(sizes) == 2
    assert sum(sizes) < 10_000


def test_null_and_unlabelled_cells_do_not_count_in_the_scores(tmp_path):
    images, labels = scene(4, 5)
    labels[0], labels[1, :8] = UNLABELLED_INDEX, NULL_INDEX
    images[1, :8] = 0
    arrays = {"train": scene(8, 1), "test": (images, labels)}
    data = joined(write_dataset(tmp_path / "dataset", arrays))
    counted = score(build_network(data, settings()), data, "test", 3)
    assert counted["pixels"] == 2 * 256 + 128


def test_the_whole_recipe_learns_what_there_is_to_learn(tmp_path):
    arrays = {"train": scene(48, 1), "val": scene(8, 2), "test": scene(9, 3)}
    data = joined(write_dataset(tmp_path / "dataset", arrays))
    chosen = settings(
        epochs=12,
        network="fcn_dk",
        network_options={"filters": 4, "depth": 1},
        loss="cross_entropy_dice",
        class_weights="sqrt",
        label_smoothing=0.05,
        optimizer="rmsprop",
        schedule="constant",
        learning_rate=0.003,
        augmentation=("flip", "rotate90", "zoom", "brightness", "contrast", "noise"),
        strengths={"zoom": 0.05, "brightness": 0.1},
        precision="bfloat16",
    )
    card = run(data, tmp_path / "model", chosen)
    assert card.test["overall_accuracy"] > 0.9
    assert card.training["loss"] == "cross_entropy_dice"
    assert card.training["strengths"] == {"zoom": 0.05, "brightness": 0.1}
    assert card.training["precision"] == "bfloat16"
    network = load_network(tmp_path / "model")
    assert {layer.compute_dtype for layer in network.layers} == {"float32"}
    again = score(network, data, "test", 8)
    assert again["overall_accuracy"] == card.test["overall_accuracy"]
    assert keras.config.dtype_policy().name == "float32"


TWO = ClassScheme(list(CLASSES)[:2])


@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
def test_two_classes_are_learned_with_softmax_and_with_a_sigmoid(tmp_path, activation):
    arrays = {}
    for seed, (split, count) in enumerate({"train": 24, "val": 6, "test": 6}.items()):
        images, labels = scene(count, seed)
        labels[labels == 2] = UNLABELLED_INDEX
        arrays[split] = images, labels
    data = joined(write_dataset(tmp_path / "dataset", arrays, TWO))
    small = {"filters": 2, "depth": 1}
    chosen = settings(epochs=8, activation=activation, network="fcn_dk", network_options=small)
    card = run(data, tmp_path / "model", chosen)
    assert card.test["overall_accuracy"] > 0.9
    network = load_network(tmp_path / "model")
    assert network.output_shape[-1] == 2
    assert network.get_layer("logits").output.shape[-1] == {"softmax": 2, "sigmoid": 1}[activation]


OWN = """
import keras
from keras import layers

def build(size, bands, classes):
    pixels = keras.Input((None, None, bands))
    features = layers.Conv2D(4, 3, padding="same", activation="relu")(pixels)
    features = layers.BatchNormalization()(features)
    return keras.Model(pixels, layers.Conv2D(classes, 1, activation="softmax")(features))
"""


def test_a_network_file_is_trained_like_any_other_and_told_on_the_card(dataset, tmp_path):
    (tmp_path / "own.py").write_text(OWN)
    data = joined(dataset())
    chosen = Settings(network_file=str(tmp_path / "own.py"), epochs=12, learning_rate=0.02)
    lines = []
    card = run(data, tmp_path / "model", chosen, report=lines.append)
    assert lines[0].startswith("Network <own> with ")
    assert (card.network, card.network_options) == ("own", {})
    assert (card.stride, card.halo, card.receptive_field) == (1, 1, 3)
    assert card.test["overall_accuracy"] > 0.8
    (tmp_path / "own.py").unlink()
    network = load_network(tmp_path / "model")
    nested = [layer for layer in network._flatten_layers() if hasattr(layer, "momentum")]
    assert [layer.momentum for layer in nested] == [fit_module.BATCH_NORM_MOMENTUM]


def test_without_validation_patches_classes_or_contrast_it_warns_and_does_no_harm(tmp_path):
    images, labels = scene(8, 1)
    labels[labels == 2] = UNLABELLED_INDEX
    images[..., 1] = 77
    data = joined(write_dataset(tmp_path / "dataset", {"train": (images, labels)}))
    warnings = []
    chosen = one_layer(epochs=1)
    card = run(data, tmp_path / "model", chosen, warn=warnings.append)
    assert any("Class 9 <forest> has no pixel" in line for line in warnings)
    assert any("Band <nir> is constant" in line for line in warnings)
    assert (card.mean[1], card.deviation[1]) == (77, 1)
    assert card.test is None
    assert "the model was not scored on test" in (tmp_path / "model/README.md").read_text()
    # The epoch with the lowest training loss is kept.
    assert card.training["monitor"] == "loss"
    assert any("No labelled validation patches" in line for line in warnings)
    probabilities = load_network(tmp_path / "model").predict_on_batch(images.astype(np.float32))
    assert np.isfinite(probabilities).all()


def nothing_in(folder):
    return sorted(path.name for path in folder.iterdir()) == ["dataset"]


@pytest.mark.parametrize(
    ("labels", "words"),
    [(None, "There are no training patches"), (UNLABELLED_INDEX, "there is nothing to learn")],
)
def test_without_training_labels_it_says_so(tmp_path, labels, words):
    images, codes = scene(2, 1)
    arrays = {"val": (images, codes)}
    if labels is not None:
        arrays["train"] = (images, np.full_like(codes, labels))
    data = joined(write_dataset(tmp_path / "dataset", arrays))
    with pytest.raises(ValueError, match=words):
        run(data, tmp_path / "model", settings())
    assert nothing_in(tmp_path)


def test_a_patch_size_that_does_not_suit_the_network_is_refused(dataset, tmp_path):
    with pytest.raises(ValueError, match="Patch size 16 does not fit network <unet>"):
        run(joined(dataset()), tmp_path / "model", settings(network_options={"depth": 5}))
    assert nothing_in(tmp_path)


@pytest.fixture
def spoil(monkeypatch):
    """Makes the loss no number in an epoch, counted from 0."""

    def spoil_epoch(epoch):
        class Spoilt(fit_module.TrainingBatches):
            def __getitem__(self, batch):
                images, labels = super().__getitem__(batch)
                return images * (np.nan if self._epoch_and_order[0] == epoch else 1), labels

        monkeypatch.setattr(fit_module, "TrainingBatches", Spoilt)

    return spoil_epoch


def test_a_loss_that_is_not_a_number_ends_training_with_its_reason(dataset, tmp_path, spoil):
    spoil(0)
    with pytest.raises(ValueError, match="not a finite number.*lower learning_rate"):
        run(joined(dataset()), tmp_path / "model", one_layer())
    assert nothing_in(tmp_path)


def test_a_loss_that_is_no_number_any_more_costs_no_epoch_before_it(dataset, tmp_path, spoil):
    spoil(3)
    lines = []
    data = joined(dataset())
    card = run(data, tmp_path / "model", one_layer(epochs=9), warn=lines.append)
    assert (card.training["diverged"], card.training["interrupted"]) == (True, False)
    assert (card.training["epochs_run"], card.training["best"]["epoch"] <= 3) == (3, True)
    assert any("not a finite number in epoch 4" in one and "the best epoch" in one for one in lines)
    assert all(np.isfinite(one).all() for one in load_network(tmp_path / "model").get_weights())
    assert "its loss was not a finite number" in (tmp_path / "model" / "README.md").read_text()
    # There is nothing to resume: it would come to the same.
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dataset", "model"]


def test_what_fails_at_the_end_can_be_resumed(dataset, tmp_path, monkeypatch):
    def disk_full(*_):
        raise OSError("No space left on device")

    data = joined(dataset(train=4, val=0, test=0))
    chosen = one_layer(epochs=1)
    with monkeypatch.context() as patched, pytest.raises(OSError, match="No space"):
        patched.setattr(fit_module, "save_network", disk_full)
        run(data, tmp_path / "model", chosen)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".model.run", "dataset"]
    lines = []
    options = {"command": "", "versions": {}, "report": lines.append, "warn": lines.append}
    train(data, tmp_path / "model", chosen, resume=True, **options)
    assert "Resuming after epoch 1" in lines
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dataset", "model"]


def test_a_folder_that_holds_no_model_is_not_overwritten(dataset, tmp_path):
    data = joined(dataset())
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "thesis.txt").write_text("years of work")
    with pytest.raises(ValueError, match="holds no model.json that i.dl wrote"):
        run(data, tmp_path / "model", settings())
    assert (tmp_path / "model" / "thesis.txt").read_text() == "years of work"


@pytest.mark.parametrize("steps", [1, 2, 20, 200])
def test_the_learning_rate_rises_to_its_height_then_falls_to_a_hundredth(steps):
    schedule = cosine_with_warm_up(0.5, steps)
    rates = [float(schedule(step)) for step in range(steps + 1)]
    highest = int(np.argmax(rates))
    assert rates[highest] == pytest.approx(0.5)
    assert highest == int(np.ceil(0.05 * steps))
    if steps > 1:
        assert rates[-1] == pytest.approx(0.005, rel=1e-3)
    assert rates[:highest] == sorted(rates[:highest])
    assert rates[highest:] == sorted(rates[highest:], reverse=True)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"epochs": 0}, "<epochs> must be at least 1, found 0"),
        ({"epochs": 10**9}, "<epochs> must be at most 100000, found 1000000000"),
        ({"batch_size": 0}, "<batch_size> must be at least 1"),
        ({"batch_size": 10**9}, "<batch_size> must be at most 65536"),
        ({"patience": 10**9}, "<patience> must be at most 100000"),
        ({"nprocs": 10**9}, "<nprocs> must be at most 1024"),
        ({"learning_rate": 1e30}, "<learning_rate> must be at most 100, found 1e.30"),
        ({"weight_decay": 1e30}, "<weight_decay> must be at most 100"),
        ({"learning_rate": -0.1}, "<learning_rate> must be above 0, found -0.1"),
        ({"learning_rate": float("nan")}, "<learning_rate> must be above 0"),
        ({"weight_decay": -1.0}, "<weight_decay> must not be negative"),
        ({"averaging": 1.5}, "<averaging> must be between 0 and 1, found 1.5"),
        ({"patience": -1}, "<patience> must be at least 0"),
        ({"seed": -1}, "<seed> must be between 0 and"),
        ({"seed": 2**32}, "<seed> must be between 0 and"),
        ({"nprocs": -3}, "<nprocs> must be at least 0"),
        ({"network": "alexnet"}, "no network <alexnet>"),
        ({"network_options": {"filters": 0}}, "<filters> must be at least 1"),
        ({"network_options": {"filters": 10**8}}, "<filters> must be at most 4096"),
        ({"network_options": {"depth": 99}}, "<depth> must be at most 32, found 99"),
        ({"network_options": {"kernel": (3, 999)}}, "<kernel> must be at most 127, found 999"),
        ({"network_options": {"dilations": (1, 10**6)}}, "<dilations> must be at most 512"),
        ({"network_options": {"dropout": float("nan")}}, "<dropout> must be at least 0 and below"),
        ({"network_options": {"dropout": 1.0}}, "<dropout> must be at least 0 and below 1"),
        ({"augmentation": ("shake",)}, "no augmentation <shake>"),
    ],
)
def test_a_setting_out_of_its_range_is_named(wrong, words):
    with pytest.raises(ValueError, match=words):
        Settings(**wrong)


def test_a_model_is_not_lost_where_memory_runs_out_for_its_statistics(monkeypatch):
    def refuse(*given):
        raise MemoryError

    monkeypatch.setattr(fit_module, "feature_statistics", refuse)
    lines = []
    assert fit_module._statistics(None, None, 1, lines.append) is None
    assert lines == [
        "Memory ran out for the statistics of novelty: the model is written without them"
    ]
