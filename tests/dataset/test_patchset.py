# SPDX-License-Identifier: GPL-2.0-or-later
"""The dataset on disk: written, opened, found damaged, and joined with others."""

import json
import os
import pickle
import shutil
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grassdl.core.band_statistics import BandStatistics
from grassdl.core.classes import NULL_INDEX, UNLABELLED_INDEX, ClassScheme, MapClass
from grassdl.core.colors import PALETTE
from grassdl.dataset.manifest import SPLITS, Manifest
from grassdl.dataset.npy import ArrayFile, read_array
from grassdl.dataset.patchset import JoinedPatchSets, PatchSet, datasets_to_train_on, open_datasets
from grassdl.dataset.writer import PatchSetWriter
from small_dataset import BANDS, COUNTS, EXPORT, FOREST, ROOF, SIZE, WATER


def patches(count, seed, classes=2):
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 60_000, (count, SIZE, SIZE, 2)).astype(np.uint16)
    labels = rng.integers(0, classes, (count, SIZE, SIZE)).astype(np.uint8)
    return images, labels


def write(folder, seed=0, bands=BANDS, classes=(WATER, FOREST), counts=COUNTS, export=EXPORT):
    """A dataset of random patches, one patch at a time; the arrays that were written."""
    folder.mkdir()
    dtype = np.dtype(np.uint16)
    writer = PatchSetWriter(folder, bands, ClassScheme(classes), counts, dtype, None, "npy", export)
    writer.create()
    given, parts = {}, []
    for place, split in enumerate(SPLITS):
        images, labels = patches(counts[split], 10 * seed + place, len(classes))
        labels[:, 0, 0], labels[:, 0, 1] = NULL_INDEX, UNLABELLED_INDEX
        images[:, 0, 0] = 0
        positions = np.zeros((1, 2), np.int64)
        for one in range(counts[split]):
            part = slice(one, one + 1)
            parts.append(writer.write(split, one, positions, images[part], labels[part]))
        given[split] = images, labels
    writer.finish(parts)
    return given


@pytest.fixture
def dataset(tmp_path):
    write(tmp_path / "ds")
    return tmp_path / "ds"


def dataset_id(folder):
    return PatchSet.open(folder).manifest.dataset_id


def edit(folder, **changes):
    manifest = json.loads((folder / "dataset.json").read_text())
    (folder / "dataset.json").write_text(json.dumps(manifest | changes))


def refusal(folder):
    """The line with which a dataset is refused."""
    with pytest.raises(ValueError) as error:
        PatchSet.open(folder)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_arrays_come_back_as_they_were_written(tmp_path):
    given = write(tmp_path / "ds")
    opened = PatchSet.open(tmp_path / "ds")
    for split, (images, labels) in given.items():
        found_images, found_labels = opened.arrays(split)
        assert found_images.dtype == np.uint16
        assert np.array_equal(found_images, images)
        assert np.array_equal(found_labels, labels)


@pytest.mark.parametrize("step", [1, 3, 8])
def test_deviations_of_float_bands_are_numpys_without_null_whatever_the_parts(tmp_path, step):
    """One band is narrow and far from 0, the other constant."""
    rng = np.random.default_rng(4)
    images = np.full((8, SIZE, SIZE, 2), 0.1, np.float32)
    images[..., 0] = 1e6 + rng.normal(0, 0.5, images.shape[:3])
    labels = np.where(rng.random((8, SIZE, SIZE)) < 0.3, NULL_INDEX, 0).astype(np.uint8)
    labels[5] = NULL_INDEX
    images[labels == NULL_INDEX] = 0
    counts = {"train": 8, "val": 0, "test": 0}
    writer = PatchSetWriter(
        tmp_path, BANDS, ClassScheme([WATER, ROOF]), counts, images.dtype, None, "npy", EXPORT
    )
    writer.create()
    positions = np.zeros((step, 2), np.int64)
    parts = [
        writer.write("train", n, positions, images[n : n + step], labels[n : n + step])
        for n in range(0, 8, step)
    ]
    narrow, constant = writer.finish(parts).statistics
    values = images[labels != NULL_INDEX][:, 0].astype(np.float64)
    assert narrow.mean == pytest.approx(values.mean(), rel=1e-15)
    assert narrow.deviation == pytest.approx(values.std(), rel=1e-9)
    assert constant.deviation == 0
    together = [writer.write("train", 0, np.zeros((8, 2), np.int64), images, labels)]
    assert writer.finish(together).statistics[0].to_json() == narrow.to_json()


def test_arrays_are_mapped_not_read(dataset):
    images, labels = PatchSet.open(dataset).arrays("train")
    assert isinstance(images, np.memmap)
    assert isinstance(labels, np.memmap)
    assert not images.flags.writeable


def test_the_manifest_comes_back_as_it_was_written(tmp_path):
    write(tmp_path / "ds")
    manifest = Manifest.load(tmp_path / "ds")
    assert manifest.bands == BANDS
    assert manifest.classes == ClassScheme([WATER, FOREST])
    assert manifest.counts == COUNTS
    assert manifest.dtype == "uint16"
    assert manifest.export == EXPORT


def test_statistics_are_numpys_over_training_without_null(tmp_path):
    images, labels = write(tmp_path / "ds")["train"]
    valid = images[labels != NULL_INDEX].astype(object)
    assert len(valid) == 4 * (SIZE * SIZE - 1)
    for place, found in enumerate(Manifest.load(tmp_path / "ds").statistics):
        band = valid[:, place]
        assert (found.count, found.total) == (len(band), band.sum())
        assert found.total_squares == (band**2).sum()
        assert (found.minimum, found.maximum) == (band.min(), band.max())
        assert found.histogram.counts.sum() == len(band)


def test_labelled_pixels_are_counted_by_class_and_split(tmp_path):
    given = write(tmp_path / "ds")
    pixels = Manifest.load(tmp_path / "ds").pixels
    for split, (_, labels) in given.items():
        assert pixels[split] == [int((labels == index).sum()) for index in (0, 1)]
    assert sum(pixels["train"]) == 4 * (SIZE * SIZE - 2)


def test_equal_content_has_an_equal_id_wherever_it_lies_and_however_it_was_made(tmp_path):
    write(tmp_path / "one")
    write(tmp_path / "two", export=replace(EXPORT, command="another call", seed=9))
    assert dataset_id(tmp_path / "one") == dataset_id(tmp_path / "two")


def test_the_id_tells_other_content(tmp_path):
    brown = replace(FOREST, color="99:99:0")
    renamed = [replace(BANDS[0], name="blue"), BANDS[1]]
    write(tmp_path / "first")
    write(tmp_path / "values", seed=1)
    write(tmp_path / "bands", bands=renamed)
    write(tmp_path / "order", bands=BANDS[::-1])
    write(tmp_path / "classes", classes=(WATER, brown))
    write(tmp_path / "splits", counts={"train": 4, "val": 0, "test": 2})
    ids = [dataset_id(folder) for folder in tmp_path.iterdir()]
    assert len(set(ids)) == 6


def test_one_changed_label_changes_the_id(tmp_path):
    ids = []
    for code in (0, 1):
        folder = tmp_path / str(code)
        folder.mkdir()
        counts = {"train": 1, "val": 0, "test": 0}
        classes = ClassScheme([WATER, FOREST])
        dtype = np.dtype(np.uint16)
        writer = PatchSetWriter(folder, BANDS, classes, counts, dtype, None, "npy", EXPORT)
        writer.create()
        labels = np.zeros((1, SIZE, SIZE), np.uint8)
        labels[0, -1, -1] = code
        images = np.zeros((1, SIZE, SIZE, 2), np.uint16)
        part = writer.write("train", 0, np.zeros((1, 2), np.int64), images, labels)
        ids.append(writer.finish([part]).dataset_id)
    assert ids[0] != ids[1]


def test_a_missing_folder_is_told(tmp_path):
    assert refusal(tmp_path / "ds") == f"Dataset folder <{tmp_path / 'ds'}> not found"


def test_a_folder_without_manifest_is_told(tmp_path):
    assert "does not exist" in refusal(tmp_path)


def test_a_newer_format_version_is_refused(dataset):
    edit(dataset, version=2)
    assert "has format version 2, this i.dl reads version 1: install a newer i.dl" in refusal(
        dataset
    )


def test_the_json_of_something_else_is_refused(dataset):
    (dataset / "dataset.json").write_text('{"type": "FeatureCollection"}')
    assert "does not describe a patch dataset" in refusal(dataset)


@pytest.mark.parametrize(
    "changes",
    [{"bands": 3}, {"counts": {"train": 4}}, {"classes": []}, {"dtype": "rubbish"}]
    + [{"split_shares": None}, {"counts": {"train": "x", "val": 2, "test": 0}}],
)
def test_a_damaged_manifest_is_refused(dataset, changes):
    edit(dataset, **changes)
    assert "has a damaged dataset.json" in refusal(dataset)


def test_a_manifest_cut_short_is_refused(dataset):
    text = (dataset / "dataset.json").read_text()
    (dataset / "dataset.json").write_text(text[: len(text) // 2])
    assert "cannot be read" in refusal(dataset)


@pytest.mark.parametrize("name", ["images.npy", "labels.npy"])
@pytest.mark.parametrize("split", ["train", "test"])
def test_a_missing_array_is_told(dataset, split, name):
    (dataset / split / name).unlink()
    assert refusal(dataset).startswith("Dataset is incomplete")
    assert f"{split}/{name}> is missing" in refusal(dataset)


@pytest.mark.parametrize("keep", [0, 5, 60, -1])
def test_a_truncated_array_is_refused(dataset, keep):
    file = dataset / "train" / "images.npy"
    file.write_bytes(file.read_bytes()[:keep])
    assert "train/images.npy> cannot be read" in refusal(dataset)


def test_arrays_that_are_not_as_the_manifest_says_are_refused(dataset):
    images = np.load(dataset / "val" / "images.npy")
    for other in (images.astype(np.float32), images.astype(">u2"), images[:1], images[..., :1]):
        np.save(dataset / "val" / "images.npy", other)
        assert "val/images.npy> holds" in refusal(dataset)


@pytest.mark.parametrize("count", [0, 2])
def test_a_pickle_is_never_loaded(dataset, tmp_path, count):
    class Bomb:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "exploded"),)

    split = {0: "test", 2: "val"}[count]
    array = np.empty((count, SIZE, SIZE), object)
    array[...] = Bomb()
    with (dataset / split / "labels.npy").open("wb") as file:
        np.lib.format.write_array(file, array, allow_pickle=True)
    assert "cannot be read" in refusal(dataset)
    (dataset / split / "labels.npy").write_bytes(pickle.dumps(Bomb()))
    assert "cannot be read" in refusal(dataset)
    assert not (tmp_path / "exploded").exists()


def test_an_archive_in_place_of_an_array_is_refused(dataset):
    with (dataset / "val" / "labels.npy").open("wb") as file:
        np.savez(file, labels=np.zeros((2, SIZE, SIZE), np.uint8))
    assert "labels.npy> cannot be read (it is no array of NumPy" in refusal(dataset)


@given(st.lists(st.integers(0, 3), min_size=1, max_size=4))
def test_an_array_written_in_pieces_is_what_numpy_reads(tmp_path_factory, sizes):
    file = tmp_path_factory.mktemp("npy") / "a.npy"
    pieces = [np.full((size, 2), place, np.int16) for place, size in enumerate(sizes)]
    array = ArrayFile(file, (sum(sizes), 2), np.dtype(np.int16))
    array.create()
    # Last pieces first: several processes write as they get ready.
    for place in reversed(range(len(sizes))):
        array.write(sum(sizes[:place]), pieces[place])
    assert np.array_equal(np.load(file), np.concatenate(pieces))
    whole = read_array(file, (sum(sizes), 2), np.dtype(np.int16))
    assert np.array_equal(whole, np.concatenate(pieces))


def joined(*folders):
    return JoinedPatchSets([PatchSet.open(folder) for folder in folders])


@pytest.fixture
def two_areas(tmp_path):
    """One area with water and roof, another with forest and roof, and their arrays."""
    first = write(tmp_path / "a", seed=1, classes=(WATER, ROOF))
    second = write(tmp_path / "b", seed=2, classes=(FOREST, ROOF))
    return joined(tmp_path / "a", tmp_path / "b"), first, second


def test_joined_areas_have_the_union_of_their_classes(two_areas):
    both, _, _ = two_areas
    assert both.classes == ClassScheme([WATER, FOREST, ROOF])
    assert both.count("train") == 8
    assert len(both.ids) == len(set(both.ids)) == 2


def test_label_codes_of_joined_areas_are_those_of_the_union(two_areas):
    both, first, second = two_areas
    maps = [{0: 0, 1: 2}, {0: 1, 1: 2}]
    for part, (images, labels), new in zip(
        both.arrays("train"), (first["train"], second["train"]), maps, strict=True
    ):
        codes = new | {NULL_INDEX: NULL_INDEX, UNLABELLED_INDEX: UNLABELLED_INDEX}
        found_images, found_labels = part.read(slice(None))
        assert np.array_equal(found_images, images)
        assert found_labels.tolist() == np.vectorize(codes.get)(labels).tolist()


@pytest.mark.parametrize("split, place", [("train", 0), ("train", 3), ("val", 1)])
def test_a_label_code_that_is_no_class_is_refused_before_training(tmp_path, split, place):
    write(tmp_path / "a", classes=(WATER, ROOF))
    write(tmp_path / "b", classes=(FOREST, ROOF))
    file = tmp_path / "b" / split / "labels.npy"
    labels = np.load(file)
    labels[place, 0, 0] = 2
    np.save(file, labels)
    words = "b> is damaged: a label has the code 2, and dataset.json has 2 classes, with codes"
    with pytest.raises(ValueError, match=words):
        datasets_to_train_on(f"{tmp_path / 'a'},{tmp_path / 'b'}")
    patches = joined(tmp_path / "a", tmp_path / "b").arrays(split)[-1]
    with pytest.raises(ValueError, match=words):
        patches.read(slice(place, place + 1))
    labels[place, 0, 0] = UNLABELLED_INDEX
    np.save(file, labels)
    assert len(datasets_to_train_on(f"{tmp_path / 'a'},{tmp_path / 'b'}")) == 2


def test_a_dataset_that_is_named_twice_is_refused_whatever_its_name(tmp_path, monkeypatch):
    write(tmp_path / "a")
    write(tmp_path / "b")
    (tmp_path / "link").symlink_to(tmp_path / "a")
    monkeypatch.chdir(tmp_path)
    for names in ("a,a", "a,b,./a", "b,a,link"):
        with pytest.raises(ValueError, match="Dataset <.*> is named twice: name each of them once"):
            open_datasets(names)
    assert [one.folder.name for one in open_datasets("a,b")] == ["a", "b"]


def test_pixels_and_statistics_of_joined_areas_are_those_of_all_patches(two_areas):
    both, first, second = two_areas
    roofs = sum((area["train"][1] == 1).sum() for area in (first, second))
    water, forest = ((area["train"][1] == 0).sum() for area in (first, second))
    assert both.pixels("train").tolist() == [water, forest, roofs]
    values = np.concatenate(
        [area["train"][0][area["train"][1] != NULL_INDEX] for area in (first, second)]
    )
    for place, found in enumerate(both.statistics):
        assert found.to_json() == BandStatistics.of(values[:, place]).to_json()


def test_areas_without_patches_of_a_split_are_left_out_of_it(tmp_path):
    write(tmp_path / "a")
    write(tmp_path / "b", counts={"train": 1, "val": 0, "test": 3})
    both = joined(tmp_path / "a", tmp_path / "b")
    assert [len(part) for part in both.arrays("val")] == [2]
    assert [len(part) for part in both.arrays("test")] == [3]


def refused_join(*folders):
    with pytest.raises(ValueError) as error:
        joined(*folders)
    return str(error.value)


def test_areas_that_call_a_class_differently_are_refused(tmp_path):
    write(tmp_path / "a")
    write(tmp_path / "b", classes=(WATER, replace(FOREST, label="meadow")))
    assert "class 5 is <forest> and <meadow>" in refused_join(tmp_path / "a", tmp_path / "b")


def test_areas_that_disagree_about_a_class_the_first_lacks_are_refused(tmp_path):
    write(tmp_path / "a", classes=(WATER, FOREST))
    write(tmp_path / "b", classes=(WATER, ROOF))
    write(tmp_path / "c", classes=(WATER, replace(ROOF, label="road")))
    told = refused_join(*(tmp_path / name for name in "abc"))
    assert "class 9 is <roof> and <road>" in told
    assert str(tmp_path / "b") in told
    assert str(tmp_path / "c") in told


def test_areas_of_texts_are_joined_by_text_and_it_is_told(tmp_path):
    building, road, tree = (
        MapClass(value, label, "1:2:3", numbered=True)
        for value, label in ((1, "building"), (2, "road"), (2, "tree"))
    )
    write(tmp_path / "a", seed=1, classes=(building, road))
    second = write(tmp_path / "b", seed=2, classes=(replace(road, value=1), tree))
    both = joined(tmp_path / "a", tmp_path / "b")
    assert dict(zip(both.classes.values.tolist(), both.classes.labels, strict=True)) == {
        1: "building", 2: "road", 3: "tree",
    }  # fmt: skip
    codes = {0: 1, 1: 2, NULL_INDEX: NULL_INDEX, UNLABELLED_INDEX: UNLABELLED_INDEX}
    _, found = both.arrays("train")[1].read(slice(None))
    assert found.tolist() == np.vectorize(codes.get)(second["train"][1]).tolist()
    assert both.renumbered() == [
        f"Equal texts are one class: of dataset <{tmp_path / 'b'}>, 1 <road> is 2, 2 <tree> is 3"
    ]


def test_colours_may_differ_and_the_first_areas_count(tmp_path):
    write(tmp_path / "a")
    write(tmp_path / "b", classes=(WATER, replace(FOREST, color="1:1:1")))
    assert joined(tmp_path / "a", tmp_path / "b").classes == ClassScheme([WATER, FOREST])


def test_scenes_without_coordinates_overlap_only_where_their_map_is_the_same(tmp_path):
    for place, name in enumerate("abcd"):
        own = [replace(band, source={"map": f"{band.name}_{name}@here"}) for band in BANDS]
        write(tmp_path / name, seed=place, bands=own)
    assert joined(*(tmp_path / name for name in "abcd")).overlaps() == []


def test_many_datasets_that_overlap_are_told_in_one_sentence(tmp_path):
    for name in "abc":
        write(tmp_path / name)
    (told,) = joined(tmp_path / "a", tmp_path / "b").overlaps()
    assert told.startswith(f"Datasets <{tmp_path / 'a'}> and <{tmp_path / 'b'}> overlap: ")
    (told,) = joined(*(tmp_path / name for name in "abc")).overlaps()
    assert told.startswith(
        f"Datasets in 3 pairs, such as <{tmp_path / 'a'}> and <{tmp_path / 'b'}>, overlap: "
    )


def test_the_project_is_kept_and_older_datasets_know_none(tmp_path):
    write(tmp_path / "new", export=replace(EXPORT, project="suburb"))
    assert PatchSet.open(tmp_path / "new").manifest.export.project == "suburb"
    manifest = json.loads((tmp_path / "new" / "dataset.json").read_text())
    del manifest["project"]
    (tmp_path / "new" / "dataset.json").write_text(json.dumps(manifest))
    assert PatchSet.open(tmp_path / "new").manifest.export.project == ""


def with_colors(folder, first, second, labels=("1", "2")):
    write(folder, classes=[MapClass(1, labels[0], first), MapClass(2, labels[1], second)])
    return folder


def test_equal_numbers_without_label_in_other_colours_are_told_once(tmp_path):
    first = with_colors(tmp_path / "a", "0:99:0", "0:0:255")
    alike = with_colors(tmp_path / "b", "9:90:0", "0:0:250")
    other = with_colors(tmp_path / "c", "0:0:255", "0:99:0")
    assert joined(first, alike).contradictions() == []
    (told,) = joined(first, alike, other).contradictions()
    assert "Class 1 (and 1 more) has no label and different colours, " in told
    assert f"<{other}>" in told


def test_colours_of_classes_with_labels_do_not_contradict(tmp_path):
    first = with_colors(tmp_path / "a", "0:99:0", "9:9:9", labels=("wood", "sea"))
    other = with_colors(tmp_path / "b", "0:0:255", "9:9:9", labels=("wood", "sea"))
    assert joined(first, other).contradictions() == []


def test_colours_that_nobody_chose_do_not_contradict(tmp_path):
    first = with_colors(tmp_path / "a", *PALETTE[:2])
    second = with_colors(tmp_path / "b", *PALETTE[1:3])
    third = with_colors(tmp_path / "c", "1:2:3", "9:8:7")
    assert joined(first, second, third).contradictions() == []


def test_areas_with_other_bands_resolution_or_patch_size_are_refused(tmp_path):
    write(tmp_path / "a")
    write(tmp_path / "bands", bands=[replace(BANDS[0], name="blue"), BANDS[1]])
    coarse = replace(EXPORT, region=EXPORT.region | {"nsres": 0.6, "ewres": 0.6})
    write(tmp_path / "coarse", export=coarse)
    write(tmp_path / "fits", export=replace(EXPORT, region=EXPORT.region | {"nsres": 0.54}))
    shutil.copytree(tmp_path / "a", tmp_path / "size")
    edit(tmp_path / "size", size=6, counts={"train": 0, "val": 0, "test": 0})
    for split in SPLITS:
        np.save(tmp_path / "size" / split / "images.npy", np.zeros((0, 6, 6, 2), np.uint16))
        np.save(tmp_path / "size" / split / "labels.npy", np.zeros((0, 6, 6), np.uint8))
    first = tmp_path / "a"
    assert "expected to be <red>, but <blue>" in refused_join(first, tmp_path / "bands")
    assert "resolutions 0.5 and 0.6 do not mix" in refused_join(first, tmp_path / "coarse")
    assert "patches of 3 and 6 cells do not mix" in refused_join(first, tmp_path / "size")
    assert joined(first, tmp_path / "fits").count("train") == 8


def test_some_of_the_bands_are_read_in_the_order_of_the_dataset(tmp_path):
    bands = [*BANDS, replace(BANDS[0], name="ndsm")]
    folder = tmp_path / "ds"
    folder.mkdir()
    images = np.arange(2 * SIZE * SIZE * 3, dtype=np.uint16).reshape(2, SIZE, SIZE, 3)
    labels = np.zeros((2, SIZE, SIZE), np.uint8)
    # NULL in any band of the dataset, so also in one that is not used.
    labels[0, 0, 0], images[0, 0, 0] = NULL_INDEX, 0
    labels[:, 1] = 1
    counts = {"train": 2, "val": 0, "test": 0}
    classes = ClassScheme((WATER, FOREST))
    dtype = np.dtype(np.uint16)
    writer = PatchSetWriter(folder, bands, classes, counts, dtype, None, "npy", EXPORT)
    writer.create()
    writer.finish([writer.write("train", 0, np.zeros((2, 2), np.int64), images, labels)])

    opened = PatchSet.open(folder)
    some = JoinedPatchSets([opened, opened], bands=["ndsm", "red"])
    assert [band.name for band in some.bands] == ["red", "ndsm"]
    assert [one.maximum for one in some.statistics] == [51, 53]
    part = some.arrays("train")[1]
    assert isinstance(part.images, np.memmap)
    assert part.shape == (SIZE, SIZE, 2)
    found_images, found_labels = part.read(np.array([1, 0]))
    assert np.array_equal(found_images, images[[1, 0]][..., [0, 2]])
    assert found_labels[1, 0, 0] == NULL_INDEX
    assert JoinedPatchSets([opened]).arrays("train")[0].read(slice(None))[0].shape[-1] == 3


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["red", "ndvi"], "no band <ndvi>, only red, nir.2"),
        (["red", "red"], "names a band twice: red, red"),
    ],
)
def test_bands_that_there_are_not_or_that_come_twice_are_refused(dataset, names, words):
    with pytest.raises(ValueError, match=words):
        JoinedPatchSets([PatchSet.open(dataset)], names)
