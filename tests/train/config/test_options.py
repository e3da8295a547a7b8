# SPDX-License-Identifier: GPL-2.0-or-later
"""The words of i.dl.train's options as settings."""

import json
import re
from dataclasses import fields
from pathlib import Path

import pytest

from grassdl.model.card import ModelCard
from grassdl.model.folder import save_card
from grassdl.train.config.options import settings_of, standard_words
from grassdl.train.config.settings import Settings
from model_cards import card_of
from paths import CHECKOUT
from tiny_dataset import BANDS, CLASSES

SCRIPT = CHECKOUT / "i.dl.train" / "i.dl.train.py"


def standard():
    """What the parser gives if only datasets and output are named."""
    blocks = re.findall(r"^# % option.*?^# % end", SCRIPT.read_text(), re.MULTILINE | re.DOTALL)
    options = {}
    for block in blocks:
        key = re.search(r"^# % key: (\w+)$", block, re.MULTILINE)
        answer = re.search(r"^# % answer: (.*)$", block, re.MULTILINE)
        options[key[1] if key else "nprocs"] = answer[1] if answer else ""
    return options


def test_without_options_the_settings_are_the_standard_ones():
    assert settings_of(standard()) == Settings()


def test_the_standard_words_are_those_of_the_module():
    assert standard_words() == {
        name: words for name, words in standard().items() if words and name != "format"
    }


def test_words_become_numbers_lists_and_names():
    given = {
        "network": "dilated",
        "filters": "8",
        "kernel": "5,3",
        "dilations": "1,2",
        "class_weights": "1,2.5,0",
        "augmentation": "flip,rotate,noise",
        "strengths": "rotate:180,noise:0.05",
        "label_smoothing": "0.1",
        "schedule": "plateau",
        "optimizer": "sgd",
    }
    assert settings_of({**standard(), **given}) == Settings(
        network="dilated",
        network_options={"filters": 8, "kernel": (5, 3), "dilations": (1, 2)},
        class_weights=(1, 2.5, 0),
        augmentation=("flip", "rotate", "noise"),
        strengths={"rotate": 180, "noise": 0.05},
        label_smoothing=0.1,
        schedule="plateau",
        optimizer="sgd",
    )


def test_no_setting_is_out_of_reach():
    told = {"network_options", "freeze"} | set(standard())
    assert {one.name for one in fields(Settings)} <= told


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"augmentation": "none,flip"}, "augmentation=none cannot be combined"),
        ({"augmentation": "flip,zoom,flip"}, "<augmentation> has <flip> twice: name it once"),
        ({"strengths": "flip:0.1,flip:0.2"}, "<strengths> has <flip> twice: name it once"),
        ({"class_weights": "high"}, "<class_weights> must be none, balanced, sqrt, or one number"),
        ({"class_weights": "balanced,2"}, "found <balanced,2>"),
        ({"class_weights": "1,-2"}, "<class_weights> must not be negative"),
        ({"seed": "1e3"}, "Option seed takes a whole number, not 1e3"),
        ({"epochs": "32.5"}, "Option epochs takes a whole number, not 32.5"),
        ({"filters": "8.5"}, "Option filters takes a whole number, not 8.5"),
        ({"dilations": "1,x"}, "Option dilations takes a whole number, not x"),
        ({"learning_rate": "nan"}, "Option learning_rate takes a number, not nan"),
        ({"strengths": "flip"}, "<strengths> must be like rotate:180"),
        ({"strengths": "flip:often"}, "<strengths> must be like rotate:180"),
        ({"strengths": "zoom:0.1"}, "<zoom>, which is not among the augmentations"),
        ({"label_smoothing": "1"}, "<label_smoothing> must be at least 0 and below 1"),
        (
            {"label_smoothing": "0.1", "loss": "focal"},
            "loss=focal does not support <label_",
        ),
        ({"network_file": "own.py", "filters": "8"}, "<filters> has no effect with <network_file>"),
        (
            {"network_file": "own.py", "activation": "sigmoid"},
            "<activation> has no effect with <network_file>",
        ),
    ],
)
def test_what_is_impossible_is_named(wrong, words):
    with pytest.raises(ValueError, match=words):
        settings_of({**standard(), **wrong})


@pytest.mark.parametrize("name", ["loss", "optimizer", "schedule", "precision", "activation"])
def test_an_unknown_name_is_refused_with_the_known_ones(name):
    with pytest.raises(ValueError, match=f"<{name}> must be one of .*found <best>"):
        settings_of({**standard(), name: "best"})


@pytest.fixture
def model(tmp_path):
    """Writes the card of a model of some network, and returns its folder."""

    def write(network="dilated", options=None, **training):
        card = ModelCard(
            name="old",
            network=network,
            network_options=options or {"filters": 8, "depth": 6, "dilations": [1, 2]},
            bands=BANDS,
            mean=[0, 0],
            deviation=[1, 1],
            target=CLASSES,
            resolution=(1, 1),
            size=16,
            parameters=1,
            stride=1,
            halo=1,
            receptive_field=1,
            training=training,
            dataset_ids=[],
            versions={},
            test=None,
            command="",
        )
        save_card(card, tmp_path)
        return str(tmp_path)

    return write


def test_the_model_to_start_from_tells_network_and_options(model):
    folder = model(activation="sigmoid")
    chosen = settings_of({**standard(), "model": folder}, freeze=True)
    options = {"filters": 8, "depth": 6, "dilations": (1, 2)}
    assert chosen == Settings("dilated", None, options, "sigmoid", model=folder, freeze=True)
    same = {"network": "dilated", "filters": "8", "dilations": "1,2", "activation": "softmax"}
    assert settings_of({**standard(), "model": folder, **same}).activation == "softmax"


@pytest.mark.parametrize(
    "other",
    [{"network": "unet"}, {"filters": "4"}, {"dilations": "1"}, {"network_file": "own.py"}],
)
def test_another_network_than_that_of_the_model_is_refused(model, other):
    with pytest.raises(ValueError, match=f"<{next(iter(other))}> contradicts model"):
        settings_of({**standard(), "model": model(), **other})


def test_no_file_is_executed_because_a_model_names_it(model):
    given = {**standard(), "model": model("own", {}, network_file="/stranger/own.py")}
    with pytest.raises(ValueError, match="built by a file: name it with network_file="):
        settings_of(given)
    assert settings_of({**given, "network_file": "own.py"}).network_file == "own.py"


def test_a_model_of_a_newer_version_is_refused(model):
    card = Path(model()) / "model.json"
    card.write_text(json.dumps({**json.loads(card.read_text()), "version": 99}))
    with pytest.raises(ValueError, match="format version 99, this i.dl reads .* install a newer"):
        settings_of({**standard(), "model": str(card.parent)})


def test_an_encoder_starts_from_imagenet_unless_told_otherwise():
    lite0 = {**standard(), "encoder": "efficientnet_lite0"}
    chosen = settings_of(lite0, freeze=True)
    assert chosen.network_options == {"encoder": "efficientnet_lite0"}
    assert (chosen.encoder_weights, chosen.freeze) == ("imagenet", True)
    assert settings_of({**lite0, "encoder_weights": "none"}).encoder_weights == "none"
    hypercolumn = settings_of({**standard(), "network": "hypercolumn"})
    assert (hypercolumn.encoder_weights, hypercolumn.encoder) == ("imagenet", "efficientnet_lite0")
    deeplab = {**standard(), "network": "deeplabv3plus"}
    assert settings_of(deeplab).encoder_weights == "none"
    file = settings_of({**deeplab, "encoder_weights": "weights.h5"})
    assert (file.encoder_weights, file.encoder) == ("weights.h5", "resnet50")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"encoder": "vgg"}, "There is no encoder <vgg>, only efficientnet_lite0, "),
        ({"encoder_weights": "imagenet"}, "no effect with network <unet> without <encoder>"),
        ({"network": "segnet", "encoder_weights": "imagenet"}, "no effect with network <segnet>"),
        (
            {"network_file": "own.py", "encoder": "resnet50"},
            "<encoder> has no effect with <network_file>",
        ),
        (
            {"network_file": "own.py", "encoder_weights": "imagenet"},
            "no effect with network <own> without <encoder>",
        ),
        (
            {"encoder": "mobilenetv2", "encoder_weights": "w.h5", "model": "model"},
            "<encoder_weights> has no effect with <model>",
        ),
    ],
)
def test_encoder_options_that_lead_nowhere_are_refused(given, message, monkeypatch):
    monkeypatch.setattr(
        "grassdl.train.config.options.load_network_card",
        lambda folder: card_of(network_options={"encoder": "mobilenetv2"}),
    )
    with pytest.raises(ValueError, match=message):
        settings_of({**standard(), **given})
    if given.keys() == {"encoder_weights"}:
        with pytest.raises(ValueError, match="-f has no effect without model= or encoder_weights="):
            settings_of(standard(), freeze=True)
