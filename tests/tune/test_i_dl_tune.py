# SPDX-License-Identifier: GPL-2.0-or-later
"""i.dl.tune in a GRASS session."""

import csv
import json
import os
import subprocess

import pytest

from grassdl.model.folder import load_card
from one_error import fails_with
from tiny_dataset import scene, write_dataset

OWN_NETWORK = """
import keras
def build(size, bands, classes):
    pixels = keras.Input((None, None, bands))
    return keras.Model(pixels, keras.layers.Conv2D(classes, 1, activation="softmax")(pixels))
"""


@pytest.fixture
def dataset(tmp_path):
    arrays = {"train": scene(8, 1), "val": scene(4, 2), "test": scene(4, 3)}
    return write_dataset(tmp_path / "dataset", arrays)


def options(tmp_path, **changes):
    (tmp_path / "own.py").write_text(OWN_NETWORK)
    given = {
        "input": tmp_path / "dataset",
        "output": tmp_path / "best",
        "network_file": tmp_path / "own.py",
        "parameters": "learning_rate:0.02|0.0001|0.001",
        "epochs": 2,
        "nprocs": 1,
    }
    return {**given, **changes}


def leftovers(folder):
    """What lies in the folder but for the GRASS project and what is put in."""
    return sorted({path.name for path in folder.iterdir()} - {"project", "dataset", "own.py"})


def test_two_processes_tune_together_and_the_last_one_writes_the_best(
    grass_project, dataset, tmp_path
):
    words = grass_project.command("i.dl.tune", **options(tmp_path))
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    both = [subprocess.Popen(words, env=grass_project.environment, **pipes) for _ in range(2)]
    told = [one.communicate(timeout=300) for one in both]
    assert [one.returncode for one in both] == [0, 0], told
    printed = [stdout.splitlines() for stdout, _ in told if stdout]
    assert printed
    for _, stderr in told:
        assert "Traceback" not in stderr
    [end] = [stderr for stdout, stderr in told if stdout]
    assert f"The best network is in model <{tmp_path}/best>" in " ".join(end.split())
    following = end.splitlines()[-1].split()
    assert following[0] == "i.dl.predict"
    assert f"model={tmp_path}/best" in following
    with (tmp_path / "best.study.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert sorted(row["learning_rate"] for row in rows) == ["0.0001", "0.001", "0.02"]
    best = max(rows, key=lambda row: (float(row["mean_iou"]), -int(row["trial"])))
    assert best["learning_rate"] == "0.02"
    heads, first, *_, call = printed[0]
    assert heads.split()[:4] == ["Trial", "Mean", "IoU", "Epochs"]
    assert first.split()[:2] == [best["trial"], f"{float(best['mean_iou']):.4f}"]
    card = load_card(tmp_path / "best")
    assert card.command == call
    assert "learning_rate=0.02" in call.split()
    # The model is that of the trial, bit by bit.
    assert card.training["best"]["val_mean_iou"] == pytest.approx(float(best["mean_iou"]), abs=1e-6)
    assert leftovers(tmp_path) == ["best", "best.study", "best.study.csv", "best.study.png"]


def test_without_optuna_it_is_named_with_the_commands_that_install_it(
    run, grass_project, dataset, tmp_path
):
    folder = tmp_path / "absent"
    folder.mkdir()
    (folder / "optuna.py").write_text("raise ModuleNotFoundError(name='optuna')\n")
    path = f"{folder}{os.pathsep}{grass_project.environment.get('PYTHONPATH', '')}"
    done = run("i.dl.tune", check=False, env={"PYTHONPATH": path}, **options(tmp_path))
    fails_with(done, "Missing Python packages: optuna.", "requirements-optional.txt")
    assert leftovers(tmp_path) == ["absent"]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"parameters": "speed:1..2"}, ["options of i.dl.train as name:low..high", "<speed>"]),
        ({"parameters": "patience:0.5..2"}, ["Option patience takes a whole number, not 0.5"]),
        ({"trials": 0}, ["Option trials takes a whole number of 1 or more, not 0"]),
        ({"time": -1}, ["Option time takes a number of 0 or more, not -1"]),
        ({"study": "dataset/dataset.json"}, ["is no journal of a study"]),
        ({"study": "best"}, ["has the name of the output: name another file"]),
        ({"study": "nowhere/common.study"}, ["nowhere> not found"]),
        ({"output": "dataset"}, ["dataset> exists"]),
    ],
)
def test_what_cannot_be_tuned_is_refused_in_one_line(run, dataset, tmp_path, wrong, words):
    paths = {name: tmp_path / wrong[name] for name in ("study", "output") if name in wrong}
    fails_with(run("i.dl.tune", check=False, **options(tmp_path, **{**wrong, **paths})), *words)
    assert leftovers(tmp_path) == []
    json.loads((tmp_path / "dataset" / "dataset.json").read_text())
