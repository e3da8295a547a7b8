# SPDX-License-Identifier: GPL-2.0-or-later
"""A model scored on patches that it was not trained on, as a whole and area by area."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from .. import scores
from ..bands import names_mismatch
from ..classes import NULL_INDEX, UNLABELLED_INDEX, ClassScheme, union
from ..dataset.patchset import PatchSet
from ..margins import margins_of
from ..model import ModelCard
from .bootstrap import block_intervals
from .calibration import CalibrationCounts, calibration_report, fit_temperature
from .settings import CENSUS

FITTED_PIXELS = 1_000_000
"""Pixels that a temperature is fitted to; one number needs no more."""

BATCH = 16
"""Patches that are predicted at a time."""

AREA_FIGURES = ("pixels", "overall_accuracy", "kappa", "f1_macro", "mean_iou")

Predict = Callable[[np.ndarray], np.ndarray]
"""Turns images (n, size, size, bands) float32 into probabilities (n, size, size, classes)."""


def score_patches(
    predict: Predict, card: ModelCard, patch_sets: Sequence[PatchSet], split: str, seed: int
) -> dict:
    """Score a model on a split of datasets.

    The bootstrap's blocks are the patches, since neighbouring cells are not independent.

    Args:
        predict: The model's network.
        card: What the model knows.
        patch_sets: The datasets.
        split: "train", "val" or "test".
        seed: Seed of the bootstrap.

    Returns:
        The object of `assess` for the patches, and `areas` with the summary of each dataset,
        which shows how the model transfers.

    Raises:
        ValueError: A dataset does not fit the model, or no pixel of the split is labelled.
    """
    for one in patch_sets:
        _check_fits(one, card)
    classes = _all_classes(card, patch_sets)
    tables, left_out = [], {"null": 0, "unlabelled": 0}
    calibration = CalibrationCounts()
    for one in patch_sets:
        counted, codes = _count(predict, card, one, split, classes, calibration)
        tables.append(counted)
        left_out["null"] += int(codes[NULL_INDEX])
        left_out["unlabelled"] += int(codes[UNLABELLED_INDEX])
    patches = np.concatenate(tables)
    if not patches.any():
        raise ValueError(f"No pixel of the {split} patches is labelled: there is nothing to score")
    names = ", ".join(one.folder.name for one in patch_sets)
    counts = patches.sum(axis=0)
    unknown = np.setdiff1d(classes.values[counts.any(axis=0)], card.classes.values)
    margins = margins_of(patches[patches.any(axis=(1, 2))])
    size = patch_sets[0].manifest.export.size
    return {
        "classification": f"model {card.name}",
        "reference": f"{split} patches of {names}",
        "design": CENSUS,
        **scores.report(counts, classes),
        "left_out": left_out,
        "intervals": block_intervals(margins, list(classes), size, seed),
        "calibration": {
            **calibration_report(calibration, unknown.tolist()),
            "temperature": card.temperature,
        },
        "areas": [
            {"dataset": one.folder.name, **_summary(table.sum(axis=0), classes)}
            for one, table in zip(patch_sets, tables, strict=True)
        ],
    }


def _check_fits(patch_set: PatchSet, card: ModelCard) -> None:
    """Refuse a dataset whose bands, cells, patch size or labels are not the model's."""
    manifest = patch_set.manifest
    export = manifest.export
    wrong = names_mismatch(card.bands, manifest.bands)
    if wrong is None and export.size % card.stride:
        wrong = f"patches of {export.size} cells are no multiple of the stride {card.stride}"
    labels = {one.value: one.label for one in card.classes}
    for one in manifest.classes:
        known = labels.get(one.value, one.label)
        if wrong is None and known != one.label and not one.numbered:
            wrong = f"class {one.value} is <{known}> there and <{one.label}> here"
    if wrong:
        raise ValueError(f"Dataset <{patch_set.folder}> does not fit model <{card.name}>: {wrong}")
    card.check_resolution(export.region["nsres"], export.region["ewres"])


def _all_classes(card: ModelCard, patch_sets: Sequence[PatchSet]) -> ClassScheme:
    """The classes of the model and the datasets: what the model does not know counts as missed."""
    return union([card.classes, *(one.manifest.classes for one in patch_sets)])


def _count(
    predict: Predict,
    card: ModelCard,
    patch_set: PatchSet,
    split: str,
    classes: ClassScheme,
    calibration: CalibrationCounts,
) -> tuple[np.ndarray, np.ndarray]:
    """Tables (patches, classes, classes) of a dataset, and the pixels of every label code."""
    predicted_index = classes.places_of(card.classes)
    label_index = _codes_in(classes, patch_set)
    channel = _codes_in(card.classes, patch_set)
    count = patch_set.manifest.counts[split]
    tables = np.zeros((count, len(classes), len(classes)), np.int64)
    codes = np.zeros(256, np.int64)
    for first, probabilities, truth in _predicted(predict, card, patch_set, split):
        warm = card.tempered(probabilities)
        labelled = label_index[truth] < len(classes)
        calibration.add(warm[labelled].T, channel[truth][labelled].astype(np.intp))
        found = predicted_index[warm.argmax(axis=-1)]
        codes += np.bincount(truth.ravel(), minlength=256)
        for place in range(len(truth)):
            tables[first + place] = scores.confusion_counts(
                found[place], label_index[truth[place]], len(classes)
            )
    return tables, codes


def _codes_in(classes: ClassScheme, patch_set: PatchSet) -> np.ndarray:
    """Class index by label code of a dataset, (256,) uint8; what is no class stays what it is."""
    codes = np.arange(256, dtype=np.uint8)
    own = patch_set.manifest.classes
    codes[: len(own)] = classes.places_of(own)
    codes[len(own) : NULL_INDEX] = UNLABELLED_INDEX
    return codes


def _predicted(
    predict: Predict, card: ModelCard, patch_set: PatchSet, split: str
) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """First patch, probabilities (n, size, size, classes) and label codes of batches."""
    images, labels = patch_set.arrays(split)
    for first in range(0, len(images), BATCH):
        batch = np.asarray(images[first : first + BATCH], np.float32)
        truth = np.asarray(labels[first : first + BATCH])
        batch[truth == NULL_INDEX] = card.fill_values
        yield first, predict(batch), truth


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
    for one in patch_sets:
        _check_fits(one, card)
    patches = sum(one.manifest.counts["val"] for one in patch_sets)
    most = -(-FITTED_PIXELS // max(patches, 1))
    rng = np.random.default_rng(seed)
    found, truths = [], []
    for one in patch_sets:
        channel = _codes_in(card.classes, one)
        for _, probabilities, labels in _predicted(predict, card, one, "val"):
            for shares, codes in zip(probabilities, channel[labels], strict=True):
                known = np.flatnonzero(codes.ravel() < len(card.classes))
                chosen = rng.choice(known, min(most, len(known)), replace=False)
                found.append(shares.reshape(-1, shares.shape[-1])[chosen])
                truths.append(codes.ravel()[chosen])
    if not any(len(one) for one in truths):
        raise ValueError("No validation pixel is labelled: no temperature can be fitted")
    return fit_temperature(np.concatenate(found), np.concatenate(truths).astype(np.intp))


def _summary(counts: np.ndarray, classes: ClassScheme) -> dict:
    report = scores.report(counts, classes)
    return {key: report[key] for key in AREA_FIGURES}
