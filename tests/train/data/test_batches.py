# SPDX-License-Identifier: GPL-2.0-or-later
"""Batches: order, NULL, and several datasets as one."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grassdl.core.classes import NULL_INDEX, ClassScheme
from grassdl.dataset.patchset import JoinedPatchSets, PatchSet
from grassdl.train.data.augmentation import AUGMENTATIONS, by_names
from grassdl.train.data.band_values import BandValues
from grassdl.train.data.batches import Batches, TrainingBatches
from tiny_dataset import CLASSES, scene, write_dataset

FILL = np.array([123.25, 456.5], np.float32)
VALUES = BandValues(FILL, np.array([30, 90], np.float32), np.array([True, False]))


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    """The training patches of two datasets of 7 and 4, each patch with its number in band 1."""
    folder = tmp_path_factory.mktemp("datasets")
    folders, first = [], 0
    for name, count in (("one", 7), ("two", 4)):
        images, labels = scene(count, seed=first)
        images[..., 0] = np.arange(first, first + count)[:, None, None]
        folders.append(write_dataset(folder / name, {"train": (images, labels)}))
        first += count
    return JoinedPatchSets([PatchSet.open(one) for one in folders]).arrays("train")


def numbers(batches):
    """The number of every patch by batch."""
    return [batches[place][0][:, 0, 0, 0].astype(int).tolist() for place in range(len(batches))]


def training(parts, batch_size=4, names=(), seed=1):
    return TrainingBatches(parts, batch_size, FILL, by_names(names, VALUES), seed)


def test_for_scoring_each_patch_comes_once_in_order_and_the_last_batch_is_short(parts):
    assert numbers(Batches(parts, 4, FILL)) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10]]


def test_batches_are_float32_and_labels_uint8(parts):
    images, labels = training(parts)[0]
    assert (images.dtype, images.shape) == (np.float32, (4, 16, 16, 2))
    assert (labels.dtype, labels.shape) == (np.uint8, (4, 16, 16))


@given(batch_size=st.integers(1, 15), seed=st.integers(0, 2**32 - 1), epoch=st.integers(0, 10**6))
def test_for_training_each_patch_comes_and_all_batches_are_full(parts, batch_size, seed, epoch):
    batches = training(parts, batch_size, seed=seed)
    batches.start_epoch(epoch)
    drawn = numbers(batches)
    assert {len(batch) for batch in drawn} == {min(batch_size, 11)}
    flat = sum(drawn, [])
    assert sorted(flat[:11]) == list(range(11))
    assert flat[11:] == flat[: len(flat) - 11]


def test_the_order_follows_from_seed_and_epoch(parts):
    first, second = training(parts), training(parts)
    assert numbers(first) == numbers(second)
    second.start_epoch(1)
    assert numbers(first) != numbers(second)
    assert numbers(first) != numbers(training(parts, seed=2))


def test_a_batch_is_the_same_whatever_thread_asks_in_whatever_order(parts):
    batches = training(parts, names=tuple(AUGMENTATIONS))
    with ThreadPoolExecutor(3) as pool:
        by_threads = list(pool.map(batches.__getitem__, reversed(range(len(batches)))))
    for place, (images, labels) in zip(reversed(range(len(batches))), by_threads, strict=True):
        np.testing.assert_array_equal(images, batches[place][0])
        np.testing.assert_array_equal(labels, batches[place][1])


def test_augmentation_differs_from_epoch_to_epoch(parts):
    batches = training(parts[:1], batch_size=7, names=("flip",))
    labels = []
    for epoch in (0, 1):
        batches.start_epoch(epoch)
        images, codes = batches[0]
        labels.append(codes[np.argsort(images[:, 0, 0, 0])])
    assert (labels[0] != labels[1]).any()


@pytest.mark.parametrize("names", [(), ("flip", "rotate90")])
def test_null_cells_hold_the_band_means(tmp_path, names):
    images, labels = scene(5, seed=3)
    null = np.random.default_rng(0).random(labels.shape) < 0.3
    images[null], labels[null] = 0, NULL_INDEX
    folder = write_dataset(tmp_path / "with_null", {"train": (images, labels)})
    parts = JoinedPatchSets([PatchSet.open(folder)]).arrays("train")
    for batches in (Batches(parts, 5, FILL), training(parts, 5, names)):
        filled, codes = batches[0]
        assert (codes == NULL_INDEX).sum() == null.sum()
        np.testing.assert_array_equal(filled[codes == NULL_INDEX], np.tile(FILL, (null.sum(), 1)))
        assert (filled[codes != NULL_INDEX] != FILL).all()


def test_null_cells_hold_the_band_means_after_all_that_changes_light_and_place(tmp_path):
    images, labels = scene(5, seed=3)
    labels[:, :4], labels[:, 9:11, 5:] = NULL_INDEX, NULL_INDEX
    images[labels == NULL_INDEX] = 0
    folder = write_dataset(tmp_path / "with_null", {"train": (images, labels)})
    parts = JoinedPatchSets([PatchSet.open(folder)]).arrays("train")
    filled, codes = training(parts, 5, tuple(AUGMENTATIONS))[0]
    null = codes == NULL_INDEX
    assert null.sum() > 100
    np.testing.assert_array_equal(filled[null], np.tile(FILL, (null.sum(), 1)))


def test_null_does_not_bleed_into_its_neighbours_when_patches_are_turned(tmp_path):
    labels = np.zeros((8, 16, 16), np.uint8)
    labels[:, :8] = NULL_INDEX
    images = np.tile(np.array([5000, 6000], np.uint16), (8, 16, 16, 1))
    images[labels == NULL_INDEX] = 0
    folder = write_dataset(tmp_path / "with_null", {"train": (images, labels)})
    parts = JoinedPatchSets([PatchSet.open(folder)]).arrays("train")
    turned, codes = training(parts, 8, ("rotate",))[0]
    assert (codes == 0).sum() > 500
    # NULL is stored as 0, of which half would be far below the mean.
    assert (turned >= FILL).all()


def test_labels_of_datasets_with_different_classes_mean_the_same(tmp_path):
    water, soil, forest = CLASSES
    images, _ = scene(1, seed=0)
    zeros = np.zeros((1, 16, 16), np.uint8)
    folders = [
        write_dataset(tmp_path / "one", {"train": (images, zeros)}, ClassScheme([soil, forest])),
        write_dataset(tmp_path / "two", {"train": (images, zeros)}, ClassScheme([water, forest])),
    ]
    data = JoinedPatchSets([PatchSet.open(folder) for folder in folders])
    _, labels = Batches(data.arrays("train"), 2, FILL)[0]
    assert [data.classes.labels[code] for code in labels[:, 0, 0]] == ["bare soil", "water"]
