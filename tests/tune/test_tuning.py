# SPDX-License-Identifier: GPL-2.0-or-later
"""The trials of a study as a whole; how networks learn in them is replaced by a formula."""

import csv
from types import SimpleNamespace

import pytest

from grassdl.model.folder import load_card, save_card
from grassdl.train import trainer
from grassdl.tune import tuning
from grassdl.tune.parameters import parsed, standard_values
from grassdl.tune.report import text
from grassdl.tune.task import Task, picture_of, table_of
from grassdl.tune.tuning import tune
from model_cards import card_of
from option_words import unset_options
from patch_dataset import write_patches
from tiny_dataset import scene, write_dataset

OWN_NETWORK = """
import keras
def build(size, bands, classes):
    pixels = keras.Input((None, None, bands))
    return keras.Model(pixels, keras.layers.Conv2D(classes, 1, activation="softmax")(pixels))
"""
"""It is compiled sooner than any network of the toolset."""


@pytest.fixture
def options(tmp_path):
    """The words of i.dl.tune's options for a tiny dataset."""
    arrays = {"train": scene(8, 1), "val": scene(4, 2)}
    write_dataset(tmp_path / "patches", arrays)
    given = {"input": str(tmp_path / "patches"), "output": str(tmp_path / "model")}
    small = {"filters": "2", "depth": "1", "epochs": "10", "trials": "8", "nprocs": "2"}
    tried = {"parameters": "learning_rate:0.001..0.1:log,loss:cross_entropy|focal"}
    return {**unset_options("i.dl.tune"), **given, **small, **tried}


@pytest.fixture
def by_formula(monkeypatch):
    """Lets trials score 0.4 with cross-entropy, else 0.2; returns the settings that were tried."""
    tried = []

    def fit_trial(data, settings, watch):
        tried.append(settings)
        score = 0.4 if settings.loss == "cross_entropy" else 0.2
        for epoch in range(1, 11):
            watch(epoch, score * epoch / 10)
        return SimpleNamespace(rows=[{"val_mean_iou": score}], best_epoch=1)

    monkeypatch.setattr(tuning, "fit_trial", fit_trial)
    return tried


class Untrained(Exception):
    """All trials have ended."""


@pytest.fixture
def without_model(monkeypatch):
    """Ends a study before it trains the best network."""

    def train(*given, **named):
        raise Untrained

    monkeypatch.setattr(tuning, "train", train)


def run(options, lines=None, overwrite=False):
    report = (lambda line: None) if lines is None else lines.append
    return tune(Task.of(options, False, overwrite), {}, report, report)


def test_the_standard_values_are_those_of_training_where_they_are_tried(options):
    tried = (
        "learning_rate:0.001..0.01,batch_size:32..64,loss:cross_entropy|dice,dropout:0..0.5,"
        "augmentation:none|flip+rotate90+brightness+contrast,network:linknet|unet,patience:5..9"
    )
    assert standard_values(parsed(tried, options), options, freeze=False) == {
        "learning_rate": 0.002,
        "loss": "cross_entropy",
        "dropout": 0,
        "augmentation": "flip+rotate90+brightness+contrast",
        "network": "unet",
    }


def test_standard_values_are_there_where_only_an_encoder_that_is_tried_makes_sense_of_options(
    options,
):
    given = options | {"encoder_weights": "imagenet", "filters": "", "depth": ""}
    found = standard_values(parsed("encoder:resnet50|mobilenetv2,depth:3..4", given), given, False)
    assert found["encoder"] == "resnet50"


def test_classes_of_patches_are_tuned_with_their_network_only(options, tmp_path):
    write_patches(tmp_path / "of_patches", {"train": 4, "val": 2})
    given = options | {"input": str(tmp_path / "of_patches"), "parameters": "loss:focal|dice"}
    with pytest.raises(ValueError, match="<unet> gives every cell a class.*network=patch_cnn"):
        Task.of(given, False, False)
    task = Task.of(given | {"network": "patch_cnn"}, False, False)
    assert task.settings(task.first_words).network == "patch_cnn"
    first = standard_values(task.parameters, task.options, task.freeze, task.kind)
    # The standard, cross_entropy, is not tried.
    assert first == {}


def test_a_teacher_of_other_classes_is_refused_before_there_is_a_study(options, tmp_path):
    (tmp_path / "big").mkdir()
    save_card(card_of(), tmp_path / "big")
    with pytest.raises(ValueError, match="Model <suburb> cannot teach"):
        run(options | {"teacher": str(tmp_path / "big")})
    assert not (tmp_path / "model.study").exists()


def test_trials_end_in_a_table_a_picture_and_the_model_of_the_best(options, by_formula, tmp_path):
    (tmp_path / "own.py").write_text(OWN_NETWORK)
    own = {"network_file": str(tmp_path / "own.py"), "filters": "", "depth": ""}
    options |= {**own, "epochs": "1", "parameters": "loss:focal|cross_entropy,seed:1..2"}
    lines = []
    tuned = run(options, lines)
    assert lines[0] == "Trial 1 of 4: loss=cross_entropy seed=1"
    assert [one.loss for one in by_formula].count("focal") == 2
    assert tuned.best.words["loss"] == "cross_entropy"
    assert tuned.card.training["loss"] == "cross_entropy"
    assert tuned.call == load_card(tmp_path / "model").command
    assert tuned.call == (
        f"i.dl.train input={tmp_path / 'patches'} network_file={tmp_path / 'own.py'} epochs=1 "
        f"loss=cross_entropy seed=1 nprocs=2 output={tmp_path / 'model'}"
    )
    with table_of(tmp_path / "model.study").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["loss"] for row in rows] == [one.loss for one in by_formula]
    assert {row["mean_iou"] for row in rows} == {"0.400000", "0.200000"}
    assert picture_of(tmp_path / "model.study").read_bytes().startswith(b"\x89PNG")
    first = text(tuned.rows, Task.of(options, False, True).parameters).splitlines()[1].split()
    assert first[:2] == ["1", "0.4000"]
    # The same call again finds all done.
    again = run(options, lines, overwrite=True)
    assert len(by_formula) == 4
    assert lines[-1] == "Trial 1 is the best: its model is written already"
    assert again.call == tuned.call


def test_a_last_training_that_was_cut_short_is_resumed(options, by_formula, monkeypatch, tmp_path):
    (tmp_path / "own.py").write_text(OWN_NETWORK)
    own = {"network_file": str(tmp_path / "own.py"), "filters": "", "depth": ""}
    options |= {**own, "epochs": "1", "trials": "1"}

    def die(*given):
        raise Untrained

    with monkeypatch.context() as patch:
        patch.setattr(trainer, "_write_model", die)
        with pytest.raises(Untrained):
            run(options)
    assert not (tmp_path / "model").exists()
    lines = []
    run(options, lines)
    assert "Resuming after epoch 1" in lines
    assert len(by_formula) == 1
    assert (tmp_path / "model" / "model.json").is_file()


def test_a_bad_trial_is_stopped_early_and_more_trials_go_on_from_there(
    options, by_formula, without_model, tmp_path
):
    with pytest.raises(Untrained):
        run(options)
    lines = []
    with pytest.raises(Untrained):
        run({**options, "trials": "12"}, lines)
    assert lines[0].endswith("has 8 trials")
    assert len([line for line in lines if "of 12: learning_rate=" in line]) == 4
    with table_of(tmp_path / "model.study").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 12
    stopped = [row for row in rows if row["state"] == "stopped early"]
    assert {row["loss"] for row in stopped} == {"focal"}
    assert {row["epochs"] for row in stopped} == {"3"}


def test_no_trial_begins_when_the_time_is_over(options, by_formula, without_model):
    lines = []
    with pytest.raises(Untrained):
        run({**options, "trials": "", "time": "0"}, lines)
    assert len(by_formula) == 1
    assert "The time is over: no further trial starts" in lines


def test_ctrl_c_keeps_the_study_and_the_same_call_tries_again(
    options, by_formula, without_model, monkeypatch, tmp_path
):
    def interrupted(data, settings, watch):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(tuning, "fit_trial", interrupted)
        with pytest.raises(KeyboardInterrupt) as stopped:
            run(options)
    assert "keeps the trials that have ended, the same call resumes" in stopped.value.__notes__[0]
    lines = []
    with pytest.raises(Untrained):
        run(options, lines)
    assert "learning_rate=0.002 loss=cross_entropy" in lines[0]
    with table_of(tmp_path / "model.study").open() as file:
        assert len(list(csv.DictReader(file))) == 8


def test_failing_trials_are_told_and_three_in_a_row_end_the_call(options, monkeypatch, tmp_path):
    def fail(data, settings, watch):
        raise ValueError("Out of memory with batches of 16 patches")

    monkeypatch.setattr(tuning, "fit_trial", fail)
    lines = []
    with pytest.raises(ValueError, match="3 trials in a row failed, the last one with: Out of mem"):
        run(options, lines)
    assert "Trial 1 failed: Out of memory with batches of 16 patches" in lines
    assert not (tmp_path / "model").exists()


def test_networks_that_cannot_be_built_are_refused_before_the_study_is_written(options, tmp_path):
    for tried, words in {
        "depth:1..6": "multiple of 64.*depth=6",
        "network:unet|nicknet": "<nicknet> has no option <depth>.*network=nicknet",
    }.items():
        given = {**options, "depth": "" if "depth" in tried else "1", "parameters": tried}
        with pytest.raises(ValueError, match=words):
            run(given)
    assert [path.name for path in tmp_path.iterdir()] == ["patches"]


def test_networks_of_patches_are_tuned_and_others_refused_before_a_trial(
    options, by_formula, without_model, tmp_path
):
    write_patches(tmp_path / "whole", {"train": 6, "val": 3})
    whole = {**options, "input": str(tmp_path / "whole"), "trials": "1"}
    with pytest.raises(ValueError, match="<unet> gives every cell a class.*target=patch$"):
        run(whole)
    several = {**whole, "parameters": "network:patch_cnn|linknet"}
    with pytest.raises(ValueError, match="<linknet> gives every cell a class.*network=linknet"):
        run(several)
    with pytest.raises(ValueError, match="<patch_cnn> gives a whole patch one class"):
        run({**options, "network": "patch_cnn"})
    with pytest.raises(Untrained):
        run({**whole, "network": "patch_cnn"})
    assert [one.network for one in by_formula] == ["patch_cnn"]


def test_a_study_belongs_to_its_data_and_options(options, by_formula, without_model, tmp_path):
    options["trials"] = "1"
    with pytest.raises(Untrained):
        run(options)
    write_dataset(tmp_path / "others", {"train": scene(8, 3), "val": scene(4, 4)})
    for changed, words in {
        "input": ("others", "the data"),
        "weight_decay": ("0.1", "option weight_decay .was 0.01"),
        "parameters": ("learning_rate:0.01..0.1", "option parameters .was learning_rate:0.001"),
    }.items():
        value = str(tmp_path / words[0]) if changed == "input" else words[0]
        with pytest.raises(ValueError, match=f"is another one: {words[1]}"):
            run({**options, changed: value})


def test_without_validation_labels_nothing_is_tried(options, tmp_path):
    write_dataset(tmp_path / "blind", {"train": scene(8, 1)})
    with pytest.raises(ValueError, match="No pixel of the validation patches is labelled"):
        run({**options, "input": str(tmp_path / "blind")})
