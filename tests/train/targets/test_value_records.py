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


@pytest.mark.parametrize(("kind", "loss", "activation"), [
    ("classes", "cross_entropy", "softmax"), ("value", "huber", "linear"),
])  # fmt: skip
def test_loss_and_activation_are_the_usual_ones_of_the_target(kind, loss, activation):
    found = settings_of(unset_options("i.dl.train"), kind=kind)
    assert (found.loss, found.activation) == (loss, activation)
    assert settings_of({**unset_options("i.dl.train"), "loss": "mse"}, kind=kind).loss == "mse"
    assert "loss" not in standard_words()
