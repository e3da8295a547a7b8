# SPDX-License-Identifier: GPL-2.0-or-later
"""`model.json`: a valid STAC item that holds the whole card."""

import json
from dataclasses import replace

import pytest

from grassdl.core.bands import NDSM
from grassdl.core.classes import ClassScheme, MapClass
from grassdl.model.folder import load_card, save_card
from model_cards import TRAINING, card_of, derived
from stac_check import check, stac_errors


def saved(card, folder):
    save_card(card, folder)
    return json.loads((folder / "model.json").read_text())


def test_the_card_of_a_model_is_a_valid_item(tmp_path):
    item = saved(card_of(), tmp_path)
    check(item)
    assert (item["type"], item["stac_version"]) == ("Feature", "1.1.0")
    assert item["bbox"] == [-84.5, 39.5, -84.2, 39.8]
    assert item["properties"]["datetime"] == "2026-11-21T10:00:00Z"


def test_the_item_gives_back_the_whole_card(tmp_path):
    card = card_of()
    save_card(card, tmp_path)
    assert load_card(tmp_path) == card


def test_a_teacher_is_no_hyperparameter_and_its_areas_are_seen(tmp_path):
    card = card_of()
    taught = {"name": "big", "sha256": "0" * 64, "networks": 2, "areas": card.areas}
    training = {**TRAINING, "teacher": taught}
    item = saved(replace(card, training=training, areas=[]), tmp_path)
    assert "teacher" not in item["properties"]["mlm:hyperparameters"]
    assert load_card(tmp_path).seen_areas == card.areas


@pytest.mark.parametrize("source", ["parent", "teacher"])
@pytest.mark.parametrize("wrong", ["big", {"areas": []}, {"name": "a", "sha256": "b", "areas": 3}])
def test_a_model_that_was_learnt_from_and_is_none_is_refused(tmp_path, source, wrong):
    item = saved(card_of(), tmp_path)
    item["properties"]["idl:training"][source] = wrong
    (tmp_path / "model.json").write_text(json.dumps(item))
    with pytest.raises(ValueError, match="damaged model.json"):
        load_card(tmp_path)


def test_a_card_that_knows_no_histograms_comes_back_without(tmp_path):
    item = saved(card_of(histograms=[]), tmp_path)
    assert "histogram" not in item["properties"]["idl:bands"][0]
    assert load_card(tmp_path).histograms == []


def test_a_histogram_that_there_cannot_be_is_refused(tmp_path):
    odd = {"width": 3.0, "start": 0.0, "counts": [1]}
    save_card(card_of(histograms=[odd] * 3), tmp_path)
    with pytest.raises(ValueError, match="damaged model.json .a histogram has no bins of 3"):
        load_card(tmp_path)


def test_the_item_tells_the_input_as_raw_values_in_the_order_of_the_bands(tmp_path):
    properties = saved(card_of(), tmp_path)["properties"]
    (image,) = properties["mlm:input"]
    assert image["bands"] == ["red", "nir", "ndsm"]
    assert image["input"]["shape"] == [-1, -1, -1, 3]
    # The network normalises by itself: who scaled the values would do so twice.
    assert image["value_scaling"] is None
    assert properties["bands"][2] == {
        "name": "ndsm",
        "data_type": "float32",
        "unit": "m",
        "statistics": {"mean": 3.0, "stddev": 2.5, "minimum": -1.0, "maximum": 31.0},
    }


def test_the_item_tells_settings_parameters_and_memory(tmp_path):
    properties = saved(card_of(), tmp_path)["properties"]
    assert properties["mlm:hyperparameters"]["learning_rate"] == 0.002
    assert properties["mlm:hyperparameters"]["network_options"] == {"filters": 4}
    assert "seconds" not in properties["mlm:hyperparameters"]
    assert (properties["mlm:total_parameters"], properties["mlm:memory_size"]) == (1000, 4000)
    assert (properties["mlm:pretrained"], properties["mlm:pretrained_source"]) == (False, None)


def test_the_item_tells_the_model_that_training_began_with(tmp_path):
    parent = {"name": "old", "sha256": "ab12", "dataset_ids": ["7"], "new_bands": []}
    item = saved(card_of(training={**TRAINING, "parent": parent}), tmp_path)
    check(item)
    assert item["properties"]["mlm:pretrained"] is True
    assert item["properties"]["mlm:pretrained_source"] == "model old, SHA-256 ab12"


def test_the_test_scores_of_every_class_are_in_the_item(tmp_path):
    scores = saved(card_of(), tmp_path)["properties"]["idl:test"]
    assert [one["f1"] for one in scores["classes"]] == [0.9, None]


@pytest.mark.parametrize(
    "spans, box",
    [
        ([(179.9, 180), (-180, -179.8)], [179.9, -179.8]),
        ([(179.9, 180), (-180, -179.8), (20, 30)], [20, -179.8]),
        ([(-180, 180)], [-180, 180]),
        ([(0, 180), (-180, 0)], [-180, 180]),
    ],
)
def test_a_box_that_holds_180_degrees_ends_in_the_west(tmp_path, spans, box):
    rings = [[[w, 0], [e, 0], [e, 1], [w, 1], [w, 0]] for w, e in spans]
    footprint = {"type": "MultiPolygon", "coordinates": [[ring] for ring in rings]}
    item = saved(card_of(footprint=footprint), tmp_path)
    check(item)
    assert item["bbox"] == [box[0], 0, box[1], 1]


def test_a_model_of_an_unknown_place_is_a_valid_item_without_a_box(tmp_path):
    item = saved(card_of(footprint=None), tmp_path)
    check(item)
    assert item["geometry"] is None
    assert "bbox" not in item


@pytest.mark.parametrize("name", ["7", "a", "Wälder & Wiesen", "_net_", "model-2026.11"])
def test_any_name_of_a_folder_makes_a_valid_item_and_comes_back(tmp_path, name):
    item = saved(card_of(name=name), tmp_path)
    check(item)
    assert item["id"] == name
    assert load_card(tmp_path).name == name


def test_labels_that_are_no_identifiers_make_a_valid_item_and_come_back(tmp_path):
    scheme = ClassScheme([MapClass(2, "Gebäude | Dach", "1:2:3"), MapClass(7, "水", "4:5:6")])
    item = saved(card_of(target=scheme), tmp_path)
    check(item)
    (output,) = item["properties"]["mlm:output"]
    told = [(one["name"], one["description"]) for one in output["classification:classes"]]
    assert told == [("Geb_ude_Dach", "Gebäude | Dach"), ("class_7", "水")]
    assert load_card(tmp_path).classes == scheme


def test_a_release_candidate_of_keras_is_no_version_for_the_item(tmp_path):
    item = saved(card_of(versions={"keras": "3.16.0rc1"}), tmp_path)
    check(item)
    assert "mlm:framework_version" not in item["properties"]
    assert load_card(tmp_path).versions == {"keras": "3.16.0rc1"}


def test_a_model_without_account_of_its_training_is_a_valid_item(tmp_path):
    check(saved(card_of(training={}, ranges=[], areas=[], test=None), tmp_path))


OUTPUT = {
    "name": "classes",
    "tasks": ["semantic-segmentation"],
    "result": {"shape": [-1], "dim_order": ["class"], "data_type": "float32"},
}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"datetime": None}, "is not valid under any of the given schemas"),
        ({"mlm:name": "?"}, "does not match"),
        ({"mlm:tasks": ["guessing"]}, "'guessing' is not one of"),
        ({"mlm:unheard_of": 1}, "'mlm:unheard_of'"),
        ({"mlm:entrypoint": "model"}, "mlm:entrypoint"),
        ({"mlm:output": [{**OUTPUT, "bands": ["class"]}]}, "classes and its axis bands"),
    ],
)
def test_the_check_finds_what_is_wrong(tmp_path, change, words):
    item = saved(card_of(), tmp_path)
    wrong = {**item, "properties": {**item["properties"], **change}}
    assert words in " ".join(stac_errors(wrong))


@pytest.mark.parametrize(
    ("version", "words"),
    [
        (99, "format version 99, this i.dl reads versions 1 to 2: install a newer i.dl"),
        (None, "is damaged: a format version from 1 to 2 is expected, found None"),
    ],
)
def test_another_format_version_is_refused_with_what_to_do(tmp_path, version, words):
    item = saved(card_of(), tmp_path)
    (tmp_path / "model.json").write_text(json.dumps({**item, "version": version}))
    with pytest.raises(ValueError, match=words):
        load_card(tmp_path)


@pytest.mark.parametrize(
    "change",
    [{"idl:halo": -1}, {"idl:resolution": [1, 0]}, {"idl:temperature": -1}, {"idl:bands": 3}],
)
def test_impossible_values_are_refused(tmp_path, change):
    item = saved(card_of(), tmp_path)
    properties = {**item["properties"], **change}
    (tmp_path / "model.json").write_text(json.dumps({**item, "properties": properties}))
    with pytest.raises(ValueError, match="damaged model.json"):
        load_card(tmp_path)


def test_derived_bands_keep_how_they_were_made(tmp_path):
    save_card(card_of(), tmp_path)
    assert load_card(tmp_path).bands[2] == derived(NDSM, {"dsm": "dsm@P", "dtm": "dtm@P"}, "m")
