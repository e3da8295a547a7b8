# SPDX-License-Identifier: GPL-2.0-or-later
"""Trainings that are cut short, by SIGKILL and otherwise, and resumed."""

import csv
import dataclasses
import os
import shutil
import signal
import sys
import zipfile

import numpy as np
import pytest

import warm_python
from grassdl.model.folder import load_card
from grassdl.model.weights import load_network
from grassdl.runtime.workers import Terminated
from grassdl.train.config.settings import Settings
from grassdl.train.resume.fingerprint import check_resumable, description
from grassdl.train.resume.run_folder import RunFolder, check_target, run_path, running
from grassdl.train.trainer import train
from paths import PROGRAMS
from tiny_dataset import joined, scene, write_dataset

SETTINGS = Settings(
    network_file=str(PROGRAMS / "one_block.py"),
    epochs=6,
    batch_size=8,
    learning_rate=0.01,
    patience=0,
)

ONE_LAYER = dataclasses.replace(SETTINGS, network_file=str(PROGRAMS / "one_layer.py"))


def weights(model):
    return [one.tobytes() for one in load_network(model).get_weights()]


def history(model):
    """The rows of history.csv but for the seconds."""
    with (model / "history.csv").open() as file:
        return [{**row, "seconds": None} for row in csv.DictReader(file)]


def child(dataset, model, place, *flags):
    """Exit status and words of a training in a process of its own."""
    program = PROGRAMS / "train_and_die.py"
    words = [sys.executable, str(program), str(dataset), str(model), place, *flags]
    done = warm_python.run(words, os.environ)
    return done.returncode, done.stdout + done.stderr


def test_a_training_killed_at_any_moment_ends_with_the_weights_of_an_undisturbed_one(
    dataset, tmp_path
):
    data, model = dataset(train=24, val=8, test=4), tmp_path / "model"
    status, told = child(data, tmp_path / "undisturbed", "nowhere")
    assert status == 0, told
    # A step draws its batch some steps ahead; three make an epoch.
    assert child(data, model, "step 8")[0] == -signal.SIGKILL
    assert child(data, model, "checkpoint 2", "-r")[0] == -signal.SIGKILL
    assert not model.exists()
    status, told = child(data, model, "model", "-r")
    assert status == -signal.SIGKILL
    assert "Resuming after epoch 2" in told or "Resuming after epoch 3" in told
    assert not model.exists()
    status, told = child(data, model, "nowhere", "-r")
    assert status == 0, told
    assert "Resuming after epoch 5" in told

    assert weights(model) == weights(tmp_path / "undisturbed")
    assert history(model) == history(tmp_path / "undisturbed")
    assert not run_path(model).exists()


class Killed(BaseException):
    """Ends a training as SIGKILL does, but not the process."""


def run(data, model, settings, resume=False, stop_after=None, by=Killed, **options):
    """Train in this process, and end it after some epoch."""
    lines = []

    def report(line):
        lines.append(line)
        if stop_after is not None and line.startswith(f"Epoch {stop_after + 1}/"):
            raise by

    options = {"command": "", "versions": {}, "report": report, "warn": lines.append, **options}
    try:
        train(data, check_target(model, True, resume), settings, resume=resume, **options)
    except Killed:
        assert stop_after is not None
    except by:
        assert stop_after == 0
    return lines


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    arrays = {"train": scene(24, 1), "val": scene(8, 2), "test": scene(4, 3)}
    return joined(write_dataset(tmp_path_factory.mktemp("data") / "dataset", arrays))


@pytest.fixture(scope="module")
def undisturbed(data, tmp_path_factory):
    model = tmp_path_factory.mktemp("undisturbed") / "model"
    run(data, model, SETTINGS)
    return model


def test_plateau_and_patience_are_resumed(data, tmp_path):
    # At this rate, and without batch norm, nothing becomes better: patience ends it.
    settings = dataclasses.replace(
        ONE_LAYER,
        optimizer="sgd",
        schedule="plateau",
        learning_rate=1e-12,
        patience=7,
        epochs=20,
    )
    run(data, tmp_path / "one", settings)
    run(data, tmp_path / "two", settings, stop_after=3)
    run(data, tmp_path / "two", settings, resume=True)
    assert len(history(tmp_path / "one")) == 8
    assert load_card(tmp_path / "one").training["best_epoch"] == 1
    assert history(tmp_path / "two") == history(tmp_path / "one")
    assert float(history(tmp_path / "two")[-1]["learning_rate"]) == pytest.approx(5e-13)
    assert weights(tmp_path / "two") == weights(tmp_path / "one")


def test_a_training_with_a_frozen_encoder_is_resumed_in_either_phase(data, undisturbed, tmp_path):
    settings = dataclasses.replace(SETTINGS, model=str(undisturbed), freeze=True)
    run(data, tmp_path / "one", settings)
    # Two of the six epochs are the first phase: it is ended within, and within the second one.
    run(data, tmp_path / "two", settings, stop_after=1)
    run(data, tmp_path / "two", settings, resume=True, stop_after=3)
    run(data, tmp_path / "two", settings, resume=True)
    assert history(tmp_path / "two") == history(tmp_path / "one")
    assert weights(tmp_path / "two") == weights(tmp_path / "one")


def test_ctrl_c_and_sigterm_make_a_model_of_the_best_epoch_and_can_be_resumed(
    data, undisturbed, tmp_path
):
    model = tmp_path / "model"
    # One training, ended by either: its fourth, its fifth epoch was just told when the signal came.
    for by, epochs, resume in ((KeyboardInterrupt, 4, False), (Terminated, 5, True)):
        lines = run(data, model, SETTINGS, resume=resume, stop_after=epochs - 1, by=by)
        card = load_card(model)
        assert card.training["interrupted"] is True
        assert len(history(model)) == epochs
        best = max(history(model)[: epochs - 1], key=lambda row: float(row["val_mean_iou"]))
        assert card.training["best_epoch"] == int(best["epoch"])
        assert any("with -r resumes it" in line for line in lines)
        with pytest.raises(ValueError, match="exists"):
            check_target(model, overwrite=False, resume=False)
        check_target(model, overwrite=False, resume=True)
    run(data, model, SETTINGS, resume=True)
    assert load_card(model).training["interrupted"] is False
    assert weights(model) == weights(undisturbed)
    assert history(model) == history(undisturbed)
    with pytest.raises(ValueError, match="has ended: start another one from it with model="):
        check_target(model, overwrite=False, resume=True)


def test_there_is_nothing_to_resume_before_the_first_epoch_has_ended(tmp_path):
    run_path(tmp_path / "model").mkdir()
    with pytest.raises(ValueError, match="not one epoch of it: leave out -r"):
        check_target(tmp_path / "model", overwrite=False, resume=True)


@pytest.mark.parametrize("by", [KeyboardInterrupt, Terminated])
def test_ctrl_c_and_sigterm_in_the_first_epoch_leave_nothing(data, tmp_path, by):
    run(data, tmp_path / "model", ONE_LAYER, stop_after=0, by=by)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def after_two_epochs(data, tmp_path_factory):
    """The run folder of a training that was ended after two epochs."""
    model = tmp_path_factory.mktemp("unfinished") / "model"
    run(data, model, ONE_LAYER, stop_after=2)
    assert not model.exists()
    return run_path(model)


@pytest.fixture
def unfinished(after_two_epochs, tmp_path):
    """A model of which there is the state after two epochs only."""
    shutil.copytree(after_two_epochs, run_path(tmp_path / "model"))
    return tmp_path / "model"


@pytest.fixture
def before(after_two_epochs):
    """What was noted about that run."""
    return RunFolder(after_two_epochs).description()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"epochs": 9}, r"option epochs \(was 6\) has changed"),
        (
            {"loss": "dice", "seed": 2},
            r"option loss \(was cross_entropy\), option seed \(was 1\) have",
        ),
        ({"strengths": {"flip": 0.2}}, r"option strengths \(was not given\)"),
    ],
)
def test_other_settings_do_not_resume(data, before, changes, words):
    with pytest.raises(ValueError, match=words):
        check_resumable(
            before, description(data, dataclasses.replace(ONE_LAYER, **changes), 1), print
        )


def test_other_data_do_not_resume(data, unfinished, dataset):
    with pytest.raises(ValueError, match="Cannot resume: the data has changed"):
        run(joined(dataset("changed")), unfinished, ONE_LAYER, resume=True)
    one_band = joined(data.patch_sets[0].folder, bands=["nir"])
    with pytest.raises(ValueError, match=r"option bands \(was red, nir\) has changed"):
        run(one_band, unfinished, ONE_LAYER, resume=True)
    assert (run_path(unfinished) / "checkpoint.npz").is_file()


def test_another_number_of_processes_does_not_resume(data, before):
    with pytest.raises(ValueError, match="the number of processes has changed"):
        check_resumable(before, description(data, ONE_LAYER, 2), print)


def test_another_number_of_threads_is_told(data, before):
    lines = []
    check_resumable(
        before, description(data, dataclasses.replace(ONE_LAYER, nprocs=1), 1), lines.append
    )
    assert len(lines) == 1
    assert "this has changed: option nprocs (was 0). The weights" in lines[0]


def test_a_changed_network_file_does_not_resume(data, tmp_path):
    own = tmp_path / "own.py"
    own.write_text((PROGRAMS / "one_layer.py").read_text())
    settings = Settings(network_file=str(own), epochs=3)
    run(data, tmp_path / "model", settings, stop_after=1)
    own.write_text(own.read_text() + "# changed\n")
    with pytest.raises(ValueError, match="the network file has changed"):
        run(data, tmp_path / "model", settings, resume=True)


def test_a_damaged_state_is_told(data, unfinished):
    checkpoint = run_path(unfinished) / "checkpoint.npz"
    whole = checkpoint.read_bytes()
    assert zipfile.is_zipfile(checkpoint)
    for damaged in (whole[:-1000], b"", np.array([1]).tobytes()):
        checkpoint.write_bytes(damaged)
        with pytest.raises(ValueError, match="cannot be read.*leave out -r"):
            run(data, unfinished, ONE_LAYER, resume=True)


def test_without_r_what_was_left_is_told_and_replaced(data, unfinished):
    lines = run(data, unfinished, dataclasses.replace(ONE_LAYER, epochs=1))
    assert any("An unfinished training of this model is replaced" in line for line in lines)
    assert len(history(unfinished)) == 1
    assert not run_path(unfinished).exists()


def test_a_training_that_goes_on_is_left_alone(data, tmp_path):
    folder = run_path(tmp_path / "model")
    with running(tmp_path / "model", print):
        (folder / "checkpoint.npz").touch()
        for resume in (False, True):
            with pytest.raises(ValueError, match="Another run is writing"):
                run(data, tmp_path / "model", ONE_LAYER, resume=resume)
        assert (folder / "checkpoint.npz").is_file()


def test_a_strangers_folder_is_not_emptied(data, tmp_path):
    folder = run_path(tmp_path / "model")
    folder.mkdir()
    (folder / "thesis.txt").write_text("years of work")
    with pytest.raises(ValueError, match="holds <thesis.txt>, which is not of a training"):
        run(data, tmp_path / "model", ONE_LAYER)
    assert (folder / "thesis.txt").read_text() == "years of work"
