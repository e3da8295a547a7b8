# SPDX-License-Identifier: GPL-2.0-or-later
"""A threshold that is stored in the model decides about the class map of i.dl.predict."""

from collections import defaultdict

import numpy as np
import pytest

from grassdl.core.classes import ClassScheme
from grassdl.model.folder import save_card
from grassdl.predict.settings import Settings
from scored_model import GRASS, ROOF, WATER, card_of

ROOFS = np.linspace(0, 0.9, 12) * np.ones((12, 1))
"""Probability of roof: 0, 0.08, 0.16, 0.25, 0.33, 0.41, 0.49, 0.57, ..."""


@pytest.fixture
def model(run, write_raster, tmp_path):
    """A model of which the card alone is needed, with a threshold of 0.3."""
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "model.keras").write_bytes(b"weights")
    save_card(card_of(threshold=0.3), folder)
    write_raster("p_5", ROOFS.astype(np.float32))
    write_raster("p_2", (1 - ROOFS).astype(np.float32))
    return folder


def test_the_threshold_of_the_model_decides_and_stands_in_the_history(run, read_raster, model):
    run("i.dl.predict", model=model, probabilities="p", output="stored")
    assert np.array_equal(read_raster("stored"), np.where(ROOFS >= 0.3, 5, 2))
    assert "class 5 roof from 0.3 on" in run("r.info", flags="h", map="stored").stdout


def test_the_settings_take_the_threshold_of_two_classes_unless_another_is_given():
    options = defaultdict(str)
    options |= {"nprocs": "0", "memory": "300", "engine": "auto", "precision": "float32"}
    options |= {"segment_method": "mean", "segment_margin": "0"}
    flags = {"a": False, "r": False}
    two = Settings.from_options(options, flags, card_of(threshold=0.3))
    assert two.threshold == 0.3 and two.fingerprint()["option threshold"] == "0.3"
    three = card_of(threshold=0.3, target=ClassScheme([GRASS, ROOF, WATER]))
    assert Settings.from_options(options, flags, three).threshold is None
    given = defaultdict(str, {**options, "threshold": "0.5"})
    assert Settings.from_options(given, flags, card_of(threshold=0.3)).threshold == 0.5
