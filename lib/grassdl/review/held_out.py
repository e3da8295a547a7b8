# SPDX-License-Identifier: GPL-2.0-or-later
"""Labelled cells of datasets, and probabilities by networks that were not trained on them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ..dataset.patchset import PatchSet
from ..dataset.seen import positions_of, sentence
from ..evaluate.scored_patches import DatasetPatches, ScoredPatches
from ..model.card import ModelCard
from ..model.ensemble import Member, Model, Predict
from ..model.weights import predictor


@dataclass(frozen=True)
class LabelledCells:
    """Labelled cells of a dataset.

    Attributes:
        patches: Number of patches that they lie in.
        dataset: Index of the dataset among those that are reviewed.
        rows, cols: Where the cells lie in the dataset's region (n,).
        given: Their labels as indices of the model's classes (n,).
        probabilities: Of the model's classes (n, classes) float32.
    """

    patches: int
    dataset: int
    rows: np.ndarray
    cols: np.ndarray
    given: np.ndarray
    probabilities: np.ndarray


@dataclass(frozen=True)
class HeldOut:
    """The patches of a split that a model was not trained on.

    Attributes:
        card: Card of the model.
        source: The network, or all of them together.
        patches: The patches.
        positions: Upper left cells (n, 2) of those of each dataset.
    """

    card: ModelCard
    source: Member | Model
    patches: ScoredPatches
    positions: list[np.ndarray]

    @classmethod
    def of(
        cls, card: ModelCard, source: Member | Model, patch_sets: Sequence[PatchSet], split: str
    ) -> HeldOut:
        """Those of a split; of a dataset with folds as the model has it.

        Raises:
            ValueError: A dataset does not fit the model, or does not record where its patches are.
        """
        patches = ScoredPatches(card, patch_sets, split)
        return cls(card, source, patches, [_positions(one, split) for one in patches.patch_sets])

    def __len__(self) -> int:
        return len(self.patches)

    def predictor(self) -> Predict:
        """The function that computes the probabilities; imports Keras."""
        if isinstance(self.source, Member):
            return predictor(self.source.folder)
        return self.source.predictor()

    def cells(self, predict: Predict) -> Iterator[LabelledCells]:
        """The labelled cells of all patches whose class the model has, some patches at a time.

        Args:
            predict: As `predictor` returns it.
        """
        for number, (part, places) in enumerate(
            zip(self.patches.parts, self.positions, strict=True)
        ):
            yield from self._cells_of(predict, number, part, places)

    def _cells_of(
        self, predict: Predict, dataset: int, part: DatasetPatches, places: np.ndarray
    ) -> Iterator[LabelledCells]:
        done = 0
        for batch in part.batches():
            probabilities = self.card.tempered(predict(batch.images))
            known = batch.labelled & (batch.channel < len(self.card.classes))
            patch, row, col = np.nonzero(known)
            corner = places[done + patch]
            done += len(batch.images)
            yield LabelledCells(
                len(batch.images),
                dataset,
                corner[:, 0] + row,
                corner[:, 1] + col,
                batch.channel[known].astype(np.intp),
                probabilities[known],
            )


def held_out(model: Model, patch_sets: Sequence[PatchSet]) -> list[HeldOut]:
    """The patches of datasets that a model was not trained on.

    These are the validation and test patches. Each network of an ensemble of folds predicts the
    fold that validated it, so that together they predict all patches.

    Args:
        model: The model.
        patch_sets: The datasets.

    Raises:
        ValueError: A dataset does not fit the model, or there are no such patches.
    """
    folded = [one for one in model.members if one.card.training.get("fold")]
    judges: list[Member | Model] = [*folded] if folded else [model]
    parts = [HeldOut.of(one.card, one, patch_sets, "val") for one in judges]
    parts.append(HeldOut.of(model.card, model, patch_sets, "test"))
    parts = [one for one in parts if len(one)]
    if not parts:
        raise ValueError(
            "The datasets have neither validation nor test patches, and suspects are searched "
            "where the model was not trained: cut them with i.dl.patches split= or folds="
        )
    return parts


def leak_warnings(parts: Sequence[HeldOut]) -> list[str]:
    """Warnings of patches on whose cells their network was trained with other datasets, if any."""
    found = [leak for part in parts for leak in part.patches.leaks]
    told = "wrong labels that it has learnt are not suspected"
    return [sentence(one, told) for one in found if one["seen_as"] == "train"]


def _positions(patch_set: PatchSet, split: str) -> np.ndarray:
    found = positions_of(patch_set)
    if found is None:
        raise ValueError(
            f"Dataset <{patch_set.folder}> does not record where its patches lie (patches.gpkg is "
            "missing or damaged): cut it again with i.dl.patches"
        )
    return found[split]
