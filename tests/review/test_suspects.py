# SPDX-License-Identifier: GPL-2.0-or-later
"""Suspects among the labels of a dataset."""

from types import SimpleNamespace

import numpy as np
import pytest

from folded_dataset import write_folds
from grassdl.core.classes import ClassScheme, MapClass
from grassdl.core.patch_classes import PatchClasses
from grassdl.dataset.footprints import FOOTPRINTS_NAME
from grassdl.dataset.patchset import PatchSet
from grassdl.dataset.seen import area_seen
from grassdl.model.ensemble import Member, Model
from grassdl.review import held_out as module
from grassdl.review.held_out import LabelledCells, held_out, leak_warnings
from grassdl.review.suspects import PASSES, find_suspects
from placed_patches import UTM
from reviewed_dataset import AREA, card_of, network, write_areas
from tiny_dataset import BANDS as TINY_BANDS
from tiny_dataset import CLASSES as TINY_CLASSES


def silent(_):
    """Takes no progress."""


@pytest.fixture
def judge(monkeypatch):
    """Lets a function of images stand for every network."""

    def use(predict):
        monkeypatch.setattr(module, "predictor", lambda folder: predict)
        monkeypatch.setattr(Model, "predictor", lambda self: predict)

    return use


def model_of(patch_set, *folds, **changes):
    """A model that was trained on a dataset; with folds an ensemble."""
    own = {"dataset_ids": [patch_set.manifest.dataset_id], **changes}
    cards = [card_of(training={"fold": fold}, **own) for fold in folds] or [card_of(**own)]
    members = tuple(Member(patch_set.folder / f"fold_{n}", one) for n, one in enumerate(cards))
    return Model(members, card_of(**own))


def test_planted_wrong_labels_are_found(tmp_path, judge):
    """5 % of the areas have a wrong label; the network is wrong in a tenth of all cells."""
    planted = write_areas(tmp_path / "data", edge=20, wrong=20)
    patch_set = PatchSet.open(tmp_path / "data")
    judge(network(mistaken=0.15))
    done = []
    parts = held_out(model_of(patch_set), [patch_set])
    found = find_suspects(parts, minsize=4, progress=done.append)
    assert done[-1] == PASSES * sum(map(len, parts)) == PASSES * 100
    right = {
        place
        for one in found[: len(planted)]
        if planted.get(place := tuple((one.cells[0] // AREA).tolist()))
        == (one.given, one.suggested)
    }
    # As many as were planted are looked at: their share is precision and recall in one.
    assert len(right) >= 0.9 * len(planted)
    assert all(len(one.cells) >= 4 for one in found)
    assert [one.doubt for one in found] == sorted((one.doubt for one in found), reverse=True)
    assert 0.7 < found[0].confidence < 0.8


def test_an_area_across_the_border_of_two_patches_is_one_suspect(tmp_path, judge):
    write_areas(tmp_path / "data", edge=4, wrong=0)
    patch_set = PatchSet.open(tmp_path / "data")

    def water_around_the_middle(images):
        probabilities = network(mistaken=0)(images)
        # The last column of the first patch and the first one of the second.
        probabilities[0, 4:8, -1], probabilities[1, 4:8, 0] = [0, 0, 1], [0, 0, 1]
        return probabilities

    judge(water_around_the_middle)
    given = patch_set.arrays("val")[1][[0, 1], [4, 4], [15, 0]]
    found = find_suspects(held_out(model_of(patch_set), [patch_set])[:1], 1, silent)
    cells = sorted(tuple(cell) for one in found for cell in one.cells.tolist())
    expected = [(row, 15 + col) for row in range(4, 8) for col in (0, 1) if given[col] != 2]
    assert cells == expected
    assert len(found) == len(set(given.tolist()) - {2})


def test_nothing_is_suspected_where_the_network_agrees(tmp_path, judge):
    write_areas(tmp_path / "data", edge=4, wrong=0)
    patch_set = PatchSet.open(tmp_path / "data")
    judge(network(mistaken=0))
    assert find_suspects(held_out(model_of(patch_set), [patch_set]), 1, silent) == []


def test_one_cell_is_a_suspect_where_labels_are_of_patches():
    given = np.arange(20) % 2
    probabilities = np.eye(2, dtype=np.float32)[given] * 0.8 + 0.1
    probabilities[3] = probabilities[3, ::-1]
    places = 16 * np.arange(20)
    cells = LabelledCells(20, 0, places, places, given, probabilities)

    def found(target):
        part = SimpleNamespace(
            card=card_of(target=target), predictor=lambda: None, cells=lambda predict: [cells]
        )
        return find_suspects([part], 10, silent)

    classes = ClassScheme([MapClass(value, "", "1:2:3") for value in (1, 2)])
    assert [one.cells.tolist() for one in found(PatchClasses(classes))] == [[[48, 48]]]
    assert found(classes) == []


def test_each_network_of_an_ensemble_judges_the_fold_that_it_has_not_learnt_from(tmp_path):
    patch_set = PatchSet.open(write_folds(tmp_path / "data"))
    changes = {"bands": TINY_BANDS, "mean": [1.0, 1.0], "target": TINY_CLASSES}
    parts = held_out(model_of(patch_set, 1, 2, 3, **changes), [patch_set])
    # Of ten patches three, three and four are in a fold; two are for the test of all.
    assert [len(one) for one in parts] == [4, 3, 3, 2]
    rows = np.concatenate([one.positions[0][:, 0] for one in parts])
    assert sorted(rows.tolist()) == list(range(0, 12 * 16, 16))
    assert isinstance(parts[-1].source, Model)


def test_a_dataset_of_training_patches_only_is_refused(tmp_path):
    write_areas(tmp_path / "data", edge=4, wrong=0, splits=("train", "train"))
    patch_set = PatchSet.open(tmp_path / "data")
    with pytest.raises(ValueError, match="neither validation nor test patches"):
        held_out(model_of(patch_set), [patch_set])


def test_a_dataset_that_does_not_record_where_its_patches_lie_is_refused(tmp_path):
    write_areas(tmp_path / "data", edge=4, wrong=0)
    (tmp_path / "data" / FOOTPRINTS_NAME).unlink()
    patch_set = PatchSet.open(tmp_path / "data")
    with pytest.raises(ValueError, match="patches.gpkg is missing"):
        held_out(model_of(patch_set), [patch_set])


def test_labels_of_no_class_of_the_model_are_refused(tmp_path, judge):
    write_areas(tmp_path / "data", edge=4, wrong=0)
    patch_set = PatchSet.open(tmp_path / "data")
    judge(network(mistaken=0))
    others = ClassScheme([MapClass(value, "", "1:2:3") for value in (11, 12, 13)])
    parts = held_out(model_of(patch_set, target=others), [patch_set])
    with pytest.raises(ValueError, match="there is no label to suspect"):
        find_suspects(parts, 1, silent)


def test_a_dataset_of_other_cells_than_the_models_is_refused_by_name(tmp_path):
    write_areas(tmp_path / "data", edge=4, wrong=0)
    patch_set = PatchSet.open(tmp_path / "data")
    told = "trained on cells of 0.5, dataset <.*data> has cells of 0.25: use 'g.region -a res=0.5'"
    with pytest.raises(ValueError, match=told):
        held_out(model_of(patch_set, resolution=(0.5, 0.5)), [patch_set])


def test_patches_on_ground_that_the_model_was_trained_on_are_reported(tmp_path):
    write_areas(tmp_path / "trained", edge=4, wrong=0, crs=UTM, splits=("train", "train"))
    write_areas(tmp_path / "data", edge=4, wrong=0, crs=UTM)
    other, patch_set = (PatchSet.open(tmp_path / name) for name in ("trained", "data"))
    model = model_of(other, areas=[area_seen(other)])
    lines = leak_warnings(held_out(model, [patch_set]))
    assert [line.split(" (")[0] for line in lines] == [
        f"2 of 2 {split} patches of dataset data lie where model <small> was trained"
        for split in ("val", "test")
    ]
    assert (
        leak_warnings(held_out(model_of(patch_set, areas=[area_seen(patch_set)]), [patch_set]))
        == []
    )
