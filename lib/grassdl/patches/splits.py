# SPDX-License-Identifier: GPL-2.0-or-later
"""Splits that do not leak: whole blocks of the region go to train, val or test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..dataset.manifest import SPLITS
from .sampling import Grid

DROPPED = -1
"""Split code of a patch that lies across blocks of different splits."""

MOST_DEALS = 20
"""How many deals are tried; fewer where there are many blocks, which chance evens out."""

DEALT_BLOCKS = 1000
"""Blocks that are dealt at most, over all tries."""


def parse_shares(given: Sequence[float | str]) -> np.ndarray:
    """Shares of train, val and test as parts of 1.

    Raises:
        ValueError: Not three numbers, one of them negative, or nothing for training.
    """
    try:
        shares = np.array(given, float)
    except ValueError:
        shares = np.full(len(SPLITS), np.nan)
    known = len(shares) == len(SPLITS) and np.isfinite(shares).all()
    if not known or shares.min() < 0 or shares[0] == 0:
        raise ValueError(
            "split takes the shares of train, val and test, for instance 70,15,15; "
            "none may be negative and train not 0"
        )
    return shares / shares.sum()


@dataclass(frozen=True)
class NoSplit:
    """All patches go to train: for areas that are used for training as a whole."""

    def assign(
        self, positions: np.ndarray, counts: np.ndarray, grid: Grid, rng: np.random.Generator
    ) -> np.ndarray:
        """Split code of every patch, (n,) int8; see `BlockSplit.assign`."""
        return np.zeros(len(positions), np.int8)


@dataclass(frozen=True)
class BlockSplit:
    """Square blocks are dealt to the splits at random, class by class, the rarest class first.

    This is iterative stratification (Sechidis et al. 2011) over blocks with the pixels of each
    class as amounts. What occurs in just enough blocks is dealt to splits that have none of it
    yet: every split gets patches, and the rarest class reaches every split if blocks suffice.

    Attributes:
        shares: Wanted parts of train, val and test, summing to 1.
    """

    shares: np.ndarray

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
            (n,) int8, the place in `SPLITS`, or `DROPPED` for a patch across different splits.

        Raises:
            ValueError: There are fewer blocks with whole patches than splits.
        """
        first = positions // grid.block_size
        last = (positions + grid.size - 1) // grid.block_size
        across = -(-grid.cols // grid.block_size)
        corners = [
            rows * across + cols
            for rows in (first[:, 0], last[:, 0])
            for cols in (first[:, 1], last[:, 1])
        ]
        touched = np.unique(np.concatenate(corners))
        places = np.stack([np.searchsorted(touched, corner) for corner in corners])
        block_split = self._best_deal(self._amounts(places, counts, len(touched)), rng)
        splits = block_split[places]
        same = (splits == splits[0]).all(axis=0)
        return np.where(same, splits[0], DROPPED).astype(np.int8)

    def _amounts(self, places: np.ndarray, counts: np.ndarray, blocks: int) -> np.ndarray:
        """Pixels of every class, and patches, by block: (blocks, classes + 1)."""
        inside = (places == places[0]).all(axis=0)
        amounts = np.zeros((blocks, counts.shape[1] + 1))
        per_patch = np.column_stack([counts, np.ones(len(counts))])
        np.add.at(amounts, places[0][inside], per_patch[inside])
        return amounts

    def _best_deal(self, amounts: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """The split of every block, (blocks,) int8: of several deals the one nearest the shares."""
        used = np.flatnonzero(self.shares)
        filled = int((amounts[:, -1] > 0).sum())
        if filled < len(used):
            raise ValueError(
                f"Blocks with labelled patches: {filled}, too few for {len(used)} splits: "
                "choose a smaller block_size or a larger region"
            )
        # What a block holds of every class and of the patches, in parts of the whole.
        parts = amounts / np.maximum(amounts.sum(axis=0), 1)
        tries = max(1, min(MOST_DEALS, DEALT_BLOCKS // len(amounts)))
        deals = [self._deal(parts, rng) for _ in range(tries)]
        return min(deals, key=lambda split_of: self._error(parts, split_of))

    def _error(self, parts: np.ndarray, split_of: np.ndarray) -> float:
        """How far the splits' parts of the classes, and of the patches, are from the shares.

        The mean over the classes that occur, and as much again for the patches.
        """
        reached = np.stack([parts[split_of == one].sum(axis=0) for one in range(len(self.shares))])
        off = np.abs(reached - self.shares[:, None]).sum(axis=0)
        occurs = parts[:, :-1].any(axis=0)
        return float(off[:-1][occurs].mean() + off[-1])

    def _deal(self, parts: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """One deal: the split of every block, (blocks,) int8."""
        lack = np.repeat(self.shares[:, None], parts.shape[1], axis=1)
        split_of = np.full(len(parts), DROPPED, np.int8)
        held = np.zeros(lack.shape, bool)
        order = rng.permutation(len(parts))
        while (open_blocks := order[split_of[order] == DROPPED]).size:
            occurrences = (parts[open_blocks] > 0).sum(axis=0)
            # Blocks without any whole patch come last and go where patches lack most.
            rarest = np.where(occurrences > 0, occurrences, len(parts) + 1).argmin()
            amount = rarest if occurrences.any() else -1
            with_it = open_blocks[parts[open_blocks, amount] > 0]
            block = with_it[0] if with_it.size else open_blocks[0]
            split = self._neediest(lack, held, amount, occurrences)
            split_of[block] = split
            lack[split] -= parts[block]
            held[split] |= parts[block] > 0
        return split_of

    def _neediest(
        self, lack: np.ndarray, held: np.ndarray, amount: int, occurrences: np.ndarray
    ) -> int:
        """The split that lacks most of an amount.

        While blocks just suffice, one that has no patch yet, or else none of the amount.
        """
        allowed = self.shares > 0
        for one in (-1, amount):
            without = allowed & ~held[:, one]
            if without.sum() >= occurrences[one] > 0:
                allowed = without
                break
        need = np.where(allowed, lack[:, amount], -np.inf)
        neediest = np.flatnonzero(np.isclose(need, need.max()))
        return int(neediest[lack[neediest, -1].argmax()])
