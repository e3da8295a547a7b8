# SPDX-License-Identifier: GPL-2.0-or-later
"""Models that earlier programs wrote are read; those of later programs are refused in one line."""

import json
import shutil

import numpy as np
import pytest

from grassdl.model.folder import FORMAT_VERSION, deciding_hash, load_card, save_card
from grassdl.model.migration import STEPS, UNDATED
from grassdl.predict.engines.network_facts import network_and_facts
from paths import EARLIER_FORMATS
from tiny_dataset import BANDS, CLASSES, scene

MODELS = ["model_1_first", "model_1", "model_2_first"]


def test_every_earlier_format_version_has_a_step():
    assert len(STEPS) == FORMAT_VERSION - 1


@pytest.mark.parametrize("name", MODELS)
def test_the_card_of_an_earlier_model_tells_what_prediction_needs(name):
    card = load_card(EARLIER_FORMATS / name)
    assert (card.name, card.network, card.parameters) == ("model", "unet", 519)
    assert card.network_options["filters"] == 2 and card.network_options["depth"] == 1
    assert (card.bands, card.classes) == (BANDS, CLASSES)
    values = scene(2, 1, size=8)[0].reshape(-1, 2)
    assert card.mean == pytest.approx(values.mean(axis=0))
    assert card.deviation == pytest.approx(values.std(axis=0))
    assert (card.resolution, card.size) == ((0.25, 0.25), 8)
    assert (card.stride, card.halo, card.receptive_field) == (2, 8, 18)
    assert (card.temperature, card.training["seed"]) == (1.0, 1)
    assert card.test["pixels"] == 64
    assert card.command == "i.dl.train input=dataset output=model"


@pytest.mark.parametrize("name", MODELS[:2])
def test_what_format_1_does_not_tell_is_said_to_be_unknown(name):
    card = load_card(EARLIER_FORMATS / name)
    assert (card.footprint, card.areas, card.created) == (None, [], UNDATED)
    assert card.ranges == [(None, None), (None, None)]


@pytest.mark.parametrize("name", MODELS)
def test_a_card_that_is_saved_again_has_the_newest_format_version(tmp_path, name):
    card = load_card(EARLIER_FORMATS / name)
    save_card(card, tmp_path)
    assert json.loads((tmp_path / "model.json").read_text())["version"] == FORMAT_VERSION
    assert load_card(tmp_path) == card


def test_the_network_of_an_earlier_model_gives_the_probabilities_it_gave():
    network, facts = network_and_facts(
        EARLIER_FORMATS / "model_1", load_card(EARLIER_FORMATS / "model_1")
    )
    image = np.full((1, 4, 4, 2), (400, 1500), np.float32)
    image[0, 1, 2] = 900, 100
    given = np.asarray(network(image))[0]
    assert given[1, 2] == pytest.approx([0.40114745, 0.30554742, 0.29330504], abs=1e-6)
    assert given[3, 3] == pytest.approx([0.32507652, 0.34228536, 0.33263809], abs=1e-6)
    assert facts.halo == 8


def test_a_model_that_is_brought_up_to_date_decides_as_before(tmp_path):
    shutil.copy(EARLIER_FORMATS / "model_1" / "model.keras", tmp_path)
    save_card(load_card(EARLIER_FORMATS / "model_1"), tmp_path)
    assert deciding_hash(tmp_path) == deciding_hash(EARLIER_FORMATS / "model_1")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"mlm:name": None}, "mlm:name"),
        ({"bands": [1]}, "bands"),
        ({"resolution": "fine"}, "resolution"),
        ({"resolution": [0.25, -1]}, "resolution"),
        ({"temperature": "hot"}, "temperature"),
        ({"classes": []}, "classes"),
        ({"halo": 0.5}, "halo"),
    ],
)
def test_a_damaged_card_of_format_1_is_refused(tmp_path, change, words):
    whole = json.loads((EARLIER_FORMATS / "model_1" / "model.json").read_text())
    (tmp_path / "model.json").write_text(json.dumps({**whole, **change}))
    with pytest.raises(ValueError, match=f"has a damaged model.json .*{words}"):
        load_card(tmp_path)


@pytest.mark.parametrize("field", ["mlm:name", "bands", "resolution", "size", "training"])
def test_a_card_of_format_1_that_lacks_a_field_is_refused(tmp_path, field):
    whole = json.loads((EARLIER_FORMATS / "model_1" / "model.json").read_text())
    del whole[field]
    (tmp_path / "model.json").write_text(json.dumps(whole))
    with pytest.raises(ValueError, match=f"damaged model.json .*missing required field `{field}`"):
        load_card(tmp_path)
