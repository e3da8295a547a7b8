# SPDX-License-Identifier: GPL-2.0-or-later
"""The way of the manual's how-to: folds, an ensemble that is killed and resumed, maps, scores."""

import json
import os
import re
import signal
import subprocess
import time
from dataclasses import replace

import numpy as np
import pytest

from cutting import fails_with
from grassdl.dataset.folds import fold_of
from grassdl.dataset.patchset import PatchSet
from grassdl.dataset.seen import positions_of
from grassdl.model.card import tempered
from grassdl.model.folder import load_card, save_card
from grassdl.model.weights import description_of, load_network, weights_file

EDGE, SIZE, BUFFER = 144, 8, 2
VALUES = [3, 5]


@pytest.fixture(scope="module")
def project(new_project, tmp_path_factory):
    """Two bands that tell two classes, NULL here and there."""
    project = new_project(tmp_path_factory.mktemp("folds"))
    rng = np.random.default_rng(1)
    labels = rng.integers(2, size=(EDGE // 8, EDGE // 8)).repeat(8, axis=0).repeat(8, axis=1)
    for name, means in (("red", (300, 900)), ("nir", (1500, 1000))):
        band = rng.normal(np.array(means)[labels], 150)
        band[rng.random(band.shape) < 0.001] = np.nan
        project.write_raster(name, band.astype(np.float32))
    project.write_raster("truth", np.array(VALUES)[labels])
    project.run("g.region", raster="red")
    return project


@pytest.fixture(scope="module")
def dataset(project):
    options = {"size": SIZE, "block_size": 24, "folds": 2, "buffer": BUFFER}
    project.run(
        "i.dl.patches",
        input="red,nir",
        labels="truth",
        output=project.path / "patches",
        footprints="footprints",
        split="80,0,20",
        **options,
    )
    return PatchSet.open(project.path / "patches")


def options(project):
    """Those of i.dl.train, the same before and after the kill."""
    return {
        "input": project.path / "patches",
        "output": project.path / "ensemble",
        "fold": "all",
        "network": "fcn_dk",
        "filters": 2,
        "depth": 1,
        "epochs": 5,
        "batch_size": 8,
        "learning_rate": 0.02,
    }


@pytest.fixture(scope="module")
def ensemble(project, dataset):
    """The ensemble, killed in its second member and resumed; what that run told; and when the first
    member was written."""
    unfinished = project.path / ".ensemble.ensemble"
    checkpoint = unfinished / ".fold_2.run" / "checkpoint.npz"
    words = project.command("i.dl.train", **options(project))
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    process = subprocess.Popen(words, env=project.environment, **pipes)
    while not checkpoint.is_file() and process.poll() is None:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert not (project.path / "ensemble").exists()
    written = (unfinished / "fold_1" / "model.keras").stat().st_mtime_ns
    done = project.run("i.dl.train", flags="r", **options(project))
    return project.path / "ensemble", done, written


def test_no_patch_of_a_fold_is_nearer_to_the_others_than_the_buffer(dataset):
    assert [one.patches > 3 for one in dataset.manifest.folds] == [True] * 2
    views = [fold_of(dataset, number) for number in (1, 2)]
    for view in views:
        found = positions_of(view)
        for one, other in (("train", "val"), ("train", "test"), ("val", "test")):
            off = np.abs(found[one][:, None] - found[other][None]).max(axis=2)
            assert off.min() >= SIZE + BUFFER
    validated = np.concatenate([positions_of(view)["val"] for view in views])
    assert len(np.unique(validated, axis=0)) == len(validated)
    plain = positions_of(dataset)
    assert len(validated) == len(plain["train"]) + len(plain["val"])


def test_the_map_of_the_footprints_tells_the_fold(project, dataset):
    columns = project.run("db.select", sql="SELECT split, fold FROM footprints", flags="c").stdout
    found = {tuple(line.split("|")) for line in columns.split()}
    assert found == {("val", "1"), ("train", "2"), ("test", "0")}


def test_the_ensemble_is_whole_and_its_first_member_was_not_trained_again(project, ensemble):
    folder, done, written = ensemble
    assert "It is trained already" in done.stderr
    assert done.stderr.count("Resuming after epoch") == 1
    assert (folder / "fold_1" / "model.keras").stat().st_mtime_ns == written
    assert not list(project.path.glob(".ensemble*"))
    card = load_card(folder)
    assert [one["name"] for one in card.training["members"]] == ["fold_1", "fold_2"]
    members = [load_card(folder / name) for name in card.members]
    assert [one.training["fold"] for one in members] == [1, 2]
    assert len({tuple(one.mean) for one in members}) == 2
    layers = [description_of(weights_file(folder / name)) for name in card.members]
    names = [re.findall(r'"name": "([^"]*)"', one) for one in layers]
    assert names[0] == names[1]
    lines = done.stdout.splitlines()
    assert "out of fold" in lines[0] and "test" in lines[0]
    rows = {line[:18].strip(): line[18:].split() for line in lines[2:8]}
    told = [members[1].training["validation"][name] for name in ("overall_accuracy", "mean_iou")]
    assert [float(rows["fold_2"][place]) for place in (0, 3)] == pytest.approx(told, abs=1e-4)
    assert float(rows["ensemble"][4]) == pytest.approx(card.test["overall_accuracy"], abs=1e-4)
    assert card.test["overall_accuracy"] > 0.8


def entropy(shares):
    return -(shares * np.log(shares)).sum(axis=-1) / np.log(shares.shape[-1])


def test_the_maps_are_the_mean_of_the_networks_and_how_they_disagree(project, ensemble):
    folder, *_ = ensemble
    second = load_card(folder / "fold_2")
    save_card(replace(second, temperature=2.0), folder / "fold_2")
    outputs = {"output": "classes", "probabilities": "p", "disagreement": "apart"}
    project.run("i.dl.predict", input="red,nir", model=folder, tile_size=64, **outputs)
    values = np.ma.dstack([project.read_raster(name) for name in ("red", "nir")])
    null = np.ma.getmaskarray(values).any(axis=-1)
    parts = []
    for number in (1, 2):
        member = folder / f"fold_{number}"
        filled = np.where(null[..., None], np.float32(load_card(member).mean), values.data)
        given = np.asarray(load_network(member)(filled[None].astype(np.float32)))[0]
        parts.append(tempered(given, 2.0 if number == 2 else 1.0))
    mean = np.mean(parts, axis=0)
    apart = entropy(mean) - np.mean([entropy(one) for one in parts], axis=0)
    expected = {"p_3": mean[..., 0], "p_5": mean[..., 1], "apart": apart}
    for name, one in expected.items():
        found = project.read_raster(name)
        assert np.array_equal(np.ma.getmaskarray(found), null)
        assert np.abs(found.data - one)[~null].max() < 1e-4
    assert apart[~null].max() > 0.02
    save_card(second, folder / "fold_2")
    info = project.run("r.info", map="apart").stdout
    assert "Mutual information between the members by model ensemble" in info


def test_the_ensemble_is_scored_as_its_card_tells(project, dataset, ensemble):
    folder, *_ = ensemble
    options = {"model": folder, "dataset": dataset.folder, "format": "json"}
    done = project.run("i.dl.evaluate", **options)
    report = json.loads(done.stdout)
    card = load_card(folder)
    assert report["overall_accuracy"] == pytest.approx(card.test["overall_accuracy"])
    assert report["leaks"] == []


def test_folds_that_cannot_be_had_are_refused(project, dataset):
    options = {"input": "red,nir", "labels": "truth", "size": SIZE, "output": project.path / "no"}
    given = {"folds": 90, "block_size": 24}
    words = "36, too few for 90 folds and test, enough for 35 folds"
    fails_with(project.run("i.dl.patches", check=False, **options, **given), words)
    options = {"input": dataset.folder, "output": project.path / "no"}
    result = project.run("i.dl.train", check=False, fold=4, **options)
    fails_with(result, "has the folds 1 to 2, not 4")
    assert not (project.path / "no").exists()
    assert not list(project.path.glob(".no*"))
