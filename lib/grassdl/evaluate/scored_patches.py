# SPDX-License-Identifier: GPL-2.0-or-later
"""The patches of a split with the bands and class indices of a model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Sized
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..core.bands import names_mismatch, number_of_dates, places_of
from ..core.classes import NULL_INDEX, ClassScheme, union
from ..core.dates import days_of, far_dates
from ..dataset.folds import as_trained
from ..dataset.manifest import Manifest
from ..dataset.patchset import PatchSet
from ..dataset.reader import PatchReader
from ..dataset.seen import leaks
from ..model.card import ModelCard

BATCH = 16
"""Patches that are predicted at a time."""


@dataclass(frozen=True)
class Batch:
    """Some patches of a dataset.

    Attributes:
        images: Bands in the model's order (n, size, size, bands) float32.
        codes: Label codes of the dataset (n, size, size) uint8.
        truth: Index among the classes of model and datasets (n, size, size) uint8, or the code of
            a cell without class.
        channel: Index among the model's classes (n, size, size) uint8; the number of them or more
            for classes that the model lacks, and where there is none.
        labelled: Which cells have a class (n, size, size).
    """

    images: np.ndarray
    codes: np.ndarray
    truth: np.ndarray
    channel: np.ndarray
    labelled: np.ndarray

    @property
    def has_data(self) -> np.ndarray:
        """Which cells are not NULL, labelled or not (n, size, size)."""
        return self.codes != NULL_INDEX


class DatasetPatches:
    """The patches of a split of one dataset.

    Args:
        card: What the model knows.
        patch_set: The dataset.
        split: "train", "val" or "test".
        classes: The classes of model and datasets.

    Raises:
        ValueError: Its bands, cells, patch size or labels are not the model's.
    """

    def __init__(self, card: ModelCard, patch_set: PatchSet, split: str, classes: ClassScheme):
        self.name = patch_set.folder.name
        self._classes = classes
        self._reader = _reader(card, patch_set, split)
        self._label_index = _codes_in(classes, patch_set)
        self._channel = _codes_in(card.classes, patch_set)

    def __len__(self) -> int:
        return len(self._reader)

    def batches(self, step: int = 1) -> Iterator[Batch]:
        """Batches of at most `BATCH` patches; with a step only every n-th patch."""
        for _, images, codes in self._reader.batches(BATCH, np.arange(0, len(self), step)):
            truth = self._label_index[codes]
            labelled = truth < len(self._classes)
            yield Batch(images, codes, truth, self._channel[codes], labelled)


class SplitPatches:
    """A split of several datasets, as a model is scored on them.

    Args:
        card: The model's card, with the fold that validated it.
        patch_sets: The datasets.
        split: "train", "val" or "test".

    Attributes:
        card: See above.
        patch_sets: The datasets with the model's splits.
        split: See above.
    """

    def __init__(self, card: ModelCard, patch_sets: Sequence[PatchSet], split: str):
        self.card, self.split = card, split
        self.patch_sets = with_splits_of(card, patch_sets)

    @property
    def leaks(self) -> list[dict[str, Any]]:
        """Patches on ground that the model has seen, see `dataset.seen.leaks`."""
        return [
            found
            for one in self.patch_sets
            for found in leaks(self.card.name, self.card.seen_areas, one, self.split)
        ]

    def far_dates(self) -> list[str]:
        """Sentences about datasets of a series whose dates lie far off those of the training."""
        return [
            sentence
            for one in self.patch_sets
            for sentence in far_dates(
                self.card.bands, one.manifest.bands, f"dataset <{one.folder}>", "the training"
            )
        ]


def with_splits_of(card: ModelCard, patch_sets: Sequence[PatchSet]) -> list[PatchSet]:
    """Datasets with the splits that a model was trained on: of those with folds, its fold."""
    fold = card.training.get("fold")
    return [as_trained(one, card.dataset_ids, fold) for one in patch_sets]


class ScoredPatches(SplitPatches):
    """The patches of a split of several datasets, for a model of classes.

    Args:
        card, patch_sets, split: See `SplitPatches`.

    Attributes:
        classes: The classes of the model and the datasets; those that the model lacks count as
            missed.
        parts: The patches of each dataset.

    Raises:
        ValueError: A dataset does not fit the model.
    """

    def __init__(self, card: ModelCard, patch_sets: Sequence[PatchSet], split: str):
        super().__init__(card, patch_sets, split)
        self.classes = union([card.classes, *(one.manifest.classes for one in patch_sets)])
        self.parts = [DatasetPatches(card, one, split, self.classes) for one in self.patch_sets]

    def __len__(self) -> int:
        return sum(map(len, self.parts))

    def batches(self, step: int = 1) -> Iterator[Batch]:
        """The batches of all datasets."""
        for part in self.parts:
            yield from part.batches(step)


def sampled(patches: Sized, most: int) -> tuple[int, int]:
    """How to sample at most about `most` cells: every n-th patch, and cells of each."""
    return max(1, -(-len(patches) // most)), -(-most // max(len(patches), 1))


def _reader(card: ModelCard, patch_set: PatchSet, split: str) -> PatchReader:
    """The patches of a dataset with the bands of a model of classes."""
    found, wrong = patch_set.manifest.target, None
    if found.kind != card.target.kind:
        wrong = f"it is of {found.summary}, the model of {card.target.summary}"
    wrong = wrong or card.target.size_difference(card.size, patch_set.manifest.export.size)
    labels = {one.value: one.label for one in card.classes if not one.numbered}
    for one in patch_set.manifest.classes:
        known = labels.get(one.value, one.label)
        if wrong is None and known != one.label and not one.numbered:
            wrong = f"class {one.value} is <{known}> there and <{one.label}> here"
    return patch_reader(card, patch_set, split, wrong)


def patch_reader(
    card: ModelCard, patch_set: PatchSet, split: str, wrong_labels: str | None
) -> PatchReader:
    """The patches of a dataset with the bands of a model.

    Args:
        card: What the model knows.
        patch_set: The dataset.
        split: "train", "val" or "test".
        wrong_labels: Why its labels are not the model's, or None.

    Raises:
        ValueError: Its bands, cells, patch size or labels are not the model's.
    """
    manifest = patch_set.manifest
    export = manifest.export
    places = places_of(card.bands, manifest.bands)
    wrong = None
    if None in places:
        wrong = _missing_bands(card, manifest, places)
    elif export.size % card.stride:
        wrong = f"patches of {export.size} cells are no multiple of the stride {card.stride}"
    wrong = wrong or wrong_labels
    if wrong:
        raise ValueError(f"Dataset <{patch_set.folder}> does not fit model <{card.name}>: {wrong}")
    card.check_resolution(export.region["nsres"], export.region["ewres"], patch_set.folder)
    found = [place for place in places if place is not None]
    return PatchReader([patch_set.patches(split, found)], card.fill_values)


def _missing_bands(card: ModelCard, manifest: Manifest, places: Sequence[int | None]) -> str:
    """Which bands of a model cannot be found in a dataset, and what to do."""
    wanted, found = number_of_dates(card.bands), number_of_dates(manifest.bands)
    if wanted != found:
        how = "with" if wanted > found else "without"
        what = f"{how} a second date (after of i.dl.patches)"
        if days_of(card.bands):
            what = "from as many dates (strds and where of i.dl.patches)"
        return f"{names_mismatch(card.bands, manifest.bands)}: cut the patches {what}"
    missed = [band for band, place in zip(card.bands, places, strict=True) if place is None]
    offered = {band.label: band for band in manifest.bands}
    for one in missed:
        other = offered.get(one.label, one)
        if other.transform != one.transform:
            return str(names_mismatch([replace(one, date=0)], [replace(other, date=0)]))
    missing = ", ".join(f"<{band.label}>" for band in missed)
    names = ", ".join(band.label for band in manifest.bands)
    return (
        f"the model takes bands by name, and its {missing} cannot be found among the dataset's "
        f"bands ({names}): cut the patches with i.dl.patches bands= and the model's names"
    )


def _codes_in(classes: ClassScheme, patch_set: PatchSet) -> np.ndarray:
    """Class index by label code of a dataset, (256,) uint8; codes of no class are kept."""
    codes = np.arange(256, dtype=np.uint8)
    own = patch_set.manifest.classes
    codes[: len(own)] = classes.places_of(own)
    return codes
