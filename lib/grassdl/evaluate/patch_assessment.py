# SPDX-License-Identifier: GPL-2.0-or-later
"""The scores of a model on patches that it was not trained on, as a whole and by dataset."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..core import accuracy
from ..core.accuracy import margins_of
from ..core.classes import NULL_INDEX, UNLABELLED_INDEX, ClassScheme
from ..dataset.patchset import PatchSet
from ..model.card import ModelCard
from ..model.ensemble import Predict
from .metrics.bootstrap import block_intervals
from .metrics.calibration import CalibrationCounts, calibration_report
from .metrics.confusion_counts import MAX_BLOCKS
from .metrics.thresholds import NOTHING_WANTED, ThresholdCounts, Wanted, threshold_report
from .scored_patches import DatasetPatches, ScoredPatches
from .settings import CENSUS

AREA_FIGURES = ("pixels", *accuracy.HEADLINE)


def score_patches(
    predict: Predict,
    card: ModelCard,
    patch_sets: Sequence[PatchSet],
    split: str,
    seed: int,
    wanted: Wanted = NOTHING_WANTED,
) -> dict[str, Any]:
    """Score a model on a split of datasets.

    The bootstrap's blocks are the patches, since neighbouring cells are not independent; of more
    than `MAX_BLOCKS` patches, several one after another make a block.

    Args:
        predict: The model's network.
        card: The model's card.
        patch_sets: The datasets.
        split: "train", "val" or "test".
        seed: Seed of the bootstrap.
        wanted: The wanted precision or recall, for models of two classes.

    Returns:
        The object of `assess` for the patches, and `areas` with the summary of each dataset,
        which shows how the model transfers, and `leaks`, see `dataset.seen.leaks`.

    Raises:
        ValueError: A dataset does not fit the model, or no pixel of the split is labelled.
    """
    patches = ScoredPatches(card, patch_sets, split)
    classes = patches.classes
    table = _Table(len(patches), len(classes))
    calibration = CalibrationCounts()
    thresholds = ThresholdCounts() if len(card.classes) == 2 else None
    areas = []
    for part in patches.parts:
        before = table.counts.copy()
        _count(predict, card, part, classes, (table, calibration, thresholds))
        areas.append({"dataset": part.name, **_summary(table.counts - before, classes)})
    if not table.counts.any():
        raise ValueError(f"No pixel of the {split} patches is labelled: there is nothing to score")
    names = ", ".join(part.name for part in patches.parts)
    unknown = np.setdiff1d(classes.values[table.counts.any(axis=0)], card.classes.values)
    size = patch_sets[0].manifest.export.size
    return {
        "classification": f"model {card.name}",
        "reference": f"{split} patches of {names}",
        "design": CENSUS,
        **accuracy.report(table.counts, classes),
        "left_out": _left_out(table),
        "intervals": block_intervals(table.filled_blocks, list(classes), size, seed),
        "calibration": {
            **calibration_report(calibration, unknown.tolist()),
            # Each network of an ensemble has one of its own.
            "temperature": None if card.members else card.temperature,
        },
        **_thresholds(card, thresholds, wanted),
        "areas": areas,
        "leaks": patches.leaks,
    }


def _left_out(table: _Table) -> dict[str, int]:
    """Cells that are not scored, by reason."""
    return {
        "null": int(table.codes[NULL_INDEX]),
        "unlabelled": int(table.codes[UNLABELLED_INDEX]),
    }


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


def _count(
    predict: Predict,
    card: ModelCard,
    part: DatasetPatches,
    classes: ClassScheme,
    counts: tuple[_Table, CalibrationCounts, ThresholdCounts | None],
) -> None:
    """Add the patches of a dataset to the counts."""
    table, calibration, thresholds = counts
    predicted_index = classes.places_of(card.classes)
    for batch in part.batches():
        warm = card.tempered(predict(batch.images))
        known = batch.channel[batch.labelled].astype(np.intp)
        calibration.add(warm[batch.labelled].T, known)
        if thresholds is not None:
            thresholds.add(warm[batch.labelled].T, known)
        table.codes += np.bincount(batch.codes.ravel(), minlength=256)
        found = predicted_index[card.index_of(warm)]
        for one, other in zip(found, batch.truth, strict=True):
            table.add(one, other)


def _thresholds(
    card: ModelCard, counts: ThresholdCounts | None, wanted: Wanted
) -> dict[str, dict[str, Any]]:
    """The part of the report on thresholds; nothing of a model of other than two classes."""
    if counts is None:
        return {}
    second = list(card.classes)[1]
    return {"thresholds": threshold_report(counts, second, wanted, card.threshold)}


def _summary(counts: np.ndarray, classes: ClassScheme) -> dict[str, Any]:
    report = accuracy.report(counts, classes)
    return {key: report[key] for key in AREA_FIGURES}
