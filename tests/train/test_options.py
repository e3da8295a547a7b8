# SPDX-License-Identifier: GPL-2.0-or-later
"""The words of i.dl.train's options as settings."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from grassdl.train.options import settings_of
from grassdl.train.settings import Settings

SCRIPT = Path(__file__).resolve().parents[2] / "i.dl.train" / "i.dl.train.py"


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
    told = {"network_options"} | set(standard())
    assert {one.name for one in fields(Settings)} <= told


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"augmentation": "none,flip"}, "augmentation=none does not go together"),
        ({"class_weights": "high"}, "<class_weights> must be none, balanced, sqrt, or one number"),
        ({"class_weights": "balanced,2"}, "found <balanced,2>"),
        ({"class_weights": "1,-2"}, "<class_weights> must not be negative"),
        ({"strengths": "flip"}, "<strengths> must be like rotate:180"),
        ({"strengths": "flip:often"}, "<strengths> must be like rotate:180"),
        ({"strengths": "zoom:0.1"}, "<zoom>, which is not among the augmentations"),
        ({"label_smoothing": "1"}, "<label_smoothing> must be at least 0 and below 1"),
        ({"label_smoothing": "0.1", "loss": "focal"}, "loss=focal knows no <label_smoothing>"),
        ({"network_file": "own.py", "filters": "8"}, "<filters> is of no use with <network_file>"),
        (
            {"network_file": "own.py", "activation": "sigmoid"},
            "<activation> is of no use with <network_file>",
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
