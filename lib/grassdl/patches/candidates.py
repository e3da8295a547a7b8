# SPDX-License-Identifier: GPL-2.0-or-later
"""Candidate patches, and the results of counting their labels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

MARGIN_OF_FIRST_ROUND = 0.1
"""Candidates that are counted at first beyond the wanted number, as a share of it."""


@dataclass(frozen=True)
class Candidates:
    """Patches that a design offers.

    Attributes:
        positions: Upper left cells (n, 2) as (row, col), int64, wholly inside the region, none
            twice; within a group the first are preferred.
        groups: The group of each, (n,): a stratum, or objects and negatives.
        wanted: How many patches of each group are wanted, (groups,).
        notes: Sentences about what the design could not offer.
        names: Names of the groups, where they have any.
        size: Edge of a patch in cells; 0 where it does not matter.
    """

    positions: np.ndarray
    groups: np.ndarray
    wanted: np.ndarray
    notes: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    size: int = 0

    @classmethod
    def of_one_group(cls, positions: np.ndarray, wanted: int) -> Candidates:
        """Candidates of a single group."""
        return cls(positions, np.zeros(len(positions), np.int64), np.array([wanted]))


Examination = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
"""From positions (n, 2) and groups (n,) to counts (n, classes) and verdicts (n,) int8."""

UNKNOWN, UNLABELLED, ACROSS, NEAR, FIT = range(5)
"""Verdicts: not examined; wrong labels; not wholly in one split; too near another split; good."""


class Examined:
    """Candidates, some of which are examined when that is required.

    Args:
        candidates: All of them.
        classes: Number of classes.
        examination: Counts labels and gives verdicts.

    Attributes:
        counts: Labelled pixels of every class by candidate, (n, classes) int32.
        verdicts: (n,) int8.
    """

    def __init__(self, candidates: Candidates, classes: int, examination: Examination):
        self.candidates = candidates
        self.counts = np.zeros((len(candidates.positions), classes), np.int32)
        self.verdicts = np.full(len(candidates.positions), UNKNOWN, np.int8)
        self._examination = examination

    def examine(self, places: np.ndarray) -> None:
        """Count the labels of the candidates at these indices, and give verdicts."""
        positions, groups = self.candidates.positions[places], self.candidates.groups[places]
        self.counts[places], self.verdicts[places] = self._examination(positions, groups)

    def fit(self) -> np.ndarray:
        """Indices of the candidates that are examined and good."""
        return np.flatnonzero(self.verdicts == FIT)

    def number(self, verdict: int) -> int:
        """How many candidates have this verdict."""
        return int((self.verdicts == verdict).sum())


def first_fit(examined: Examined) -> np.ndarray:
    """Indices of the first good candidates of every group, as many as wanted.

    Counting takes time, and mostly nearly all candidates are good: first about as many as wanted
    are examined, then, as long as some are missing, as many as the groups' rates of good ones
    suggest, but at least as many again as before, so that there are few rounds.
    """
    candidates = examined.candidates
    wanted, groups = candidates.wanted, candidates.groups
    ranks = rank_in_group(groups)
    tried = np.zeros(len(wanted), np.int64)
    while True:
        good = np.bincount(groups[examined.fit()], minlength=len(wanted))
        lack = np.maximum(wanted - good, 0)
        rate = np.where(tried > 0, (good + 0.5) / (tried + 1), 1)
        more = np.ceil((1 + MARGIN_OF_FIRST_ROUND) * lack / rate).astype(np.int64)
        more = np.where(lack > 0, np.maximum(more, tried), 0)
        new = (ranks >= tried[groups]) & (ranks < (tried + more)[groups])
        if not new.any():
            break
        examined.examine(np.flatnonzero(new))
        tried += more
    fit = examined.fit()
    return fit[rank_in_group(groups[fit]) < wanted[groups[fit]]]


def rank_in_group(groups: np.ndarray) -> np.ndarray:
    """How many of the same group come before each, (n,)."""
    order = np.argsort(groups, kind="stable")
    sizes = np.bincount(groups)
    before = np.repeat(np.cumsum(sizes) - sizes, sizes)
    ranks = np.empty(len(groups), np.int64)
    ranks[order] = np.arange(len(groups)) - before
    return ranks


def distinct(possible: int, wanted: int, rng: np.random.Generator) -> np.ndarray:
    """Numbers below `possible` at random, at most `wanted`, none twice, in random order.

    Memory depends on `wanted`, unlike that of NumPy's `choice`, which may depend on `possible`.
    """
    if 2 * wanted >= possible:
        return rng.permutation(possible)[:wanted]
    drawn = np.empty(0, np.int64)
    while len(drawn) < wanted:
        drawn = np.concatenate([drawn, rng.integers(possible, size=2 * wanted)])
        _, first = np.unique(drawn, return_index=True)
        drawn = drawn[np.sort(first)]
    return drawn[:wanted]
