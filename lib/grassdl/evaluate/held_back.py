# SPDX-License-Identifier: GPL-2.0-or-later
"""A map scored where a dataset holds cells back from training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core.text import listed
from ..dataset.patchset import PatchSet
from ..dataset.seen import Places, places_here
from ..dataset.windows import Windows
from ..model.card import ModelCard
from .scored_patches import with_splits_of


@dataclass(frozen=True)
class HeldBackCells:
    """The cells of a region that lie in patches of one split of some datasets.

    Attributes:
        split: "train", "val" or "test".
        datasets: Names of the datasets.
        windows: Where the patches lie in the region.
    """

    split: str
    datasets: Sequence[str]
    windows: Windows

    @classmethod
    def of(
        cls,
        patch_sets: Sequence[PatchSet],
        split: str,
        place: Mapping[str, Any],
        card: ModelCard | None = None,
    ) -> HeldBackCells:
        """The cells of the patches of datasets.

        Args:
            patch_sets: The datasets.
            split: "train", "val" or "test".
            place: `crs`, `project` and `region` of the evaluation.
            card: Of the model that made the map, if it is known: of a dataset with folds the
                validation patches are then those of its fold.

        Raises:
            ValueError: A dataset is from another coordinate reference system or has no record of
                where its patches are, or none of them lies in the region.
        """
        if card is not None:
            patch_sets = with_splits_of(card, patch_sets)
        places = [_places(one, split, place) for one in patch_sets]
        windows = Windows.of(places, place["region"])
        names = [one.folder.name for one in patch_sets]
        if not windows:
            there = sum(one.manifest.counts[split] for one in patch_sets)
            raise ValueError(
                f"None of the {there} {split} patches of {_named(names)} lies in the current "
                "region: choose another region (g.region), dataset or split"
            )
        return cls(split, names, windows)

    def contains(self, row: int, rows: int) -> np.ndarray:
        """Which cells (rows, cols) of rows `row` to `row + rows` are among them."""
        return self.windows.contains(row, rows)

    def to_json(self) -> dict[str, Any]:
        """The fields of the report."""
        return {"split": self.split, "datasets": list(self.datasets)}


def _places(patch_set: PatchSet, split: str, place: Mapping[str, Any]) -> Places:
    """Where the patches of a split of a dataset lie, in the coordinates of the evaluation."""
    if not patch_set.manifest.counts[split]:
        raise ValueError(
            f"Dataset <{patch_set.folder}> has no {split} patches: choose another split"
        )
    return places_here(patch_set, split, place)


def _named(names: Sequence[str]) -> str:
    return f"dataset{'s' if len(names) > 1 else ''} {listed(names)}"
