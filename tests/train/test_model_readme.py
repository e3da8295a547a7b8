# SPDX-License-Identifier: GPL-2.0-or-later
"""`README.md` of a model folder, as text."""

import pytest

from grassdl.core.bands import NDVI
from grassdl.core.classes import ClassScheme, MapClass
from grassdl.core.markdown import aligned_table, escaped
from grassdl.train.ensemble_scores import summary
from grassdl.train.model_readme import readme
from model_cards import TRAINING, card_of, derived, mapped


def test_a_table_is_aligned_in_its_source_too():
    lines = aligned_table(["Name", "Value"], [("a|b", 1), ("long name", 1234567.0)]).splitlines()
    assert lines == [
        "| Name      |     Value |",
        "| --------- | --------: |",
        "| a\\|b      |         1 |",
        "| long name | 1.235e+06 |",
    ]


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("a|b", "a\\|b"),
        ("<b>&amp;", "\\<b\\>\\&amp;"),
        ("two\nlines", "two lines"),
        ("*_`[x](y)", "\\*\\_\\`\\[x\\](y)"),
        ("Wälder", "Wälder"),
    ],
)
def test_labels_cannot_break_the_page(text, safe):
    assert escaped(text) == safe


def test_the_bands_are_told_in_order_with_units_origin_and_ranges():
    lines = [line.split("|") for line in readme(card_of()).splitlines() if "height above" in line]
    assert [one.strip() for one in lines[0][1:-1]] == [
        "3", "ndsm", "height above ground, dsm - dtm", "m", "0.5", "float32", "3", "2.5", "-1", "31"
    ]  # fmt: skip


def test_every_heading_stands_between_empty_lines():
    lines = readme(card_of()).splitlines()
    headings = [place for place, line in enumerate(lines) if line.startswith("## ")]
    assert len(headings) > 5
    assert {lines[place - 1] + lines[place + 1] for place in headings} == {""}


def test_the_call_names_what_the_model_needs():
    text = readme(card_of())
    assert "g.region -a raster=MAP res=0.5" in text
    assert "i.dl.predict input=red,nir dsm=DSM dtm=DTM model=suburb output=classes" in text


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ({"red": "red@P", "nir": "nir@P"}, "input=red,nir model="),
        ({"red": "b1@P", "nir": "b2@P"}, "input=red,nir red=RED nir=NIR model="),
    ],
)
def test_red_and_near_infrared_are_asked_for_only_if_no_bands_are(source, words):
    bands = [mapped("red"), mapped("nir"), derived(NDVI, source, "")]
    assert f"i.dl.predict {words}" in readme(card_of(bands=bands))


def test_names_that_would_break_the_call_are_not_in_it():
    card = card_of(name="my model; rm", bands=[mapped("a b"), mapped("nir"), mapped("red")])
    assert "i.dl.predict input=MAP,nir,red model=FOLDER output=classes" in readme(card)


def test_areas_scores_and_versions_are_told():
    text = " ".join(readme(card_of()).split())
    assert "| 0123456789ab | WGS 84 / UTM zone 16N | 4400000.5 | 4399000 | 701000 |" in text
    assert "| Overall accuracy | 0.9000 |" in text
    assert "| Kappa | undefined |" in text
    assert "| 7 | bare soil | 0.0000 | 0.0000 | undefined | undefined | 1 |" in text
    assert "| keras | 3.15.1 |" in text
    assert "trained on 2026-11-21" in text


def test_a_model_to_begin_with_and_an_interruption_are_told_only_where_there_were_any():
    words = ["It began with the weights of model old\\_one.", "It was interrupted"]
    training = {**TRAINING, "parent": {"name": "old_one"}, "interrupted": True}
    assert all(one in readme(card_of(training=training)) for one in words)
    usual = {**TRAINING, "parent": None, "interrupted": False}
    assert not any(one in readme(card_of(training=usual)) for one in words)


def test_an_ensemble_names_the_teacher_of_its_members():
    each = [{"name": name, "validation": None, "test": None} for name in ("seed_1", "seed_2")]
    told = {"members": each, "summary": summary(each), "validated_on": "validation"}
    taught = {"name": "big", "networks": 3}
    text = readme(card_of(members=["seed_1", "seed_2"], training={**told, "teacher": taught}))
    assert "\nEach also learned the probabilities of model big (3 networks).\n" in text
    assert "Each" not in readme(card_of(members=["seed_1", "seed_2"], training=told))


def test_a_class_that_was_never_seen_is_a_limit():
    assert "- Class 7 bare soil had no training pixel" in readme(card_of())
    seen = {**TRAINING, "pixels": {"train": [70, 1], "val": [8, 2], "test": [9, 1]}}
    assert "had no training pixel" not in readme(card_of(training=seen))


def test_a_network_that_looks_at_the_whole_image_is_a_limit():
    assert "blended tiles" in readme(card_of(halo=None, receptive_field=None))
    assert "blended tiles" not in readme(card_of())


def test_a_command_cannot_leave_its_block():
    text = readme(card_of(command="i.dl.train ```\n# Title"))
    assert "\n# Title" not in text and "i.dl.train ''' # Title" in text


def test_labels_of_strangers_stay_in_their_cell():
    scheme = ClassScheme([MapClass(2, "a|b<script>", "1:2:3"), MapClass(7, "c", "4:5:6")])
    assert "a\\|b\\<script\\>" in readme(card_of(target=scheme))
