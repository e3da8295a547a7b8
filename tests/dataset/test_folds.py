# SPDX-License-Identifier: GPL-2.0-or-later
"""Folds of a dataset validate in turn; who knows of none reads a dataset like others."""

import json
import sqlite3

import numpy as np
import pytest

from folded_dataset import COUNTS, FOLD_OF_TRAIN, write_folds
from grassdl.dataset.folds import as_trained, fold_of, joined_fold, number_of_folds
from grassdl.dataset.patchset import JoinedPatchSets, PatchSet
from grassdl.dataset.seen import area_seen, leaks, positions_of
from tiny_dataset import BANDS, CLASSES, SIZE, scene, write_dataset

IMAGES = {split: scene(number, seed) for seed, (split, number) in enumerate(COUNTS.items())}


@pytest.fixture(params=["npy", "geotiff"])
def dataset(tmp_path, request):
    return PatchSet.open(write_folds(tmp_path / "dataset", file_format=request.param))


def folded(number):
    """Images and labels of a view, worked out from the scenes."""
    own = np.array(FOLD_OF_TRAIN) == number
    if number == 1:
        return {"train": IMAGES["train"], "val": IMAGES["val"]}
    both = zip(IMAGES["train"], IMAGES["val"], strict=True)
    return {
        "train": tuple(np.concatenate([train[~own], val]) for train, val in both),
        "val": tuple(one[own] for one in IMAGES["train"]),
    }


@pytest.mark.parametrize("number", [1, 2, 3])
def test_one_fold_validates_and_the_others_train(dataset, number):
    view = fold_of(dataset, number)
    manifest = view.manifest
    for split, (images, labels) in folded(number).items():
        found = view.arrays(split)
        assert np.array_equal(found[0][:], images)
        assert np.array_equal(found[1][np.arange(len(labels))[::-1]], labels[::-1])
        assert found[0].shape == images.shape
        assert manifest.counts[split] == len(labels)
        pixels = np.bincount(labels.ravel(), minlength=len(CLASSES))
        assert manifest.pixels[split] == pixels.tolist()
    trained = folded(number)["train"][0].reshape(-1, len(BANDS)).astype(np.int64)
    for place, one in enumerate(manifest.statistics):
        assert one.count == len(trained) and one.total == trained[:, place].sum()
        assert one.deviation == pytest.approx(trained[:, place].std())
    assert np.array_equal(view.arrays("test")[0][:], IMAGES["test"][0])
    assert (view.fold, dataset.fold) == (number, None)


def test_positions_and_areas_are_those_of_the_fold(dataset):
    rows = {number: SIZE * np.flatnonzero(np.array(FOLD_OF_TRAIN) == number) for number in (2, 3)}
    view = fold_of(dataset, 3)
    found = positions_of(view)
    assert found["val"][:, 0].tolist() == rows[3].tolist()
    assert found["train"][:3, 0].tolist() == rows[2].tolist()
    area = area_seen(view)
    assert area["fold"] == 3 and area["patches"] == {"train": 7, "val": 3, "test": 2}
    assert [row for row, _ in area["places"]["val"]] == rows[3].tolist()


def test_a_model_of_one_fold_has_seen_the_others_as_training(dataset):
    areas = [area_seen(fold_of(dataset, 3))]
    seen = {one["seen_as"]: one["patches"] for one in leaks("m", areas, dataset, "val")}
    assert seen == {"train": COUNTS["val"]}
    assert leaks("m", areas, dataset, "test") == []
    own = as_trained(dataset, [dataset.manifest.dataset_id], 3)
    assert [one["seen_as"] for one in leaks("m", areas, own, "val")] == ["val"]
    assert as_trained(dataset, ["another"], 3) is dataset


def test_how_many_processes_wrote_the_patches_makes_no_other_dataset(dataset, tmp_path):
    again = PatchSet.open(write_folds(tmp_path / "in_one", in_one=True))
    assert again.manifest.dataset_id == dataset.manifest.dataset_id


def test_the_test_split_is_the_same_for_all_folds_wherever_it_lies(dataset):
    areas = [area_seen(fold_of(dataset, 3))]
    del areas[0]["places"]
    (dataset.folder / "patches.gpkg").unlink()
    assert leaks("m", areas, fold_of(dataset, 2), "test") == []


def test_the_geopackage_tells_the_fold(dataset):
    with sqlite3.connect(dataset.folder / "patches.gpkg") as file:
        rows = file.execute("SELECT split, fold FROM patches ORDER BY split, place").fetchall()
    assert [fold for split, fold in rows if split == "train"] == FOLD_OF_TRAIN
    assert {fold for split, fold in rows if split == "val"} == {1}
    assert {fold for split, fold in rows if split == "test"} == {0}


def test_folds_of_several_datasets_are_joined(tmp_path):
    folders = [write_folds(tmp_path / name) for name in ("one", "two")]
    data = JoinedPatchSets([PatchSet.open(folder) for folder in folders], ["nir"])
    assert number_of_folds(data) == 3
    view = joined_fold(data, 2)
    assert (view.fold, view.count("val"), [one.name for one in view.bands]) == (2, 6, ["nir"])


def without(name):
    """A change of a manifest's fold."""

    def change(content):
        content["folds"][0][name] = content["folds"][0][name][:-1]

    return change


def other_number(content):
    content["folds"][1]["patches"] += 1


def one_fold(content):
    del content["folds"][1:]


@pytest.mark.parametrize(
    "change", [without("pixels"), without("statistics"), other_number, one_fold]
)
def test_folds_that_are_not_those_of_the_patches_are_refused(tmp_path, change):
    path = write_folds(tmp_path / "dataset") / "dataset.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match="damaged dataset.json .its folds are not"):
        PatchSet.open(path.parent)


def test_a_fold_that_is_not_there_is_refused_in_one_line(tmp_path):
    dataset = PatchSet.open(write_folds(tmp_path / "dataset"))
    with pytest.raises(ValueError, match="has the folds 1 to 3, not 4"):
        fold_of(dataset, 4)
    plain = PatchSet.open(write_dataset(tmp_path / "plain", {"train": scene(4, 1)}))
    with pytest.raises(ValueError, match="plain> has no folds: cut it with i.dl.patches folds="):
        fold_of(plain, 1)
    path = dataset.folder / "train" / "folds.npy"
    np.save(path, np.full(len(FOLD_OF_TRAIN), 2, np.uint8))
    with pytest.raises(ValueError, match="folds.npy> has other folds than the manifest"):
        fold_of(dataset, 2)
    path.unlink()
    with pytest.raises(ValueError, match="folds.npy> is missing"):
        fold_of(dataset, 2)
