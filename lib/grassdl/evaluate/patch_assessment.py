# SPDX-License-Identifier: GPL-2.0-or-later
"""A model scored on patches that it was not trained on, as a whole and area by area."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..core import accuracy
from ..core.accuracy import margins_of
from ..core.bands import places_of
from ..core.classes import NULL_INDEX, UNLABELLED_INDEX, ClassScheme, union
from ..dataset.folds import as_trained
from ..dataset.manifest import Manifest
from ..dataset.patchset import PatchSet
from ..dataset.reader import PatchReader
from ..dataset.seen import leaks
from ..model.card import ModelCard
from ..model.ensemble import Model, Predict
from ..model.weights import predictor
from .metrics.bootstrap import block_intervals
from .metrics.calibration import CalibrationCounts, calibration_report, fit_temperature
from .metrics.confusion_counts import MAX_BLOCKS
from .settings import CENSUS

FITTED_PIXELS = 1_000_000
"""Pixels that a temperature is fitted to; one number needs no more."""

BATCH = 16
"""Patches that are predicted at a time."""

AREA_FIGURES = ("pixels", *accuracy.HEADLINE)


def score_patches(
    predict: Predict, card: ModelCard, patch_sets: Sequence[PatchSet], split: str, seed: int
) -> dict[str, Any]:
    """Score a model on a split of datasets.

    The bootstrap's blocks are the patches, since neighbouring cells are not independent; of more
    than `MAX_BLOCKS` patches, several one after another make a block.

    Args:
        predict: The model's network.
        card: What the model knows.
        patch_sets: The datasets.
        split: "train", "val" or "test".
        seed: Seed of the bootstrap.

    Returns:
        The object of `assess` for the patches, and `areas` with the summary of each dataset,
        which shows how the model transfers, and `leaks`, see `dataset.seen.leaks`.

    Raises:
        ValueError: A dataset does not fit the model, or no pixel of the split is labelled.
    """
    patch_sets = _as_trained(card, patch_sets)
    readers = [_reader(card, one, split) for one in patch_sets]
    classes = _all_classes(card, patch_sets)
    table = _Table(sum(map(len, readers)), len(classes))
    calibration = CalibrationCounts()
    areas = []
    for one, reader in zip(patch_sets, readers, strict=True):
        before = table.counts.copy()
        _count(predict, card, one, reader, classes, table, calibration)
        summary = _summary(table.counts - before, classes)
        areas.append({"dataset": one.folder.name, **summary})
    if not table.counts.any():
        raise ValueError(f"No pixel of the {split} patches is labelled: there is nothing to score")
    names = ", ".join(one.folder.name for one in patch_sets)
    unknown = np.setdiff1d(classes.values[table.counts.any(axis=0)], card.classes.values)
    size = patch_sets[0].manifest.export.size
    return {
        "classification": f"model {card.name}",
        "reference": f"{split} patches of {names}",
        "design": CENSUS,
        **accuracy.report(table.counts, classes),
        "left_out": {
            "null": int(table.codes[NULL_INDEX]),
            "unlabelled": int(table.codes[UNLABELLED_INDEX]),
        },
        "intervals": block_intervals(table.filled_blocks, list(classes), size, seed),
        "calibration": {
            **calibration_report(calibration, unknown.tolist()),
            "temperature": card.temperature,
        },
        "areas": areas,
        "leaks": [
            found for one in patch_sets for found in leaks(card.name, card.seen_areas, one, split)
        ],
    }


def _as_trained(card: ModelCard, patch_sets: Sequence[PatchSet]) -> list[PatchSet]:
    """Datasets with the splits of a model, whose validation patches may be those of a fold."""
    fold = card.training.get("fold")
    return [as_trained(one, card.dataset_ids, fold) for one in patch_sets]


class _Table:
    """Counts of all patches together, and margins by block: a patch, or several one after another.

    Memory depends on the number of classes: there are never more than `MAX_BLOCKS` blocks.

    Args:
        patches: Number of patches.
        classes: Number of classes.

    Attributes:
        counts: (classes, classes) int64, rows = classification.
        codes: Pixels of every label code, (256,).
    """

    def __init__(self, patches: int, classes: int):
        self.counts = np.zeros((classes, classes), np.int64)
        self.codes = np.zeros(256, np.int64)
        self._by_block = max(1, -(-patches // MAX_BLOCKS))
        self._blocks = np.zeros((-(-patches // self._by_block), 3, classes))
        self._patches = 0

    def add(self, found: np.ndarray, truth: np.ndarray) -> None:
        """Add the class indices of the next patch and what they should be."""
        counted = accuracy.confusion_counts(found, truth, len(self.counts))
        self.counts += counted
        self._blocks[self._patches // self._by_block] += margins_of(counted)
        self._patches += 1

    @property
    def filled_blocks(self) -> np.ndarray:
        """Margins (blocks, 3, classes) of the blocks with labelled pixels."""
        return self._blocks[self._blocks.any(axis=(1, 2))]


def _reader(card: ModelCard, patch_set: PatchSet, split: str) -> PatchReader:
    """The patches of a dataset with the bands of a model.

    Raises:
        ValueError: Its bands, cells, patch size or labels are not the model's.
    """
    manifest = patch_set.manifest
    export = manifest.export
    places = places_of(card.bands, manifest.bands)
    found = [place for place in places if place is not None]
    wrong = None
    if len(found) < len(places):
        wrong = _missing_bands(card, manifest, places)
    elif export.size % card.stride:
        wrong = f"patches of {export.size} cells are no multiple of the stride {card.stride}"
    labels = {one.value: one.label for one in card.classes}
    for one in manifest.classes:
        known = labels.get(one.value, one.label)
        if wrong is None and known != one.label and not one.numbered:
            wrong = f"class {one.value} is <{known}> there and <{one.label}> here"
    if wrong:
        raise ValueError(f"Dataset <{patch_set.folder}> does not fit model <{card.name}>: {wrong}")
    card.check_resolution(export.region["nsres"], export.region["ewres"])
    return PatchReader([patch_set.patches(split, found)], card.fill_values)


def _missing_bands(card: ModelCard, manifest: Manifest, places: Sequence[int | None]) -> str:
    """Which bands of a model cannot be found in a dataset, and what to do."""
    pairs = zip(card.bands, places, strict=True)
    missing = ", ".join(f"<{band.name}>" for band, place in pairs if place is None)
    names = ", ".join(band.name for band in manifest.bands)
    return (
        f"the model takes bands by name, and its {missing} cannot be found among the dataset's "
        f"bands ({names}): cut the patches with i.dl.patches bands= and the model's names"
    )


def _all_classes(card: ModelCard, patch_sets: Sequence[PatchSet]) -> ClassScheme:
    """The classes of the model and the datasets: what the model does not know counts as missed."""
    return union([card.classes, *(one.manifest.classes for one in patch_sets)])


def _count(
    predict: Predict,
    card: ModelCard,
    patch_set: PatchSet,
    reader: PatchReader,
    classes: ClassScheme,
    table: _Table,
    calibration: CalibrationCounts,
) -> None:
    """Add the patches of a dataset to the counts."""
    predicted_index = classes.places_of(card.classes)
    label_index = _codes_in(classes, patch_set)
    channel = _codes_in(card.classes, patch_set)
    for _, images, truth in reader.batches(BATCH):
        warm = card.tempered(predict(images))
        labelled = label_index[truth] < len(classes)
        calibration.add(warm[labelled].T, channel[truth][labelled].astype(np.intp))
        table.codes += np.bincount(truth.ravel(), minlength=256)
        found = predicted_index[warm.argmax(axis=-1)]
        for one, other in zip(found, label_index[truth], strict=True):
            table.add(one, other)


def _codes_in(classes: ClassScheme, patch_set: PatchSet) -> np.ndarray:
    """Class index by label code of a dataset, (256,) uint8; what is no class stays what it is."""
    codes = np.arange(256, dtype=np.uint8)
    own = patch_set.manifest.classes
    codes[: len(own)] = classes.places_of(own)
    codes[len(own) : NULL_INDEX] = UNLABELLED_INDEX
    return codes


def warmed(model: Model, patch_sets: Sequence[PatchSet], seed: int) -> Model:
    """A model with the temperature, of each member its own, that suits the validation patches.

    Args:
        model: The model; its cards are changed.
        patch_sets: The datasets.
        seed: See `temperature_of`.

    Raises:
        ValueError: See `temperature_of`.
    """
    for one in model.members:
        one.card.temperature = temperature_of(predictor(one.folder), one.card, patch_sets, seed)
    return model


def temperature_of(
    predict: Predict, card: ModelCard, patch_sets: Sequence[PatchSet], seed: int
) -> float:
    """The temperature that suits the validation patches of datasets.

    Args:
        predict: The model's network.
        card: What the model knows.
        patch_sets: The datasets.
        seed: Seed of the choice of `FITTED_PIXELS` pixels, the same number of every patch.

    Raises:
        ValueError: A dataset does not fit the model, or no validation pixel is labelled.
    """
    patch_sets = _as_trained(card, patch_sets)
    readers = [_reader(card, one, "val") for one in patch_sets]
    patches = sum(map(len, readers))
    most = -(-FITTED_PIXELS // max(patches, 1))
    step = -(-patches // FITTED_PIXELS)
    rng = np.random.default_rng(seed)
    found, truths = [], []
    for one, reader in zip(patch_sets, readers, strict=True):
        channel = _codes_in(card.classes, one)
        for _, images, labels in reader.batches(BATCH, np.arange(0, len(reader), step or 1)):
            for shares, codes in zip(predict(images), channel[labels], strict=True):
                known = np.flatnonzero(codes.ravel() < len(card.classes))
                chosen = rng.choice(known, min(most, len(known)), replace=False)
                found.append(shares.reshape(-1, shares.shape[-1])[chosen])
                truths.append(codes.ravel()[chosen])
    if not any(len(one) for one in truths):
        raise ValueError("No validation pixel is labelled: no temperature can be fitted")
    return fit_temperature(np.concatenate(found), np.concatenate(truths).astype(np.intp))


def _summary(counts: np.ndarray, classes: ClassScheme) -> dict[str, Any]:
    report = accuracy.report(counts, classes)
    return {key: report[key] for key in AREA_FIGURES}
