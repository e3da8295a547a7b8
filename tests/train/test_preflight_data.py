# SPDX-License-Identifier: GPL-2.0-or-later
"""What is told before a training."""

import numpy as np

from field_series import CLASSES, bands_of_series
from folded_dataset import write_folds
from grassdl.dataset.folds import fold_of
from grassdl.dataset.patchset import JoinedPatchSets, PatchSet
from grassdl.dataset.seen import area_seen
from grassdl.model.folder import load_card, save_card
from grassdl.train.preflight import check_data, source_leaks
from model_cards import card_of
from tiny_dataset import joined, scene, write_dataset


def told(folder, **splits):
    """The warnings about a dataset of these splits."""
    lines = []
    check_data(joined(write_dataset(folder, splits)), lines.append)
    return lines


def test_trained_classes_that_the_validation_patches_lack_are_named(tmp_path):
    images, labels = scene(6, seed=0)
    few = np.where(labels == 1, 1, 0).astype(np.uint8)
    (line,) = told(tmp_path / "lacking", train=(images, labels), val=(images, few))
    assert line.startswith("No validation patch holds <forest>: ")
    assert told(tmp_path / "whole", train=(images, labels), val=(images, labels)) == []
    assert told(tmp_path / "without", train=(images, labels)) == []


def test_a_series_that_was_always_observed_has_no_useless_band(tmp_path):
    rng = np.random.default_rng(1)
    images = rng.integers(1, 9, (2, 16, 16, 6)).astype(np.uint16)
    images[..., 2::3] = 1
    arrays = images, np.indices(images.shape[:-1])[1].astype(np.uint8) % 4
    lines = []
    folder = write_dataset(tmp_path / "series", {"train": arrays}, CLASSES, bands_of_series((0, 1)))
    check_data(joined(folder), lines.append)
    assert lines == []


def test_test_patches_where_the_start_model_has_learnt_are_told(tmp_path):
    """Two datasets of one scene: the model, or one that it went on from, knows the first."""
    arrays = scene(3, seed=0)
    first = joined(write_dataset(tmp_path / "first", {"train": arrays}))
    again = joined(write_dataset(tmp_path / "again", {"test": scene(2, seed=1)}))
    areas = [area_seen(one) for one in first.patch_sets]
    (tmp_path / "model").mkdir()
    parent = {"name": "old", "sha256": "ab", "areas": areas}
    for changes in ({"areas": areas}, {"training": {"parent": parent}}):
        save_card(card_of(**{"areas": [], **changes}), tmp_path / "model")
        (found,) = source_leaks(again, load_card(tmp_path / "model"))
        assert (found["where"], found["patches"]) == ("test patches of dataset again", 2)
    assert source_leaks(first, load_card(tmp_path / "model")) == []


def test_validation_patches_of_a_fold_where_the_start_model_has_learnt_are_told(tmp_path):
    whole = PatchSet.open(write_folds(tmp_path / "folds"))
    folder = tmp_path / "model"
    folder.mkdir()
    save_card(card_of(areas=[area_seen(whole)]), folder)
    data = JoinedPatchSets([fold_of(whole, 3)])
    (found,) = source_leaks(data, load_card(folder))
    assert (found["seen_as"], found["patches"], found["of"]) == ("train", 3, 3)
    assert source_leaks(JoinedPatchSets([whole]), load_card(folder)) == []
