# SPDX-License-Identifier: GPL-2.0-or-later
"""Settings of an evaluation, checked before any map is read."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from ..core.classes import MAX_VALUE
from ..core.options import check_range, number, numbers, positive, whole, wholes
from .metrics.thresholds import NOTHING_WANTED, Wanted

CENSUS, STRATIFIED = "census", "stratified"

LEAST_ERROR = 1e-6
"""Least standard error: it needs 250 000 000 000 points, and smaller ones overflow."""

MOST_DISTANCE = 1000
"""Largest distance in cells: as many rows above and below are in memory."""

MOST_REPEATS = 1000
"""Most permutations of a band; intervals are narrow with far fewer."""

_FOR_CELLS = (
    "block_size",
    "distance",
    "objects",
    "object_areas",
    "minsize",
    "segments",
    "probabilities",
    "difference",
    "residuals",
    "background",
)
_FOR_MAPS = (
    "background",
    "block_size",
    "compare",
    "design",
    "distance",
    "minsize",
    "object_areas",
    "objects",
    "probabilities",
    "residuals",
    "segments",
    "strata",
)


_NOT_HELD_BACK = {
    "points": "points are a sample of the whole map, leave dataset out",
    "design": "all cells of the patches are compared, leave design out",
}
"""Options that cannot be combined with scoring a map on patches of a dataset, and why."""


@dataclass(frozen=True)
class Settings:
    """The settings of an evaluation.

    Attributes:
        design: How the reference was chosen: "census", "random" or "stratified".
        wanted_error: Standard error of the overall accuracy for which a sample size is wanted.
        block_size: Edge of the bootstrap's blocks in cells; 0 for the usual one.
        seed: Seed of the bootstrap.
        distances: Distances in cells at which borders are compared.
        objects: Values of the classes whose objects are matched.
        minsize: Cells that an object has at least.
        probabilities: Prefix of the maps of probabilities, or "".
        wanted: The wanted precision or recall.
        importance: How often each band is permuted for its importance; 0 for none.
        background: Class value of the cells without class in the reference, or None.
        matrix: Whether a table of the confusion matrix is wanted.

    Raises:
        ValueError: A number is out of range.
    """

    design: str = CENSUS
    wanted_error: float = 0.01
    block_size: int = 0
    seed: int = 1
    distances: tuple[float, ...] = ()
    objects: tuple[int, ...] = ()
    minsize: int = 1
    probabilities: str = ""
    wanted: Wanted = NOTHING_WANTED
    importance: int = 0
    background: int | None = None
    matrix: bool = False

    def __post_init__(self) -> None:
        if not LEAST_ERROR <= self.wanted_error < 0.5:
            raise ValueError(
                f"<standard_error> must be at least {LEAST_ERROR:g} and below 0.5, found "
                f"{self.wanted_error:g}"
            )
        if self.block_size < 0:
            raise ValueError(f"<block_size> must be at least 1, found {self.block_size}")
        if self.seed < 0:
            raise ValueError(f"<seed> must not be negative, found {self.seed}")
        if self.background is not None and not 0 <= self.background <= MAX_VALUE:
            raise ValueError(
                f"<background> is a class value from 0 to {MAX_VALUE}, found {self.background}"
            )
        for distance in self.distances:
            if not 0 <= distance < math.inf:
                raise ValueError(f"<distance> must be at least 0 cells, found {distance:g}")
            check_range("distance", distance, 0, MOST_DISTANCE)

    @classmethod
    def from_options(cls, options: Mapping[str, str]) -> Settings:
        """The settings of the module's options.

        Raises:
            ValueError: Options cannot be combined, or a number is out of range.
        """
        return cls(
            design=_design(options),
            wanted_error=number(options, "standard_error"),
            block_size=positive(options, "block_size", default=0),
            seed=whole(options, "seed", 0),
            distances=numbers(options, "distance", 0),
            objects=wholes(options, "objects"),
            minsize=positive(options, "minsize", default=1),
            probabilities=options["probabilities"],
            wanted=_wanted(options),
            importance=_importance(options),
            background=whole(options, "background", 0) if options["background"] else None,
            matrix=bool(options["matrix"]),
        )


def _importance(options: Mapping[str, str]) -> int:
    if options["importance"] and not options["model"]:
        raise ValueError(
            "Option importance runs the network with bands changed: give model and dataset, "
            "instead of a class map"
        )
    return whole(options, "importance", 1, MOST_REPEATS) if options["importance"] else 0


def _wanted(options: Mapping[str, str]) -> Wanted:
    """The wanted precision or recall, which needs probabilities of maps or of a model."""
    given = [key for key in ("wanted_precision", "wanted_recall") if options[key]]
    if given and not (options["model"] or options["probabilities"]):
        raise ValueError(
            f"Option {given[0]} chooses among probabilities: give those of the map "
            "(probabilities), or model and dataset"
        )
    found = {key: number(options, key, 0, 1) for key in given}
    return Wanted(found.get("wanted_precision"), found.get("wanted_recall"))


def _check_held_back(options: Mapping[str, str]) -> None:
    """Refuse options that cannot be combined with scoring a map on patches of a dataset."""
    for key, why in _NOT_HELD_BACK.items():
        if options[key] and options[key] != CENSUS:
            raise ValueError(f"Option {key} cannot be combined with dataset and a map: {why}")


def _design(options: Mapping[str, str]) -> str:
    """The sampling design, which must fit the reference."""
    if options["model"]:
        for key in _FOR_MAPS:
            if options[key]:
                raise ValueError(f"Option {key} is for maps: leave it out when a model is scored")
        return CENSUS
    if options["dataset"]:
        _check_held_back(options)
    design = options["design"] or ("random" if options["points"] else CENSUS)
    if options["points"]:
        if design == CENSUS:
            raise ValueError("Points are a sample: use design=random or design=stratified")
        for key in _FOR_CELLS:
            if options[key]:
                raise ValueError(f"Option {key} needs a reference or areas, not points")
    if options["strata"] and design != STRATIFIED:
        raise ValueError(
            f"Option strata is for design=stratified, not {design}: give design=stratified, too"
        )
    if options["background"] and design != CENSUS:
        raise ValueError(f"With design={design} other cells are not sampled: leave background out")
    if options["areas"] and design != CENSUS:
        raise ValueError(
            f"design={design} is for single cells or points, areas are clusters of cells: "
            "draw points in them, or use design=census"
        )
    return design
