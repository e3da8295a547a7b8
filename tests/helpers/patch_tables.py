# SPDX-License-Identifier: GPL-2.0-or-later
"""Every sampling design and every split scheme there is, made for any scene.

A new one takes one row here, and runs through the batteries of `test_sampling.py`,
`test_splits.py` and `test_plan.py` in `tests/patches`; its own tests say what only it promises.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from array_reader import ArrayLabels, ArrayStrata
from grassdl.core.classes import NO_STRATUM
from grassdl.patches.sampling import (
    BalancedSampling,
    Grid,
    GridSampling,
    ObjectSampling,
    RandomSampling,
    SamplingDesign,
    StratifiedSampling,
)
from grassdl.patches.splits import BlockSplit, MapSplit, NoSplit, SplitScheme, parse_shares

SHARES = parse_shares([50, 25, 25])


@dataclass(frozen=True)
class DesignRow:
    """A sampling design.

    Attributes:
        name: Its name in the registry.
        make: Makes it for a grid, a number of patches and a source of randomness.
        within_blocks: Whether all its patches lie within one block each.
        gives_npatches: Whether it gives the number of patches where there is room.
        id: What tests are called that use it.
    """

    name: str
    make: Callable[[Grid, int, np.random.Generator], SamplingDesign]
    within_blocks: bool
    gives_npatches: bool
    id: str = ""

    def __str__(self) -> str:
        return self.id or self.name


def _strata(grid: Grid, rng: np.random.Generator) -> ArrayStrata:
    codes = np.array([0, 1, 4, NO_STRATUM], np.uint16)
    return ArrayStrata(rng.choice(codes, (grid.rows, grid.cols)))


def _objects(grid: Grid, npatches: int, rng: np.random.Generator) -> ObjectSampling:
    places = rng.random((npatches, 2)) * (grid.rows, grid.cols)
    return ObjectSampling(places, jitter=2, negatives=1.0, background=1)


EVERY_DESIGN = [
    DesignRow(
        "grid",
        lambda grid, npatches, rng: GridSampling(1 + npatches // 10),
        within_blocks=False,
        gives_npatches=False,
    ),
    DesignRow(
        "random",
        lambda grid, npatches, rng: RandomSampling(npatches),
        within_blocks=True,
        gives_npatches=True,
    ),
    DesignRow(
        "stratified",
        lambda grid, npatches, rng: StratifiedSampling(npatches),
        within_blocks=True,
        gives_npatches=True,
    ),
    DesignRow(
        "stratified",
        lambda grid, npatches, rng: StratifiedSampling(npatches, _strata(grid, rng)),
        within_blocks=True,
        gives_npatches=True,
        id="stratified on a map",
    ),
    DesignRow(
        "balanced",
        lambda grid, npatches, rng: BalancedSampling(npatches),
        within_blocks=True,
        gives_npatches=True,
    ),
    DesignRow("objects", _objects, within_blocks=False, gives_npatches=False),
]


@dataclass(frozen=True)
class SchemeRow:
    """A split scheme.

    Attributes:
        name: Its name in the registry.
        make: Makes it for a grid, a margin in rows and columns, and a source of randomness.
        fills_every_split: Whether every split with a share gets patches.
    """

    name: str
    make: Callable[[Grid, tuple[int, int], np.random.Generator], SplitScheme]
    fills_every_split: bool

    def __str__(self) -> str:
        return self.name


def _on_a_map(grid: Grid, margin: tuple[int, int], rng: np.random.Generator) -> MapSplit:
    """Areas of the three splits and of nobody."""
    edge = rng.integers(1, 18)
    areas = rng.choice(np.array([0, 1, 2, 3, 255], np.uint8), (grid.rows, grid.cols))
    areas = areas.repeat(edge, axis=0).repeat(edge, axis=1)[: grid.rows, : grid.cols]
    areas[0, 0] = 0
    return MapSplit(ArrayLabels(areas), margin)


EVERY_SCHEME = [
    SchemeRow(
        "blocks", lambda grid, margin, rng: BlockSplit(SHARES, margin), fills_every_split=True
    ),
    SchemeRow("map", _on_a_map, fills_every_split=False),
    SchemeRow("none", lambda grid, margin, rng: NoSplit(), fills_every_split=False),
]
