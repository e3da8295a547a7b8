# SPDX-License-Identifier: GPL-2.0-or-later
"""Datasets of a value: written, read, joined, and in folds."""

import json

import numpy as np
import pytest

from grassdl.dataset.folds import fold_of
from grassdl.dataset.manifest import SPLITS
from grassdl.dataset.patchset import JoinedPatchSets, PatchSet
from grassdl.dataset.preview import dataset_overview
from grassdl.dataset.reader import PatchReader
from tiny_dataset import scene as class_scene
from tiny_dataset import write_dataset
from value_dataset import scene, write_values

SPLIT_SCENES = {"train": scene(4, 1), "val": scene(2, 2), "test": scene(1, 3)}


def with_gaps():
    """Images and values of which some cells are unlabelled (NaN) or NULL in a band (-inf)."""
    images, labels = scene(2, 1)
    labels[0, 0, :3], labels[1, 5, 5] = np.nan, -np.inf
    images[1, 5, 5] = 0
    return images, labels


@pytest.mark.parametrize("file_format", ["npy", "geotiff"])
def test_values_are_read_as_they_were_written(tmp_path, file_format):
    pytest.importorskip("osgeo.gdal")
    images, labels = with_gaps()
    found = write_values(tmp_path / "a", {"train": (images, labels)}, file_format=file_format)
    read_images, read_labels = (one[:] for one in found.arrays("train"))
    np.testing.assert_array_equal(read_labels, labels)
    np.testing.assert_array_equal(read_images, images)
    assert read_labels.dtype == np.float32


def test_the_same_values_have_the_same_id_in_either_format(tmp_path):
    pytest.importorskip("osgeo.gdal")
    made = [
        write_values(tmp_path / one, {"train": with_gaps()}, file_format=one)
        for one in ("npy", "geotiff")
    ]
    assert made[0].manifest.dataset_id == made[1].manifest.dataset_id


def test_the_manifest_tells_the_statistics_of_each_split(tmp_path):
    images, labels = with_gaps()
    write_values(tmp_path / "a", {**SPLIT_SCENES, "train": (images, labels)})
    told = json.loads((tmp_path / "a" / "dataset.json").read_text())["target"]
    known = labels[np.isfinite(labels)].astype(np.float64)
    assert (told["kind"], told["name"], told["units"]) == ("value", "height", "m")
    assert told["mean"] == pytest.approx(known.mean())
    assert told["deviation"] == pytest.approx(known.std())
    assert told["statistics"]["train"]["minimum"] == known.min()
    assert told["statistics"]["val"]["count"] == 2 * 16 * 16
    assert sum(told["pixels"]["train"]) == len(known)
    assert told["quantiles"]["test"]["0.5"] == pytest.approx(
        np.median(SPLIT_SCENES["test"][1]), abs=10 / 64
    )


def test_a_manifest_of_values_is_read_as_it_was_written(tmp_path):
    made = write_values(tmp_path / "a", SPLIT_SCENES)
    again = PatchSet.open(tmp_path / "a").manifest
    assert again.target == made.manifest.target
    assert again.pixels == made.manifest.pixels
    assert again.label_statistics["val"][0].mean == made.manifest.label_statistics["val"][0].mean


def test_a_dataset_of_values_has_no_classes(tmp_path):
    made = write_values(tmp_path / "a", SPLIT_SCENES)
    with pytest.raises(ValueError, match="is of values of <height> in m, and classes are needed"):
        _ = made.manifest.classes


def test_cells_that_are_null_get_the_fill_and_lacking_patches_no_label(tmp_path):
    made = write_values(tmp_path / "a", {"train": with_gaps()})
    reader = PatchReader([made.patches("train")], np.array([7.0, 8.0]))
    images, labels = reader.read(np.array([1, -1]))
    assert images[0, 5, 5].tolist() == [7.0, 8.0]
    assert np.isnan(labels[1]).all()


def test_a_value_that_is_infinite_is_damage(tmp_path):
    made = write_values(tmp_path / "a", SPLIT_SCENES)
    labels = np.load(tmp_path / "a" / "val" / "labels.npy", mmap_mode="r+")
    made.check_labels()
    labels[0, 0, 0] = np.inf
    labels.flush()
    with pytest.raises(ValueError, match="is damaged: a label is infinite: cut it again"):
        made.check_labels()


def test_joined_datasets_have_the_statistics_of_all_values(tmp_path):
    one = write_values(tmp_path / "a", {"train": scene(2, 1)})
    other = write_values(tmp_path / "b", {"train": scene(3, 2)})
    joined = JoinedPatchSets([one, other])
    values = np.concatenate([scene(2, 1)[1].ravel(), scene(3, 2)[1].ravel()]).astype(np.float64)
    assert joined.target.mean == pytest.approx(values.mean())
    assert joined.target.deviation == pytest.approx(values.std())
    assert joined.pixels("train").tolist() == [values.size]


def test_values_in_other_units_or_classes_do_not_mix(tmp_path):
    metres = write_values(tmp_path / "a", {"train": scene(2, 1)})
    feet = write_values(tmp_path / "b", {"train": scene(2, 1)}, units="ft")
    with pytest.raises(ValueError, match="values are in m of one and in ft of the other"):
        JoinedPatchSets([metres, feet])
    classes = PatchSet.open(write_dataset(tmp_path / "c", {"train": class_scene(2, 1, 16)}))
    with pytest.raises(ValueError, match="one is of values of <height> in m, the other of 3"):
        JoinedPatchSets([metres, classes])


def test_a_fold_has_the_scale_of_the_others(tmp_path):
    folds = {"train": np.array([2, 2, 3, 3], np.uint8), "val": np.array([1, 1], np.uint8)}
    made = write_values(tmp_path / "a", SPLIT_SCENES, folds=folds)
    view = fold_of(made, 3)
    images, labels = view.arrays("train")
    own = labels[:].astype(np.float64)
    assert len(own) == 4
    assert view.manifest.target.mean == pytest.approx(own.mean())
    assert view.manifest.target.deviation == pytest.approx(own.std())


def test_a_picture_shows_values_in_the_colours_of_their_ranges(tmp_path):
    made = write_values(tmp_path / "a", SPLIT_SCENES)
    shares = {split: np.ones((made.manifest.counts[split], 1)) for split in SPLITS}
    dataset_overview(made, shares, tmp_path / "overview.png")
    assert (tmp_path / "overview.png").stat().st_size > 1000
