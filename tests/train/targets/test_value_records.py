# SPDX-License-Identifier: GPL-2.0-or-later
"""What a training of values keeps between epochs, and which options go with it."""

import numpy as np
import pytest

from grassdl.train.config.options import settings_of, standard_words
from grassdl.train.resume.checkpoint import State
from option_words import unset_options

ROW = {
    "epoch": 1, "loss": 0.5, "val_loss": 0.6, "rmse": 2.0, "val_rmse": 2.5, "r2": 0.4,
    "val_r2": None, "learning_rate": 0.01, "seconds": 1.5,
}  # fmt: skip


def test_the_figures_of_an_epoch_outlive_a_kill(tmp_path):
    State([ROW], {"value": -2.5, "epoch": 1, "waited": 0}, network=[np.ones(2)]).save(
        tmp_path / "s"
    )
    assert State.load(tmp_path / "s").rows == [ROW]


@pytest.mark.parametrize(
    ("kind", "loss", "activation", "other"),
    [("classes", "cross_entropy", "softmax", "focal"), ("value", "huber", "linear", "mae")],
)
def test_loss_and_activation_are_the_usual_ones_of_the_target(kind, loss, activation, other):
    found = settings_of(unset_options("i.dl.train"), kind=kind)
    assert (found.loss, found.activation) == (loss, activation)
    assert settings_of({**unset_options("i.dl.train"), "loss": other}, kind=kind).loss == other
    assert "loss" not in standard_words()


@pytest.mark.parametrize(
    ("kind", "options", "words"),
    [
        ("classes", {"loss": "huber"}, "loss=huber is not for classes"),
        (
            "value",
            {"loss": "focal"},
            "loss=focal is not for values, which the input is of: use huber",
        ),
        ("value", {"activation": "sigmoid"}, "which the input is of: leave it out"),
        ("value", {"class_weights": "sqrt"}, "class_weights is for classes"),
        ("value", {"teacher": "m"}, "teacher is for classes"),
    ],
)
def test_options_of_another_target_are_refused(kind, options, words):
    with pytest.raises(ValueError, match=words):
        settings_of({**unset_options("i.dl.train"), **options}, kind=kind)
