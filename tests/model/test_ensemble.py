# SPDX-License-Identifier: GPL-2.0-or-later
"""Several networks are one model: one card, the mean of the probabilities, and no mixed ones."""

import json
from dataclasses import replace

import numpy as np
import pytest

from grassdl.core.classes import ClassScheme, MapClass
from grassdl.core.patch_classes import PatchClasses
from grassdl.core.target import PATCH
from grassdl.model.card import OnnxRecord, tempered
from grassdl.model.ensemble import Member, joined_card, open_model
from grassdl.model.folder import MODEL_FOLDER, load_card, load_network_card, save_card
from model_cards import card_of
from small_model import DEVIATION, MEAN, plain_band, write_members

BANDS = [plain_band("one"), plain_band("two")]


@pytest.fixture(scope="module")
def ensemble(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "ensemble"
    return folder, write_members(folder, BANDS)


def members_of(tmp_path, *changes):
    """Members with cards that differ in some fields."""
    members = []
    for number, one in enumerate(changes):
        folder = tmp_path / f"model_{number}"
        folder.mkdir()
        save_card(card_of(**one), folder)
        members.append(Member(folder, load_card(folder)))
    return members


def test_an_ensemble_is_known_by_the_members_of_its_card(ensemble):
    folder, networks = ensemble
    assert json.loads((folder / "model.json").read_text())["properties"]["idl:members"] == [
        "fold_1",
        "fold_2",
    ]
    card = open_model(str(folder)).card
    assert (card.name, card.network) == ("ensemble", "2 x unet")
    assert card.parameters == sum(one.count_params() for one in networks)
    assert card.mean == pytest.approx([one + 15 for one in MEAN])
    assert card.deviation == pytest.approx(DEVIATION)


def test_its_probabilities_are_the_mean_of_the_members_each_at_its_temperature(ensemble):
    folder, networks = ensemble
    rng = np.random.default_rng(1)
    images = rng.normal(MEAN, DEVIATION, (2, 16, 16, 2)).astype(np.float32)
    null = rng.random((2, 16, 16)) < 0.1
    parts = []
    for number, (network, temperature) in enumerate(zip(networks, (1, 2), strict=True), start=1):
        own = np.where(null[..., None], np.float32(MEAN) + 10 * number, images)
        parts.append(tempered(np.asarray(network(own)), temperature))
    model = open_model(str(folder))
    images[null] = model.card.fill_values
    found = model.predictor()(images)
    np.testing.assert_allclose(found, np.mean(parts, axis=0), atol=1e-6)
    assert np.abs(parts[0] - parts[1]).mean() > 0.05


def test_folders_named_together_are_an_ensemble_and_members_of_members_are_members(ensemble):
    folder, _ = ensemble
    names = [str(folder / "fold_2"), str(folder / "fold_1")]
    found = open_model(",".join(names))
    assert [str(one.folder) for one in found.members] == names
    assert found.card.name == "fold_2 + fold_1"
    assert open_model(str(folder)).deciding_hash != found.deciding_hash
    with pytest.raises(ValueError, match="fold_1> is named twice"):
        open_model(f"{folder},{folder / 'fold_1'}")


def test_what_decides_changes_with_any_member(ensemble):
    folder, _ = ensemble
    before = open_model(str(folder)).deciding_hash
    card = load_card(folder / "fold_2")
    save_card(replace(card, temperature=3.0), folder / "fold_2")
    changed = open_model(str(folder)).deciding_hash
    save_card(card, folder / "fold_2")
    assert before == open_model(str(folder)).deciding_hash != changed


def test_tiles_of_an_ensemble_suit_all_members(tmp_path):
    facts = [{"stride": 4, "halo": 40}, {"stride": 6, "halo": 36, "receptive_field": 300}]
    card = joined_card("both", members_of(tmp_path, *facts))
    assert (card.stride, card.halo, card.receptive_field) == (12, 48, 300)
    facts = [{}, {"halo": None, "receptive_field": None, "network": "linknet"}]
    (tmp_path / "other").mkdir()
    card = joined_card("both", members_of(tmp_path / "other", *facts))
    assert (card.halo, card.receptive_field) == (None, None)
    assert card.network == "1 x unet, 1 x linknet"


def test_an_ensemble_knows_the_histograms_of_all_trainings_of_its_members_if_each_does(tmp_path):
    both = joined_card("both", members_of(tmp_path, {}, {}))
    assert [one["counts"] for one in both.histograms] == [[6, 0, 4], [2, 8], [4, 6]]
    (tmp_path / "other").mkdir()
    assert (
        joined_card("both", members_of(tmp_path / "other", {}, {"histograms": []})).histograms == []
    )


def test_maps_of_an_imported_and_a_trained_network_tell_file_and_dataset(tmp_path):
    onnx = OnnxRecord("net.onnx", "0" * 64, None, [1.0] * 3, [0.0] * 3, "none")
    imported = {"onnx": onnx, "dataset_ids": [], "halo": None}
    card = joined_card("both", members_of(tmp_path, imported, {}))
    told = "dataset 0123456789ab; ONNX file net.onnx, SHA-256 000000000000"
    assert card.provenance("")["source2"] == told


def bordered(width):
    border = MapClass(7, "bare soil", "2:2:2", border=width)
    return ClassScheme([MapClass(2, "roof", "1:1:1"), border])


def test_objects_of_an_ensemble_grow_over_the_widest_border_of_its_members(tmp_path):
    both = joined_card("both", members_of(tmp_path, *({"target": bordered(one)} for one in (1, 3))))
    assert [one.border for one in both.classes] == [0, 3]


BARE = ClassScheme([MapClass(2, "roof", "1:1:1"), MapClass(8, "bare soil", "2:2:2")])
RENAMED = ClassScheme([MapClass(2, "roof", "1:1:1"), MapClass(7, "sand", "2:2:2")])


@pytest.mark.parametrize(
    "changes, reason",
    [
        ({"bands": card_of().bands[:2]}, "3 bands are expected"),
        ({"bands": card_of().bands[1::-1] + card_of().bands[2:]}, "band 1 is expected to be <red>"),
        ({"target": BARE}, "class values are 2, 7 of one and 2, 8 of the other"),
        ({"target": bordered(2)}, "class 7 bare soil is the border between objects in one"),
        ({"target": RENAMED}, "class 7 is <bare soil> of one and <sand> of the other"),
        ({"resolution": (1.0, 1.0)}, "they were trained on cells of 0.5 and 1"),
    ],
)
def test_members_that_differ_are_refused_in_one_line_that_names_both(tmp_path, changes, reason):
    if "bands" in changes:
        number = len(changes["bands"])
        changes = {**changes, "mean": [1.0] * number, "deviation": [1.0] * number}
        changes["ranges"], changes["histograms"] = [(0, 1)] * number, []
    with pytest.raises(ValueError, match=reason) as error:
        joined_card("both", members_of(tmp_path, {}, changes))
    assert f"<{tmp_path / 'model_0'}> and <{tmp_path / 'model_1'}>" in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["..", "../other", "/etc", "a/b", "", ".hidden"])
def test_a_member_is_a_folder_inside_the_ensemble_whatever_its_card_says(tmp_path, name):
    save_card(card_of(members=["fold_1", name]), tmp_path)
    with pytest.raises(ValueError, match="damaged model.json"):
        open_model(str(tmp_path))


def test_a_member_that_is_missing_or_an_ensemble_itself_is_named(tmp_path):
    save_card(card_of(members=["fold_1"]), tmp_path)
    with pytest.raises(ValueError, match="fold_1> not found"):
        open_model(str(tmp_path))
    (tmp_path / "fold_1").mkdir()
    save_card(card_of(members=["fold_1"]), tmp_path / "fold_1")
    with pytest.raises(ValueError, match="fold_1> of an ensemble is an ensemble itself"):
        open_model(str(tmp_path))


def test_where_one_network_is_needed_an_ensemble_is_refused_and_a_member_named(ensemble):
    folder, _ = ensemble
    with pytest.raises(ValueError, match="is an ensemble.* such as model=.*/ensemble/fold_1"):
        load_network_card(folder)
    assert load_network_card(folder / "fold_1").name == "fold_1"


def test_an_ensemble_is_replaced_but_not_with_a_file_of_the_user_in_a_member(ensemble):
    folder, _ = ensemble
    MODEL_FOLDER.check_replaceable(folder)
    (folder / "fold_1" / "notes.txt").touch()
    with pytest.raises(ValueError, match="notes.txt"):
        MODEL_FOLDER.check_replaceable(folder)
    (folder / "fold_1" / "notes.txt").unlink()


def test_models_of_patches_are_an_ensemble_of_patches_if_these_are_of_one_size(tmp_path):
    target = PatchClasses(card_of().classes)
    one, other = members_of(tmp_path, {"target": target}, {"target": target})
    joined = joined_card("both", [one, other])
    assert joined.target.kind == PATCH
    assert joined.target.is_same(target)
    assert not ClassScheme(target).is_same(target)
    larger = Member(other.folder, replace(other.card, size=2 * other.card.size))
    with pytest.raises(ValueError, match=f"classifies patches of {one.card.size} cells as a whole"):
        joined_card("both", [one, larger])
