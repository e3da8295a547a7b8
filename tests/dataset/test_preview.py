# SPDX-License-Identifier: GPL-2.0-or-later
"""The overview picture: which patches it shows, and what is drawn."""

import warnings
from dataclasses import replace
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest

from grassdl.core.band_statistics import BandStatistics
from grassdl.core.bands import OBSERVED, Band
from grassdl.core.classes import NULL_INDEX, UNLABELLED_INDEX, ClassScheme, MapClass
from grassdl.dataset.manifest import SPLITS, Export, Manifest
from grassdl.dataset.patchset import PatchSet
from grassdl.dataset.preview import (
    choose_patches,
    dataset_overview,
    picture_bands,
)

COLORS = ["0:0:255", "0:99:0", "200:0:0"]
THREE = ClassScheme([MapClass(v, f"class {v}", c) for v, c in zip((2, 5, 9), COLORS, strict=True)])
TITLE_PX, LEFT_PX, GAP_PX = 60, 60, 2
"""Where the first patch begins, and what is between it and its labels."""


def band(name):
    return Band(name, True, {"map": name}, None, 0.5, "nearest", "", "uint8")


def draw(folder, arrays, classes=THREE, bands=("red", "green", "blue"), dates=1):
    """Write a dataset, draw it, and return the picture (rows, cols, 3) uint8."""
    if dates > 1:
        bands = [one.at(date, one) for date in range(dates) for one in map(band, bands)]
    size = next(iter(arrays.values()))[0].shape[1]
    class_cells, pixels, counts = {}, {}, {}
    for split in SPLITS:
        nothing = np.zeros((0, size, size, len(bands)), np.uint8), np.zeros((0, size, size), "u1")
        images, labels = arrays.get(split, nothing)
        (folder / split).mkdir()
        np.save(folder / split / "images.npy", images)
        np.save(folder / split / "labels.npy", labels)
        cells = np.zeros((len(labels), len(classes)), int)
        for place, codes in enumerate(labels):
            cells[place] = np.bincount(codes.ravel(), minlength=256)[: len(classes)]
        class_cells[split], counts[split] = cells, len(labels)
        pixels[split] = cells.sum(axis=0).tolist()
    region = {"north": 9, "south": 0, "east": 9, "west": 0, "nsres": 1, "ewres": 1}
    export = Export(size, size, "grid", "blocks", (70,), 1, 0.0, 1, region, "", "8", "the call")
    manifest = Manifest(
        bands=[one if isinstance(one, Band) else band(one) for one in bands],
        statistics=[BandStatistics() for _ in bands],
        target=classes,
        pixels=pixels,
        counts=counts,
        dtype="uint8",
        file_format="npy",
        export=export,
        dataset_id="1",
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        dataset_overview(PatchSet(folder, manifest), class_cells, folder / "overview.part")
    picture = matplotlib.image.imread(folder / "overview.part", format="png")
    return (picture[..., :3] * 255).round().astype(np.uint8)


def patches(count, size=16, bands=3, classes=3, seed=1):
    generator = np.random.default_rng(seed)
    images = generator.integers(0, 256, (count, size, size, bands)).astype(np.uint8)
    return images, generator.integers(0, classes, (count, size, size)).astype(np.uint8)


def first_patch(picture, size, scale):
    """Image and labels of the first patch as drawn, a pixel for each cell."""
    edge, middle = size * scale, scale // 2
    tops = TITLE_PX, TITLE_PX + edge + GAP_PX
    drawn = [picture[top : top + edge, LEFT_PX : LEFT_PX + edge] for top in tops]
    return [one[middle::scale, middle::scale] for one in drawn]


def test_cells_are_drawn_in_their_values_and_classes(tmp_path):
    ramp = np.arange(256, dtype=np.uint8).reshape(1, 16, 16)
    images = np.stack([ramp, 255 - ramp, np.full_like(ramp, 7)], axis=-1)
    labels = np.repeat([0, 1, 2, 1], 64).reshape(1, 16, 16).astype(np.uint8)
    image, classes = first_patch(draw(tmp_path, {"train": (images, labels)}), 16, 10)
    low, high = np.percentile(ramp, (2, 98))
    stretched = (255 * np.clip((ramp[0] - low) / (high - low), 0, 1)).round()
    assert np.abs(image[..., 0] - stretched).max() <= 1
    assert np.abs(image[..., 1] - (255 - stretched)).max() <= 1
    assert (image[..., 2] == 0).all()
    expected = np.array([[0, 0, 255], [0, 99, 0], [200, 0, 0]])[labels[0]]
    assert np.array_equal(classes, expected)


def test_null_and_unlabelled_cells_look_different_from_each_other_and_all_classes(tmp_path):
    images, labels = patches(1)
    labels[0, :8], labels[0, 8:12] = NULL_INDEX, UNLABELLED_INDEX
    images[0, :8] = 0
    picture = draw(tmp_path, {"train": (images, labels)})
    image_top, labels_top = TITLE_PX, TITLE_PX + 162
    part = picture[:, LEFT_PX : LEFT_PX + 160]
    for top in (image_top, labels_top):
        null = part[top : top + 80]
        assert sorted(np.unique(null)) == [25, 110]
        assert np.median(null) == 25
    unlabelled = part[labels_top + 80 : labels_top + 120]
    assert sorted(np.unique(unlabelled)) == [200, 255]
    assert np.median(unlabelled) == 255


def test_one_band_is_grey(tmp_path):
    arrays = {"train": patches(2, bands=1), "val": patches(1, bands=1)}
    image, _ = first_patch(draw(tmp_path, arrays, bands=["height"]), 16, 10)
    assert len(np.unique(image)) > 50
    assert (image == image[..., :1]).all()


def test_the_picture_bands_are_red_green_and_blue_where_there_are_such():
    names = ["nir", "ortho.Blue", "ortho.green", "ortho.red"]
    assert picture_bands([band(name) for name in names]) == [3, 2, 1]
    assert picture_bands([band(name) for name in ("a", "red", "b", "c")]) == [0, 1, 2]
    assert picture_bands([band(name) for name in ("a", "b")]) == [0, 0, 0]


def test_both_dates_of_a_comparison_are_drawn_alike_above_their_labels(tmp_path):
    first = np.arange(256, dtype=np.uint8).reshape(1, 16, 16)
    second, labels = first // 2, np.ones((1, 16, 16), np.uint8)
    nothing = np.zeros_like(first)
    images = np.stack([first, nothing, second, nothing], axis=-1)
    picture = draw(tmp_path, {"train": (images, labels)}, bands=("red", "nir"), dates=2)
    low, high = np.percentile([first, second], (2, 98))
    for place, values in enumerate((first[0], second[0])):
        top = TITLE_PX + place * (160 + GAP_PX)
        drawn = picture[top + 5 : top + 160 : 10, LEFT_PX + 5 : LEFT_PX + 160 : 10]
        expected = 255 * np.clip((values - low) / (high - low), 0, 1)
        assert np.abs(drawn - expected[..., None]).max() <= 1
    below = picture[TITLE_PX + 2 * (160 + GAP_PX) + 5, LEFT_PX + 5]
    assert below.tolist() == [0, 99, 0]


def test_cells_of_a_series_are_drawn_as_at_their_first_observed_date(tmp_path):
    """The left half is missing at the first date, the upper quarter at both."""
    ramp = np.arange(256, dtype=np.uint8).reshape(1, 16, 16)
    images = np.stack([ramp, np.ones_like(ramp), 255 - ramp, np.ones_like(ramp)], axis=-1)
    images[:, :, :8, :2] = 0
    images[:, :4, :, 2:] = 0
    observed = replace(band(OBSERVED), source={"1": "red"}, derivation=OBSERVED)
    bands = [one.at(date, one) for date in range(2) for one in (band("red"), observed)]
    labels = np.zeros((1, 16, 16), np.uint8)
    labels[:, :4, :8] = NULL_INDEX
    image, _ = first_patch(draw(tmp_path, {"train": (images, labels)}, bands=bands), 16, 10)
    first, second = image[:, 8:, 0].astype(int), image[4:, :8, 0].astype(int)
    assert (np.diff(first.ravel()) >= 0).all() and first.max() - first.min() > 200
    assert (np.diff(second.ravel()) <= 0).all() and second.max() - second.min() > 120


@pytest.mark.parametrize(
    "names",
    [
        ["S2_8", "S2_2", "S2_3", "S2_4"],
        ["L8_5", "L8_2", "L8_3", "L8_4"],
        ["L5_4", "L5_1", "L5_2", "L5_3"],
        ["T32_B08", "T32_B02", "T32_B03", "T32_B04"],
        ["ortho-n", "ortho-b", "ortho-g", "ortho-r"],
        ["red_edge", "Blue", "Green", "Red"],
    ],
)
def test_natural_colours_are_found_by_semantic_labels_and_common_names(names):
    assert picture_bands([band(name) for name in names]) == [3, 2, 1]


def test_every_class_is_shown_where_so_many_patches_can(tmp_path):
    cells = np.zeros((1000, 6), int)
    cells[:, 0] = 64
    for index, places in enumerate(([17], [18, 500], [19], [900], range(100)), start=1):
        cells[list(places), index] = 9
    chosen = choose_patches(cells, 12)
    assert len(set(chosen)) == 12
    assert list(chosen) == sorted(chosen)
    assert (cells[chosen].max(axis=0) > 0).all()
    assert {17, 19, 900} <= set(chosen)
    assert chosen.max() > 900 > 100 > chosen.min()


def test_a_speck_of_a_class_does_not_stand_for_it():
    cells = np.array([[50, 1], [50, 0], [20, 30], [50, 0]])
    assert 2 in choose_patches(cells, 2)


@pytest.mark.parametrize(("patches_there", "wanted", "found"), [(0, 5, 0), (3, 5, 3), (9, 5, 5)])
def test_there_are_as_many_as_wanted_or_all(patches_there, wanted, found):
    cells = np.ones((patches_there, 254), int)
    assert len(choose_patches(cells, wanted)) == found


@pytest.mark.parametrize(
    ("classes", "size", "counts"),
    [
        (2, 16, {"train": 5}),
        (40, 64, {"train": 60, "val": 9, "test": 9}),
        (254, 20, {"train": 40, "test": 1}),
        (3, 1, {"val": 2}),
        (3, 500, {"train": 2, "val": 1}),
        (3, 2000, {"train": 1}),
    ],
)
def test_any_numbers_of_classes_splits_and_cells_fit(tmp_path, classes, size, counts):
    scheme = ClassScheme(
        MapClass(value, f"$a very long label_{value} of a class$ " * 3, f"{value % 256}:9:{9}")
        for value in range(classes)
    )
    arrays = {split: patches(n, size, 1, classes) for split, n in counts.items()}
    picture = draw(tmp_path, arrays, scheme, bands=["only"])
    rows, cols = picture.shape[:2]
    assert 300 < rows < 1500
    assert 1200 <= cols < 2100
    # Nothing runs beyond the margins, where all is white.
    assert (picture[:, -4:] == 255).all()
    assert (picture[-4:] == 255).all()
    assert (picture[:, :4] == 255).all()
    assert (picture < 255).any(axis=2).mean() > 0.02


def test_patches_fill_most_of_the_picture(tmp_path):
    picture = draw(tmp_path, {split: patches(99, 64) for split in SPLITS})
    assert (picture < 250).any(axis=2).mean() > 0.7


def test_bars_have_the_lengths_of_the_shares(tmp_path):
    images, labels = patches(4)
    labels[:2], labels[2:3], labels[3:] = 0, 1, 2
    test_labels = np.zeros((1, 16, 16), np.uint8)
    picture = draw(tmp_path, {"train": (images, labels), "test": (images[:1], test_labels)})
    panel = picture[TITLE_PX:, -346:]
    lengths = {}
    for split, color in (("train", (0, 114, 178)), ("test", (204, 121, 167))):
        widths = (panel == color).all(axis=2).sum(axis=1)
        lengths[split] = [int(one) for one in np.unique(widths) if one > 30]
    # Half, a quarter and a quarter of training; all of test, which fills the panel.
    full = max(lengths["test"])
    assert max(lengths["train"]) == pytest.approx(full / 2, abs=2)
    assert min(lengths["train"]) == pytest.approx(full / 4, abs=2)


def test_only_what_is_drawn_is_read(tmp_path, monkeypatch):
    read = []

    class Watched:
        def __init__(self, array):
            self.array, self.shape = array, array.shape

        def __len__(self):
            return len(self.array)

        def __getitem__(self, key):
            found = self.array[key]
            read.append(len(found))
            return found

    original = PatchSet.arrays
    monkeypatch.setattr(
        PatchSet, "arrays", lambda one, split: tuple(map(Watched, original(one, split)))
    )
    draw(tmp_path, {"train": patches(2000, 64, 3)})
    assert set(read) == {1}
    assert len(read) < 2 * 80
    assert Path(tmp_path / "overview.part").stat().st_size > 10_000
