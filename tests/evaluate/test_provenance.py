# SPDX-License-Identifier: GPL-2.0-or-later
"""The card of the model that made a map, found by the map's history."""

import shutil

import pytest

from grassdl.evaluate.provenance import describe, with_model
from grassdl.model.folder import save_card
from scored_model import card_of


@pytest.fixture
def folder(tmp_path):
    """A model folder with a blank in its name."""
    folder = tmp_path / "my model"
    folder.mkdir()
    save_card(card_of(), folder)
    return folder


def metadata(folder, quote='"', **changes):
    call = f"i.dl.predict input=a,b {quote}model={folder}{quote} output=classes"
    told = {
        "source1": "model small, unet",
        "source2": "dataset 0123456789ab",
        "comments": call,
    }
    return {**told, **changes}


@pytest.mark.parametrize("form", ['model="{}"', "model='{}'", '"model={}"', "'model={}'"])
def test_the_card_stands_behind_the_metadata(folder, form):
    told = metadata(folder, comments=f"i.dl.predict input=a,b {form.format(folder)} output=c -a")
    rest = {"comments": told["comments"]}
    titled = told | {"title": "Classification by model small, unet"}
    assert with_model(titled)[0] == rest | describe(card_of())
    assert with_model(told | {"title": "My map"})[0]["title"] == "My map"
    assert with_model(told) == (rest | describe(card_of()), None)
    assert with_model(told)[0]["bands"] == "a, b"


def test_the_training_is_told_in_words():
    training = {
        "network": "unet",
        "network_options": {"filters": 4, "depth": 2},
        "learning_rate": 0.002,
        "augmentation": ["flip", "rotate90"],
        "strengths": {},
        "freeze": False,
        "batch_norm": True,
        "patches": {"train": 192, "val": 32},
        "pixels": {"train": [1, 2], "val": [3, 4]},
        "best_epoch": 3,
        "seconds": 6000.0,
        "best": {"epoch": 3},
        "parent": {"name": "old", "areas": []},
        "leaks": [],
    }
    assert describe(card_of(training=training))["training"] == (
        "network options filters 4, depth 2; learning rate 0.002; augmentation flip, rotate90; "
        "batch norm yes; patches train 192, val 32; best epoch 3; duration 1.7 h; parent old"
    )


def test_a_plain_path_ends_at_the_next_option(folder):
    plain = folder.with_name("plain")
    shutil.copytree(folder, plain)
    assert with_model(metadata(plain, quote=""))[0]["model"] == "small"


def test_a_folder_that_is_gone_leaves_the_metadata_alone(folder):
    told = metadata(folder)
    shutil.rmtree(folder)
    assert with_model(told) == (told, None)


@pytest.mark.parametrize("changes", [{"name": "other"}, {"dataset_ids": ["fedcba9876543210"]}])
def test_a_folder_that_holds_another_model_now_leaves_the_metadata_alone(folder, changes):
    save_card(card_of(**changes), folder)
    told = metadata(folder)
    assert with_model(told) == (told, None)


@pytest.mark.parametrize(
    "name, reason",
    [
        ("x" * 5000, "File name too long"),
        ("damaged", "cannot be read"),
        ("~nobody-of-that-name/model", "home directory"),
        ("loop", "Too many levels of symbolic links"),
    ],
)
def test_a_model_that_cannot_be_read_is_told_in_one_line(folder, name, reason):
    path = name if name.startswith("~") else folder.with_name(name)
    if name == "damaged":
        path.mkdir()
        (path / "model.json").write_text('{"format": "i.dl')
    elif name == "loop":
        path.symlink_to(path)
    told = metadata(path)
    found, problem = with_model(told)
    assert found == {**told, "model": problem}
    assert problem.startswith("The model <")
    assert reason in problem
    assert len(problem) < 300
    assert "\n" not in problem


def test_a_history_with_an_open_quote_names_no_model(folder):
    told = metadata(folder, comments='i.dl.predict input=a "model=some output=c')
    assert with_model(told) == (told, None)


@pytest.mark.parametrize("comments", ["", "r.mapcalc expression=c = 1", "i.dl.predict input=a"])
def test_maps_of_other_modules_have_no_card(folder, comments):
    told = metadata(folder, comments=comments)
    assert with_model(told) == (told, None)
