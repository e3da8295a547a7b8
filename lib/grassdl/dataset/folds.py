# SPDX-License-Identifier: GPL-2.0-or-later
"""Folds of a dataset: parts of its training and validation patches that validate in turn.

They are separated as splits are. On disk the first fold is the split val and all others are train,
so that a reader without folds reads it as any dataset; `train/folds.npy` has the fold of every
training patch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, reduce
from typing import Any

import numpy as np

from ..core.band_statistics import BandStatistics
from .manifest import Manifest
from .npy import read_array
from .patchset import JoinedPatchSets, PatchSet

FOLDS_NAME = "folds.npy"


class ChosenRows:
    """Chosen rows of several concatenated arrays, read as they are indexed.

    Args:
        parts: Arrays of one type, or what reads like them, and the places of the rows.
    """

    def __init__(self, parts: Sequence[tuple[Any, np.ndarray]]):
        self._parts = parts
        self._ends = np.cumsum([len(places) for _, places in parts])
        first = parts[0][0]
        self.dtype = first.dtype
        self.shape = (int(self._ends[-1]), *first.shape[1:])

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, chosen: slice | np.ndarray) -> np.ndarray:
        """The rows (n, ...) of some places, in memory of their own."""
        wanted = np.arange(len(self))[chosen]
        found = np.empty((len(wanted), *self.shape[1:]), self.dtype)
        owners = np.searchsorted(self._ends, wanted, side="right")
        for owner, (array, places) in enumerate(self._parts):
            own = owners == owner
            if own.any():
                found[own] = array[places[wanted[own] - self._ends[owner] + len(places)]]
        return found


@dataclass(frozen=True)
class FoldView(PatchSet):
    """A dataset with one of its folds for validation and the others for training.

    Attributes:
        whole: The dataset as it is on disk.
        number: The fold, from 1.
    """

    whole: PatchSet
    number: int

    @property
    def fold(self) -> int:
        """See `PatchSet.fold`."""
        return self.number

    def arrays(self, split: str) -> tuple[Any, Any]:
        """See `PatchSet.arrays`."""
        sources = self._sources[split]
        if len(sources) == 1 and sources[0][1] is None:
            return self.whole.arrays(sources[0][0])
        found = []
        for own, places in sources:
            images, labels = self.whole.arrays(own)
            found.append((images, labels, np.arange(len(labels)) if places is None else places))
        return (
            ChosenRows([(images, places) for images, _, places in found]),
            ChosenRows([(labels, places) for _, labels, places in found]),
        )

    def regrouped(self, by_split: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """See `PatchSet.regrouped`."""
        found = {}
        for split, parts in self._sources.items():
            rows = [by_split[own][slice(None) if one is None else one] for own, one in parts]
            found[split] = np.concatenate(rows)
        return found

    @cached_property
    def _sources(self) -> dict[str, list[tuple[str, np.ndarray | None]]]:
        """The splits on disk, and the places there, that the patches of each split come from; None
        for all."""
        if self.number == 1:
            return {split: [(split, None)] for split in ("train", "val", "test")}
        count = self.whole.manifest.counts["train"]
        path = self.whole.folder / "train" / FOLDS_NAME
        folds = read_array(path, (count,), np.dtype(np.uint8))
        own = folds == self.number
        return {
            "train": [("train", np.flatnonzero(~own)), ("val", None)],
            "val": [("train", np.flatnonzero(own))],
            "test": [("test", None)],
        }


def fold_of(patch_set: PatchSet, number: int) -> FoldView:
    """A dataset with one fold for validation.

    Args:
        patch_set: The dataset.
        number: The fold, from 1.

    Raises:
        ValueError: It has no such fold, or the record of the folds is missing or damaged.
    """
    folds = patch_set.manifest.folds
    if not folds:
        raise ValueError(
            f"Dataset <{patch_set.folder}> has no folds: cut it with i.dl.patches folds=, or leave "
            "out fold"
        )
    if not 1 <= number <= len(folds):
        raise ValueError(
            f"Dataset <{patch_set.folder}> has the folds 1 to {len(folds)}, not {number}"
        )
    view = FoldView(patch_set.folder, _seen_from(patch_set.manifest, number), patch_set, number)
    counts = {split: len(view.arrays(split)[1]) for split in view.manifest.counts}
    if counts != view.manifest.counts:
        raise ValueError(
            f"Dataset is damaged: <{patch_set.folder}/train/{FOLDS_NAME}> has other folds than the "
            "manifest"
        )
    return view


def number_of_folds(data: JoinedPatchSets) -> int:
    """The common number of folds of several datasets.

    Raises:
        ValueError: One has none, or another number than the first.
    """
    first, *others = data.patch_sets
    fold_of(first, 1)
    number = len(first.manifest.folds)
    for one in others:
        fold_of(one, 1)
        if len(one.manifest.folds) != number:
            raise ValueError(
                f"Datasets <{first.folder}> and <{one.folder}> have {number} and "
                f"{len(one.manifest.folds)} folds: cut them with the same folds="
            )
    return number


def joined_fold(data: JoinedPatchSets, number: int) -> JoinedPatchSets:
    """Several datasets as one, with the same fold of each for validation.

    Raises:
        ValueError: See `fold_of`.
    """
    return JoinedPatchSets([fold_of(one, number) for one in data.patch_sets], data.chosen_bands)


def as_trained(patch_set: PatchSet, dataset_ids: Sequence[str], fold: int | None) -> PatchSet:
    """A dataset with the splits that a model was trained on.

    Args:
        patch_set: The dataset.
        dataset_ids: Of the model.
        fold: The fold that validated it, or None.
    """
    if fold is None or patch_set.manifest.dataset_id not in dataset_ids:
        return patch_set
    return fold_of(patch_set, fold)


def _seen_from(manifest: Manifest, number: int) -> Manifest:
    """The manifest of a dataset with one fold for validation."""
    own = manifest.folds[number - 1]
    others = [one for place, one in enumerate(manifest.folds, start=1) if place != number]
    of_labels = _joined([one.label_statistics for one in others])
    return replace(
        manifest,
        statistics=_joined([one.statistics for one in others]),
        target=manifest.target.described_by(of_labels),
        pixels={
            **manifest.pixels,
            "train": np.sum([one.pixels for one in others], axis=0).tolist(),
            "val": own.pixels,
        },
        counts={
            **manifest.counts,
            "train": sum(one.patches for one in others),
            "val": own.patches,
        },
        label_statistics={
            **manifest.label_statistics,
            "train": of_labels,
            "val": own.label_statistics,
        },
    )


def _joined(folds: Sequence[list[BandStatistics]]) -> list[BandStatistics]:
    """Statistics of every band, or of the labels, over some folds."""
    by_band = zip(*folds, strict=True)
    return [reduce(BandStatistics.merge, band) for band in by_band]
