# SPDX-License-Identifier: GPL-2.0-or-later
"""The scores of a model of values on patches that it was not trained on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core.label_codes import VALUE_CODES
from ..core.target import VALUE
from ..core.value_accuracy import HEADLINE, SUMS, report
from ..core.values import ValueTarget
from ..dataset.patchset import PatchSet
from ..dataset.reader import PatchReader
from ..model.card import ModelCard
from ..model.ensemble import Predict
from .metrics.confusion_counts import MAX_BLOCKS
from .metrics.value_tally import SAMPLED_CELLS, ValueTally
from .scored_patches import BATCH, SplitPatches, patch_reader, sampled
from .settings import CENSUS


@dataclass(frozen=True)
class ValueBatch:
    """Some patches of a dataset.

    Attributes:
        images: Bands in the model's order (n, size, size, bands) float32.
        values: Labels (n, size, size) float32, as `VALUE_CODES` has them.
    """

    images: np.ndarray
    values: np.ndarray

    @property
    def labelled(self) -> np.ndarray:
        """Which cells have a value (n, size, size)."""
        return VALUE_CODES.is_labelled(self.values)

    @property
    def has_data(self) -> np.ndarray:
        """Which cells are not NULL, labelled or not (n, size, size)."""
        return ~VALUE_CODES.is_null(self.values)


class ValuePatches(SplitPatches):
    """The patches of a split of several datasets, for a model of values.

    Args:
        card, patch_sets, split: See `SplitPatches`.

    Attributes:
        target: What the model predicts.
        origin: Mean of the model's training, see `value_accuracy.sums_of`.
        pairs: Predicted and reference values (n,) of a sample of cells, once they are scored.

    Raises:
        ValueError: A dataset does not fit the model, or no pixel of the split is labelled.
    """

    def __init__(self, card: ModelCard, patch_sets: Sequence[PatchSet], split: str):
        super().__init__(card, patch_sets, split)
        self._parts = [
            (one.folder.name, patch_reader(card, one, split, _wrong_target(card, one)))
            for one in self.patch_sets
        ]
        assert isinstance(card.target, ValueTarget)
        self.target = card.target
        self.origin = card.target.mean
        self.pairs: tuple[np.ndarray, np.ndarray] = np.zeros(0), np.zeros(0)
        if not sum(sum(one.manifest.pixels[split]) for one in self.patch_sets):
            raise ValueError(
                f"No pixel of the {split} patches is labelled: there is nothing to score"
            )

    def __len__(self) -> int:
        return sum(len(reader) for _, reader in self._parts)

    def batches(self, step: int = 1) -> Iterator[ValueBatch]:
        """The batches of all datasets; with a step only every n-th patch of each."""
        for _, reader in self._parts:
            yield from _batches(reader, step)

    def score(self, predict: Predict, seed: int) -> dict[str, Any]:
        """Score the model.

        The bootstrap's blocks are the patches; of more than `MAX_BLOCKS`, several make a block.

        Args:
            predict: The model's network.
            seed: Seed of the bootstrap.

        Returns:
            The object of `value_assessment.assess_values` for the patches, and `areas` with the
            figures of each dataset, and `leaks`.
        """
        tally = ValueTally(self._references(), self.patch_sets[0].manifest.export.size)
        by_block, parts = -(-len(self) // MAX_BLOCKS), []
        per_patch = max(1, SAMPLED_CELLS // max(len(self), 1))
        left_out = {"null": 0, "unlabelled": 0}
        areas, found, truth = [], [], []
        for name, reader in self._parts:
            sums = np.zeros(len(SUMS))
            for batch in _batches(reader):
                left_out["null"] += int(VALUE_CODES.is_null(batch.values).sum())
                left_out["unlabelled"] += int(VALUE_CODES.is_unlabelled(batch.values).sum())
                for values, codes in zip(predict(batch.images)[..., 0], batch.values, strict=True):
                    known = VALUE_CODES.is_labelled(codes)
                    parts.append(tally.sums(values[known], codes[known]))
                    sums += parts[-1]
                    step = max(1, int(known.sum()) // per_patch)
                    found.append(values[known][::step])
                    truth.append(codes[known][::step])
                    if len(parts) == by_block:
                        tally.add_block(parts)
                        parts = []
            summary = report(sums, tally.origin)
            areas.append({"dataset": name, **{key: summary[key] for key in ("pixels", *HEADLINE)}})
        if parts:
            tally.add_block(parts)
        self.pairs = np.concatenate(found), np.concatenate(truth)
        return {
            "classification": f"model {self.card.name}",
            "reference": f"{self.split} patches of {', '.join(name for name, _ in self._parts)}",
            "target": VALUE,
            **({"units": self.target.units} if self.target.units else {}),
            "design": CENSUS,
            **tally.report(seed),
            "left_out": left_out,
            "areas": areas,
            "leaks": self.leaks,
        }

    def _references(self) -> np.ndarray:
        """Values of a sample of cells of all patches, from which ranges are made."""
        step, most = sampled(self, SAMPLED_CELLS)
        found = []
        for part in (part for _, reader in self._parts for part in reader.parts):
            for place in range(0, len(part), step):
                (values,) = part.own_labels(slice(place, place + 1))
                own = values[VALUE_CODES.is_labelled(values)]
                found.append(own[:: max(1, -(-len(own) // most))])
        return np.concatenate(found)


def _batches(reader: PatchReader, step: int = 1) -> Iterator[ValueBatch]:
    for _, images, values in reader.batches(BATCH, np.arange(0, len(reader), step)):
        yield ValueBatch(images, values)


def _wrong_target(card: ModelCard, patch_set: PatchSet) -> str | None:
    """Why the labels of a dataset are not what a model predicts, or None."""
    target = patch_set.manifest.target
    if target.kind != card.target.kind:
        return f"it is of {target.summary}, the model of {card.target.summary}"
    return card.target.difference(target)
