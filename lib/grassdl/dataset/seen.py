# SPDX-License-Identifier: GPL-2.0-or-later
"""The ground that a model was trained on, and the patches that share cells with it.

`model.json` keeps, in its areas, the places of the training and validation patches: scores on
cells of these places are too high, whatever dataset or map they come from.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from .areas import DEGREES_AROUND, Ground, area_of, ground_of, is_geographic
from .footprints import FOOTPRINTS_NAME, LAYER_NAME
from .manifest import SPLITS
from .patchset import PatchSet

SEEN_SPLITS = ("train", "val")
"""By the training patches the weights are learnt, by the validation patches they are chosen."""

MOST_PLACES = 200_000
"""Patches of a dataset whose places are kept, about a megabyte; of more, the region is."""

TOUCHING = 1e-3
"""Patches that overlap by less than this part of their edge are neighbours."""


def area_seen(patch_set: PatchSet) -> dict[str, Any]:
    """The area of a dataset for `model.json`: see `areas.area_of`, and `places`.

    `places` has for each of `SEEN_SPLITS` a list of lists: a row of the region's grid, and the
    columns at which patches begin there. It is missing where the dataset does not record them.
    """
    manifest = patch_set.manifest
    area = area_of(manifest)
    if patch_set.fold is not None:
        area["fold"] = patch_set.fold
    positions = positions_of(patch_set)
    count = sum(manifest.counts[split] for split in SEEN_SPLITS)
    if positions is None or count > MOST_PLACES:
        return area
    places = {split: _by_row(positions[split]) for split in SEEN_SPLITS}
    return {**area, "size": manifest.export.size, "places": places}


def positions_of(patch_set: PatchSet) -> dict[str, np.ndarray] | None:
    """Upper left cells (n, 2) of the patches of each split; None if the footprints are gone."""
    counts = patch_set.manifest.counts
    path = patch_set.folder.resolve() / FOOTPRINTS_NAME
    found = _positions_on_disk(path, sum(counts.values()) + 1)
    if found is None:
        return None
    try:
        found = patch_set.regrouped(found)
    # The table has fewer patches than the dataset.
    except IndexError:
        return None
    return found if all(len(found[one]) == count for one, count in counts.items()) else None


def _positions_on_disk(path: Path, most: int) -> dict[str, np.ndarray] | None:
    """Upper left cells by split of the first patches of a GeoPackage; None if it cannot be read."""
    try:
        # Read as a plain SQLite table, without GDAL, which training does not need.
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as file:
            rows = file.execute(
                f"SELECT split, row, col FROM {LAYER_NAME} ORDER BY split, place LIMIT ?",
                (most,),
            ).fetchall()
        found = {
            split: np.array([(int(row), int(col)) for own, row, col in rows if own == split])
            for split in SPLITS
        }
    except (sqlite3.Error, TypeError, ValueError):
        return None
    return {split: cells.reshape(-1, 2) for split, cells in found.items()}


def _by_row(positions: np.ndarray) -> list[list[int]]:
    ordered = sorted(positions.tolist())
    rows = groupby(ordered, key=lambda position: position[0])
    return [[row, *(col for _, col in own)] for row, own in rows]


@dataclass(frozen=True)
class Places:
    """Rectangles of one size on the ground.

    Attributes:
        ground: What their coordinates mean.
        centres: East and north of the centre of each, (n, 2) float64.
        size: Width and height in map units, (2,).
        exact: Whether they are patches; otherwise the region in which the patches lie.
    """

    ground: Ground
    centres: np.ndarray
    size: np.ndarray
    exact: bool = True

    @classmethod
    def of_area(cls, area: dict[str, Any], split: str) -> Places:
        """Where the patches of a split of a model's area lie."""
        ground = Ground.from_json(area)
        if "places" in area:
            positions = [(row, col) for row, *cols in area["places"][split] for col in cols]
            return cls(ground, *_patches(np.array(positions), area["size"], area))
        return cls(ground, *_regions(area, min(area["patches"].get(split, 0), 1)), exact=False)

    @classmethod
    def of_patches(cls, patch_set: PatchSet, split: str) -> Places:
        """Where the patches of a split of a dataset lie."""
        manifest = patch_set.manifest
        ground, positions = ground_of(manifest), positions_of(patch_set)
        region = manifest.export.region
        if positions is None:
            return cls(ground, *_regions(region, manifest.counts[split]), exact=False)
        return cls(ground, *_patches(positions[split], manifest.export.size, region))

    @property
    def everywhere(self) -> np.ndarray:
        """The centres, and where degrees go around the Earth those a turn to both sides."""
        if not is_geographic(self.ground.crs):
            return self.centres
        turn = np.array([DEGREES_AROUND, 0.0])
        return np.concatenate([self.centres, self.centres - turn, self.centres + turn])

    def meet(self, other: Places) -> np.ndarray:
        """Which of these rectangles share cells with any of the others, (n,) bool."""
        from scipy.spatial import cKDTree

        counts = len(self.centres), len(other.centres)
        if not self.ground.is_shared_with(other.ground) or not all(counts):
            return np.zeros(counts[0], bool)
        # Two meet where their centres are less than half of both sizes apart, both ways.
        reach = (self.size + other.size) / 2
        nearest, _ = cKDTree(other.everywhere / reach).query(self.centres / reach, p=np.inf)
        return nearest < 1 - TOUCHING


def check_ground(patch_set: PatchSet, place: Mapping[str, Any]) -> None:
    """Refuse a dataset whose coordinates are not those of a session.

    Without a coordinate reference system the project must be the same.

    Args:
        patch_set: The dataset.
        place: `crs` and `project` of the session.

    Raises:
        ValueError: They are not.
    """
    own = ground_of(patch_set.manifest)
    if not own.is_shared_with(Ground(str(place["crs"]), str(place["project"]), own.maps)):
        raise ValueError(
            f"Dataset <{patch_set.folder}> was cut in another project or coordinate reference "
            "system: work there, or choose a dataset of this project"
        )


def places_here(patch_set: PatchSet, split: str, place: Mapping[str, Any]) -> Places:
    """Where the patches of a split of a dataset lie, in the coordinates of a session.

    Args:
        patch_set: The dataset.
        split: "train", "val" or "test".
        place: `crs` and `project` of the session.

    Raises:
        ValueError: The dataset is from elsewhere, or has no record of where its patches are.
    """
    check_ground(patch_set, place)
    places = Places.of_patches(patch_set, split)
    if not places.exact:
        raise ValueError(
            f"Dataset <{patch_set.folder}> does not record where its patches lie (patches.gpkg is "
            "missing or damaged): cut it again with i.dl.patches"
        )
    return places


def _patches(
    positions: np.ndarray, size: int, region: dict[str, Any]
) -> tuple[np.ndarray, np.ndarray]:
    """Centres (n, 2) and size of patches given by their upper left cells."""
    rows, cols = positions.reshape(-1, 2).T
    east = region["west"] + (cols + size / 2) * region["ewres"]
    north = region["north"] - (rows + size / 2) * region["nsres"]
    return np.stack([east, north], axis=-1), np.array([region["ewres"], region["nsres"]]) * size


def _regions(region: dict[str, Any], times: int) -> tuple[np.ndarray, np.ndarray]:
    """Centre of a region, repeated, and its size."""
    low, high = (
        np.array([region[a], region[b]]) for a, b in (("west", "south"), ("east", "north"))
    )
    return np.tile((low + high) / 2, (times, 1)), high - low


def leaks(
    model: str, areas: Sequence[dict[str, Any]], patch_set: PatchSet, split: str
) -> list[dict[str, Any]]:
    """The patches of a split that share cells with the training of a model.

    Args:
        model: Name of the model.
        areas: Where it was trained, see `ModelCard.seen_areas`.
        patch_set: The dataset.
        split: "train", "val" or "test".

    Returns:
        For each split that the model has seen, and that some patches share cells with, an object:
        `model`, `seen_as`, `where`, `patches`, `of`, `share` and `exact`, see `sentence`.
    """
    own, manifest = Places.of_patches(patch_set, split), patch_set.manifest
    total = len(own.centres)
    found = []
    for seen_as in SEEN_SPLITS:
        met, exact = np.zeros(total, bool), True
        for area in areas:
            same_fold = split == "test" or area.get("fold") == patch_set.fold
            if area["dataset_id"] == manifest.dataset_id and same_fold:
                # Splits of one dataset are separate; all its folds have the same test split.
                met |= split == seen_as
                continue
            places = Places.of_area(area, seen_as)
            here = own.meet(places)
            exact = exact and (own.exact and places.exact or not here.any())
            met |= here
        if met.any():
            where = f"{split} patches of dataset {patch_set.folder.name}"
            found.append(leak(model, seen_as, where, int(met.sum()), total, exact))
    return found


def leak(
    model: str, seen_as: str, where: str, patches: int, total: int, exact: bool
) -> dict[str, Any]:
    """A leak as a JSON object, see `leaks`."""
    return {
        "model": model,
        "seen_as": seen_as,
        "where": where,
        "patches": patches,
        "of": total,
        "share": patches / total,
        "exact": exact,
    }


def sentence(found: dict[str, Any], consequence: str = "the scores may be too high") -> str:
    """A leak and its consequence, for the user."""
    done = {"train": "was trained", "val": "was validated, which chose its best epoch"}
    lie = "lie" if found["exact"] else "may lie"
    share = 100 * found["patches"] / max(found["of"], 1)
    return (
        f"{found['patches']} of {found['of']} {found['where']} {lie} where model "
        f"<{found['model']}> {done[found['seen_as']]} ({share:.1f} %): {consequence}"
    )
