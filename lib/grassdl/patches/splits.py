# SPDX-License-Identifier: GPL-2.0-or-later
"""Splits that do not leak: whole blocks, or the areas of a map, are assigned to train, val or test.

A new scheme needs one class and one line in `SCHEMES`. Its attributes are the values of
`Settings.split` that it uses; options of i.dl.patches that the chosen scheme does not use are
refused.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter
from typing import ClassVar, NamedTuple

import numpy as np

from ..core.readers import CodeReader
from ..dataset.manifest import SPLITS, Split
from .sampling import Grid
from .split_membership import DROPPED, BlockTerritory, MapTerritory, splits_of
from .window_counts import strips

MOST_DEALS = 20
"""Random assignments that are tried; fewer with many blocks, where chance averages out."""

DEALT_BLOCKS = 1000
"""Most blocks to assign, over all tries."""


def parse_shares(given: Sequence[float]) -> np.ndarray:
    """Shares of train, val and test as parts of 1.

    Raises:
        ValueError: Not three numbers, one of them negative, or all 0.
    """
    shares = np.array(given, float)
    known = len(shares) == len(SPLITS) and np.isfinite(shares).all()
    if not known or shares.min() < 0 or not shares.any():
        raise ValueError(
            "split takes the shares of train, val and test, for instance 70,15,15; "
            "none may be negative and one must be above 0"
        )
    return shares / shares.sum()


def buffer_margin(buffer: float, nsres: float, ewres: float) -> tuple[int, int]:
    """Rows and columns that make half of the buffer, rounded up.

    Args:
        buffer: Least distance of patches of different splits, in map units.
        nsres: Height of a cell.
        ewres: Width of a cell.

    Raises:
        ValueError: The buffer is negative or no number.
    """
    if not 0 <= buffer < math.inf:
        raise ValueError(f"buffer must be at least 0, found {buffer}")
    # Without rounding 0.6 / 0.2 would make one cell too many.
    rows, cols = (math.ceil(round(buffer / 2 / cell, 9)) for cell in (nsres, ewres))
    return rows, cols


class Part(NamedTuple):
    """A set of patches.

    Attributes:
        split: The split.
        fold: The fold within train and val, from 1; 0 for none.
    """

    split: Split
    fold: int = 0

    def __str__(self) -> str:
        return f"fold {self.fold}" if self.fold else self.split


SPLIT_PARTS = tuple(Part(split) for split in SPLITS)


def parts_with_folds(folds: int) -> tuple[Part, ...]:
    """The folds, of which the first is the split val and the others are train, and the test split;
    the plain splits if there are no folds."""
    if not folds:
        return SPLIT_PARTS
    first, *others = range(1, folds + 1)
    return Part("val", first), *(Part("train", one) for one in others), Part("test")


class SplitScheme(ABC):
    """Assigns patches to train, val and test so that no cell is in patches of two splits.

    Attributes:
        description: Of the scheme, for users.
        margin: Half of the buffer in rows and columns. Patches of different splits are at least
            twice as far apart in rows or in columns.
    """

    description: ClassVar[str]
    margin: tuple[int, int] = (0, 0)

    @property
    def parts(self) -> tuple[Part, ...]:
        """The sets that patches are assigned to, by the numbers that `assign` gives."""
        return SPLIT_PARTS

    @property
    def gap(self) -> tuple[int, int]:
        """Rows or columns that lie between patches of different splits, at least."""
        return 2 * self.margin[0], 2 * self.margin[1]

    def places(self, positions: np.ndarray, grid: Grid) -> np.ndarray:
        """What is known of the patches' splits before they are chosen, in the form of `assign`.

        Patches that cannot be in any split are marked here, so that others are chosen instead.
        """
        return np.zeros(len(positions), np.int8)

    @abstractmethod
    def assign(
        self, positions: np.ndarray, counts: np.ndarray, grid: Grid, rng: np.random.Generator
    ) -> np.ndarray:
        """The split of every patch.

        Args:
            positions: Upper left cells (n, 2).
            counts: Labelled pixels of every class by patch (n, classes).
            grid: Region, patch size and block size.
            rng: Source of all randomness.

        Returns:
            (n,) int8, the index in `parts`; `split_membership.DROPPED` for a patch that is not
            wholly in one split, `split_membership.BUFFERED` for one that is too near another split.
        """


@dataclass(frozen=True)
class NoSplit(SplitScheme):
    """All patches go to train: for areas that are used for training as a whole."""

    description = "all patches go to training"

    def assign(
        self, positions: np.ndarray, counts: np.ndarray, grid: Grid, rng: np.random.Generator
    ) -> np.ndarray:
        return np.zeros(len(positions), np.int8)


@dataclass(frozen=True)
class MapSplit(SplitScheme):
    """Patches are assigned by a map: use it where the areas for validation and test are given.

    Attributes:
        areas: The index in `SPLITS` of every cell, any other code for none.
        margin: Half of the buffer in rows and columns.

    Raises:
        ValueError: No cell belongs to a split.
    """

    description = "split_map sets the split"

    areas: CodeReader
    margin: tuple[int, int] = (0, 0)

    def __post_init__(self) -> None:
        if not any((codes < len(SPLITS)).any() for _, codes in strips(self.areas)):
            raise ValueError("The split map holds no cell of a split in the region")

    def places(self, positions: np.ndarray, grid: Grid) -> np.ndarray:
        return splits_of(MapTerritory(self.areas, positions, grid.size), self.margin)

    def assign(
        self, positions: np.ndarray, counts: np.ndarray, grid: Grid, rng: np.random.Generator
    ) -> np.ndarray:
        return self.places(positions, grid)


@dataclass(frozen=True)
class BlockSplit(SplitScheme):
    """Square blocks are assigned to the splits at random, class by class, the rarest class first.

    This is iterative stratification (Sechidis et al. 2011) over blocks with the pixels of each
    class as amounts. A class that occurs in just enough blocks is assigned to splits that have none
    of it yet: every split gets patches, and the rarest class is in every split if blocks suffice.

    With folds, blocks that are not for test are assigned to these in equal shares, as to splits.

    Attributes:
        shares: Wanted parts of train, val and test, summing to 1.
        margin: Half of the buffer in rows and columns.
        folds: Number of folds; 0 for none.
    """

    description = "whole square blocks go to one split"

    shares: np.ndarray
    margin: tuple[int, int] = (0, 0)
    folds: int = 0

    @property
    def parts(self) -> tuple[Part, ...]:
        """See `SplitScheme.parts`."""
        return parts_with_folds(self.folds)

    @cached_property
    def _shares(self) -> np.ndarray:
        """The wanted share of every part."""
        if not self.folds:
            return self.shares
        test = self.shares[SPLITS.index("test")]
        return np.array([*[(1 - test) / self.folds] * self.folds, test])

    def assign(
        self, positions: np.ndarray, counts: np.ndarray, grid: Grid, rng: np.random.Generator
    ) -> np.ndarray:
        territory = BlockTerritory(positions, grid, len(self.parts))
        amounts = np.column_stack([counts, np.ones(len(counts), np.int64)])
        in_blocks = np.zeros((territory.blocks, amounts.shape[1]))
        whole, block = territory.blocks_of_whole_patches()
        np.add.at(in_blocks, block, amounts[whole])
        self._check_blocks(in_blocks)
        tries = max(1, min(MOST_DEALS, DEALT_BLOCKS // territory.blocks))
        # The shares of every class and of the patches that each block holds.
        parts = in_blocks / np.maximum(in_blocks.sum(axis=0), 1)
        deals = (self._splits_of_deal(territory, parts, rng) for _ in range(tries))
        _, splits = min(deals, key=itemgetter(0))
        self._check_used(splits)
        return splits

    def _splits_of_deal(
        self, territory: BlockTerritory, parts: np.ndarray, rng: np.random.Generator
    ) -> tuple[tuple[int, float], np.ndarray]:
        """The imbalance of an assignment, and the split of every patch."""
        split_of = self._deal(parts, rng)
        splits = splits_of(territory.dealt(split_of), self.margin)
        return (self._empty(splits), self._imbalance(parts, split_of)), splits

    def _check_blocks(self, amounts: np.ndarray) -> None:
        used = np.flatnonzero(self._shares)
        filled = int((amounts[:, -1] > 0).sum())
        if filled < len(used):
            wanted = f"{len(used)} splits"
            if self.folds:
                beside = len(used) - self.folds
                wanted = f"{self.folds} folds{' and test' * beside}"
                wanted += f", enough for {max(filled - beside, 0)} folds"
            raise ValueError(
                f"Blocks with labelled patches: {filled}, too few for {wanted}: "
                "choose a smaller block_size or a larger region"
            )

    def _check_used(self, splits: np.ndarray) -> None:
        used = np.flatnonzero(self._shares)
        empty = [one for one in used if not (splits == one).any()]
        if empty:
            left = ""
            if self.folds:
                filled = sum(self.parts[one].fold > 0 for one in used if one not in empty)
                left = f" of folds={self.folds}, only for {filled} folds"
            raise ValueError(
                f"The buffer leaves no patch for {self.parts[empty[0]]}{left}: "
                "choose a smaller buffer, larger blocks or a larger region"
            )

    def _empty(self, splits: np.ndarray) -> int:
        """Number of splits with a share that have no patch left outside the buffer."""
        return sum(not (splits == one).any() for one in np.flatnonzero(self._shares))

    def _imbalance(self, parts: np.ndarray, split_of: np.ndarray) -> float:
        """Deviation of the splits' parts of the classes, and of the patches, from the shares.

        The mean over the classes that occur, and as much again for the patches; of whole blocks:
        if patches across two splits counted as lost, compact assignments would be preferred to even
        classes. Rounded, so that equally good assignments are equal on every machine.
        """
        reached = np.stack([parts[split_of == one].sum(axis=0) for one in range(len(self._shares))])
        off = np.abs(reached - self._shares[:, None]).sum(axis=0)
        occurs = parts[:, :-1].any(axis=0)
        return round(float(off[:-1][occurs].mean() + off[-1]), 9)

    def _deal(self, parts: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """One random assignment: the split of every block, (blocks,) int8."""
        lack = np.repeat(self._shares[:, None], parts.shape[1], axis=1)
        split_of = np.full(len(parts), DROPPED, np.int8)
        held = np.zeros(lack.shape, bool)
        order = rng.permutation(len(parts))
        holds = parts > 0
        is_open = np.ones(len(parts), bool)
        occurrences = holds.sum(axis=0)
        for _ in range(len(parts)):
            # Blocks without any whole patch come last, for the split with most patches missing.
            rarest = np.where(occurrences > 0, occurrences, len(parts) + 1).argmin()
            amount = int(rarest) if occurrences.any() else -1
            wanted = is_open & holds[:, amount] if occurrences.any() else is_open
            block = order[wanted[order].argmax()]
            split = self._neediest(lack, held, amount, occurrences)
            split_of[block] = split
            is_open[block] = False
            occurrences -= holds[block]
            lack[split] -= parts[block]
            held[split] |= holds[block]
        return split_of

    def _neediest(
        self, lack: np.ndarray, held: np.ndarray, amount: int, occurrences: np.ndarray
    ) -> int:
        """The split that lacks most of an amount.

        While blocks just suffice, one that has no patch yet, or else none of the amount.
        """
        allowed = self._shares > 0
        for one in (-1, amount):
            without = allowed & ~held[:, one]
            if without.sum() >= occurrences[one] > 0:
                allowed = without
                break
        need = np.where(allowed, lack[:, amount], -np.inf)
        neediest = np.flatnonzero(np.isclose(need, need.max()))
        return int(neediest[lack[neediest, -1].argmax()])


SCHEMES: dict[str, type[SplitScheme]] = {
    "blocks": BlockSplit,
    "map": MapSplit,
    "none": NoSplit,
}
"""All schemes, by the values of the option `split_method`."""
