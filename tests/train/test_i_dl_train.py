# SPDX-License-Identifier: GPL-2.0-or-later
"""i.dl.train in a GRASS session."""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import time

import numpy as np
import pytest

from grassdl.model.folder import load_card
from grassdl.model.weights import load_network
from grassdl.networks import registry
from grassdl.train.result import record
from one_error import fails_with
from paths import PROGRAMS

TINY = {"filters": 2, "depth": 1, "epochs": 1, "batch_size": 8}
ONE_LAYER = {"network_file": PROGRAMS / "one_layer.py", "filters": "", "depth": ""}
"""For what does not depend on the network: that of TINY takes seconds to compile."""


def train(run, source, output, check=False, **options):
    return run("i.dl.train", check=check, input=source, output=output, **{**TINY, **options})


def leftovers(folder):
    """What lies in the folder but for the GRASS project and the dataset."""
    return sorted({path.name for path in folder.iterdir()} - {"project", "dataset", "absent"})


@pytest.fixture
def without_package(tmp_path, grass_project):
    """An environment in which a Python package is missing, although it is installed."""

    def environment(name):
        folder = tmp_path / "absent"
        folder.mkdir()
        (folder / f"{name}.py").write_text(f"raise ModuleNotFoundError(name={name!r})\n")
        paths = [str(folder), grass_project.environment.get("PYTHONPATH", "")]
        return {"PYTHONPATH": os.pathsep.join(filter(None, paths))}

    return environment


def test_it_writes_a_model_and_prints_its_scores(run, dataset, tmp_path):
    # A comma in the name of an existing folder does not make two of it.
    done = train(run, dataset("north,south"), tmp_path / "model", check=True)
    card = load_card(tmp_path / "model")
    assert (card.network, card.network_options["filters"]) == ("unet", 2)
    assert card.versions["grass"].startswith("8.")
    assert "i.dl.train" in card.command
    lines = done.stdout.splitlines()
    assert lines[0] == f"Test patches: {card.test['pixels']} labelled pixels"
    assert lines[1].split() == ["Overall", "accuracy", f"{card.test['overall_accuracy']:.4f}"]
    assert [line.rsplit(maxsplit=1)[0] for line in lines[5:]] == [
        "F1 of class 3 water",
        "F1 of class 5 bare soil",
        "F1 of class 9 forest",
    ]
    begun, epoch = done.stderr.split("Epoch 1/1: loss")
    assert "Starting Keras" in begun and "Compiling the network" in begun
    assert "README.md in it describes it, history.png shows" in " ".join(epoch.split())
    call = epoch.splitlines()[-1]
    assert shlex.split(call) == [
        "i.dl.predict", "input=red,nir", f"model={tmp_path / 'model'}", "output=classes",
    ]  # fmt: skip


def test_several_datasets_are_joined(run, dataset, tmp_path):
    folders = [dataset("north", test=0), dataset("south", train=9, test=0)]
    options = {"network": "fcn_dk", "augmentation": "none"}
    done = train(run, folders, tmp_path / "model", check=True, **options)
    card = load_card(tmp_path / "model")
    assert card.training["patches"] == {"train": 33, "val": 16, "test": 0}
    assert card.training["augmentation"] == []
    assert done.stdout == ""
    assert "The model has no scores on test patches" in " ".join(done.stderr.split())


def test_the_interface_is_told_without_keras_and_lists_every_network(
    grass_project, without_package
):
    told = subprocess.run(
        [*grass_project.command("i.dl.train"), "--interface-description"],
        env={**grass_project.environment, **without_package("keras")},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for name in registry.names():
        assert f"<name>{name}</name>" in told
        assert registry.describe(name) in " ".join(told.split())


def test_a_missing_dataset_is_named(run, tmp_path):
    missing = tmp_path / "nowhere"
    fails_with(train(run, missing, tmp_path / "model"), f"Dataset folder <{missing}> not found")
    assert leftovers(tmp_path) == []


def test_a_truncated_dataset_is_refused(run, dataset, tmp_path):
    folder = dataset()
    images = folder / "train" / "images.npy"
    images.write_bytes(images.read_bytes()[:-100])
    fails_with(train(run, folder, tmp_path / "model"), "Dataset is damaged", "images.npy")
    assert leftovers(tmp_path) == []


def test_a_dataset_of_a_newer_format_version_is_refused(run, dataset, tmp_path):
    manifest = dataset() / "dataset.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "version": 99}))
    fails_with(train(run, manifest.parent, tmp_path / "model"), "format version 99", "a newer i.dl")
    assert leftovers(tmp_path) == []


def test_an_existing_output_is_kept_without_overwrite(run, dataset, tmp_path):
    model = tmp_path / "model"
    model.mkdir()
    (model / "model.json").write_text("{}")
    fails_with(train(run, dataset(), model), f"Output <{model}> exists", "--overwrite")
    assert (model / "model.json").read_text() == "{}"


def test_a_folder_that_cannot_be_written_is_named(run, dataset):
    # Even root writes nothing here.
    fails_with(train(run, dataset(), "/proc/model"), "/proc")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"epochs": 0}, "<epochs> must be at least 1"),
        ({"learning_rate": -1}, "<learning_rate> must be above 0"),
        ({"augmentation": "none,flip"}, "augmentation=none cannot be combined"),
        ({"strengths": "zoom:0.1"}, "<zoom>, which is not among the augmentations"),
        ({"network": "nicknet"}, "Network <nicknet> has no option <depth>, only filters"),
        ({"class_weights": "1,2"}, "<class_weights> must be one for each of the 3 classes"),
    ],
)
def test_an_impossible_option_is_refused(run, dataset, tmp_path, wrong, words):
    fails_with(train(run, dataset(), tmp_path / "model", **wrong), words)
    assert leftovers(tmp_path) == []


def test_a_network_file_and_a_recipe_are_taken(run, dataset, tmp_path):
    shutil.copy(PROGRAMS / "one_layer.py", tmp_path / "own.py")
    recipe = {
        "loss": "dice",
        "class_weights": "1,2,3",
        "augmentation": "flip,rotate",
        "strengths": "rotate:10",
        "schedule": "constant",
    }
    options = {"network_file": tmp_path / "own.py", "filters": "", "depth": "", **recipe}
    train(run, dataset(), tmp_path / "model", check=True, **options)
    card = load_card(tmp_path / "model")
    assert (card.network, card.receptive_field) == ("own", 3)
    assert card.training["class_weights"] == [1, 2, 3]
    assert card.training["strengths"] == {"rotate": 10}
    (tmp_path / "own.py").unlink()


@pytest.mark.parametrize(
    ("name", "package"),
    [("tensorflow", "tensorflow"), ("keras", "keras"), ("matplotlib", "matplotlib")],
)
def test_a_missing_package_is_named_with_the_commands_that_install_it(
    run, dataset, tmp_path, without_package, name, package
):
    done = train(run, dataset(), tmp_path / "model", env=without_package(name))
    fails_with(done, f"Missing Python packages: {package}.", "/bin/pip install -r")
    assert leftovers(tmp_path) == []


def stopped_after(grass_project, words, number, session=(), **options):
    """Status, stdout and stderr of a training that a signal hits once it has told some words.

    With `session`, the words of a call of GRASS, it runs in a session of its own.
    """
    command = grass_project.command("i.dl.train", **{**TINY, "patience": 0, **options})
    running = subprocess.Popen(
        [*session, *command],
        env=dict(os.environ) if session else grass_project.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A terminal sends SIGINT to all processes of the job.
        start_new_session=True,
    )
    told = [running.stderr.readline()]
    while words not in told[-1]:
        assert running.poll() is None
        told.append(running.stderr.readline())
    # The process that printed the words is to be gone: what is raised while Python clears it away
    # is lost.
    time.sleep(0.5)
    os.killpg(running.pid, number)
    stdout, stderr = running.communicate(timeout=100)
    return running.returncode, stdout, "".join(told) + stderr


def test_ctrl_c_and_sigterm_write_the_best_epoch_so_far_and_r_goes_on(
    grass_project, dataset, tmp_path
):
    call = {"input": dataset(), "output": tmp_path / "model", "epochs": 10000, **ONE_LAYER}
    # GRASS ends at once and takes the session away from the module, which ends later.
    session = ["grass", str(grass_project.mapset), "--exec"]
    _, stdout, stderr = stopped_after(grass_project, "Epoch 3/", signal.SIGINT, session, **call)
    assert "the best epoch so far makes the model" in " ".join(stderr.split())
    # GRASS itself ends with a traceback.
    assert "i.dl.train.py" not in stderr.split("Interrupted")[-1]
    assert "Overall accuracy" in stdout
    first = load_card(tmp_path / "model").training
    assert first["interrupted"] is True
    assert leftovers(tmp_path) == [".model.run", "model"]

    words = f"Epoch {first['epochs_run'] + 2}/"
    status, stdout, stderr = stopped_after(grass_project, words, signal.SIGTERM, flags="r", **call)
    assert status == 0, stderr
    assert "Overall accuracy" in stdout
    # The signal may have come after the last row of the history and before the state was written.
    told = re.search(r"Resuming after epoch (\d+)", " ".join(stderr.split()))
    assert first["epochs_run"] - int(told[1]) in (0, 1)
    assert "Interrupted by SIGTERM" in " ".join(stderr.split())
    assert "with -r resumes it" in " ".join(stderr.split())
    assert "Traceback" not in stderr
    second = load_card(tmp_path / "model").training
    assert second["interrupted"] is True
    assert second["epochs_run"] > first["epochs_run"]
    assert leftovers(tmp_path) == [".model.run", "model"]

    fails_with(
        grass_project.run("i.dl.train", check=False, flags="r", **{**TINY, **call, "seed": 3}),
        "Cannot resume: option seed (was 1) has changed",
        "leave out -r to start anew",
    )


def test_there_is_nothing_to_resume(run, dataset, tmp_path):
    fails_with(
        train(run, dataset(), tmp_path / "model", flags="r"),
        "There is no unfinished training of",
        "leave out -r",
    )
    assert leftovers(tmp_path) == []


def test_a_trial_without_a_band_makes_a_model_that_asks_for_the_others_only(
    run, dataset, tmp_path, write_raster, read_raster
):
    chosen = {"bands": "nir", "epochs": 2, **ONE_LAYER}
    done = train(run, dataset(), tmp_path / "model", check=True, **chosen)
    card = load_card(tmp_path / "model")
    assert [band.name for band in card.bands] == ["nir"]
    assert "; 1 bands, 3 classes;" in " ".join(done.stderr.split())
    nir = np.random.default_rng(1).integers(0, 2500, (12, 12))
    write_raster("nir", nir, resolution=0.25)
    run("r.semantic.label", map="nir", semantic_label="nir")
    run("g.region", raster="nir")
    run("i.dl.predict", input="nir", model=tmp_path / "model", output="classes")
    answers = load_network(tmp_path / "model").predict(nir[None, ..., None].astype(np.float32))
    assert np.array_equal(read_raster("classes"), card.classes.values[answers[0].argmax(-1)])

    fails_with(
        train(run, tmp_path / "dataset", tmp_path / "other", bands="nir,ndsm"),
        "no band <ndsm>, only red, nir",
    )


def test_a_model_is_trained_on_with_other_bands_and_its_encoder_frozen(run, dataset, tmp_path):
    folder = dataset()
    quick = {"network": "fcn_dk", "depth": 2}
    train(run, folder, tmp_path / "old", check=True, bands="red", **quick)
    options = {"filters": "", "depth": "", "epochs": 2, "flags": "f", "model": tmp_path / "old"}
    options["format"] = "json"
    done = train(run, folder, tmp_path / "new", check=True, **options)
    assert "bands that it lacks: nir" in " ".join(done.stderr.split())
    card = load_card(tmp_path / "new")
    assert card.network_options["filters"] == 2
    assert card.training["parent"]["name"] == "old"
    assert json.loads(done.stdout) == record(card, tmp_path / "new")
    fails_with(
        train(run, folder, tmp_path / "other", model=tmp_path / "old", depth="", network="nicknet"),
        "<network> contradicts model",
    )
    fails_with(train(run, folder, tmp_path / "other", flags="f"), "-f has no effect without model=")
    assert leftovers(tmp_path) == ["new", "old"]
