# SPDX-License-Identifier: GPL-2.0-or-later
"""Which patches are cut, chosen before anything is written."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ..core.classes import ClassScheme
from ..core.readers import CodeReader
from ..core.text import listed
from ..dataset.manifest import SPLITS
from .candidates import ACROSS, FIT, NEAR, UNKNOWN, UNLABELLED, Examined
from .leakage import check_apart
from .sampling import Grid, SamplingDesign
from .split_membership import BUFFERED, DROPPED
from .splits import SplitScheme
from .window_counts import count_codes, strips


@dataclass(frozen=True)
class Plan:
    """The patches that are cut, in the order of their rows and columns.

    Attributes:
        positions: Upper left cells (n, 2) as (row, col).
        splits: Index in `SPLITS` by patch, (n,) int8.
        counts: Labelled pixels of every class by patch, (n, classes).
        candidates: Number of positions that were examined.
        unlabelled: Candidates left out because they hold too few labelled cells, or an object
            where there should be none.
        dropped: Candidates left out because they are not wholly in one split.
        buffered: Candidates left out because they are too near another split.
        notes: Sentences of the design: what it reached and could not reach.
        folds: Fold by patch, (n,) uint8; 0 for none.
        absent: Sentences about the classes that no patch holds, by the reason.
    """

    positions: np.ndarray
    splits: np.ndarray
    counts: np.ndarray
    candidates: int
    unlabelled: int
    dropped: int
    buffered: int = 0
    notes: tuple[str, ...] = ()
    folds: np.ndarray = field(default_factory=lambda: np.zeros(0, np.uint8))
    absent: tuple[str, ...] = ()

    @property
    def number_of_folds(self) -> int:
        """How many folds there are."""
        return int(self.folds.max(initial=0))

    @property
    def split_counts(self) -> dict[str, int]:
        """Patches by split."""
        numbers = np.bincount(self.splits, minlength=len(SPLITS))
        return dict(zip(SPLITS, numbers.tolist(), strict=True))

    def counts_by_split(self) -> dict[str, np.ndarray]:
        """Labelled pixels of every class by patch, (n, classes), for each split."""
        return {name: self.counts[self.splits == place] for place, name in enumerate(SPLITS)}

    def class_pixels(self) -> np.ndarray:
        """Labelled pixels by split and class, (3, classes)."""
        return np.stack([self.counts[self.splits == one].sum(axis=0) for one in range(len(SPLITS))])


def make_plan(
    codes: CodeReader,
    classes: ClassScheme,
    grid: Grid,
    design: SamplingDesign,
    split: SplitScheme,
    min_labelled: float,
    seed: int,
) -> Plan:
    """Choose the patches and their splits.

    Args:
        codes: Label codes of all cells.
        classes: The classes.
        grid: Region, patch size and block size.
        design: Chooses where patches are.
        split: Assigns patches to train, val and test.
        min_labelled: Least share of labelled cells of a patch in percent; one cell is always
            needed.
        seed: Seed of the design and the split.

    Raises:
        ValueError: No patch is left, or two splits leak into each other.
    """
    rng = np.random.default_rng(seed)
    examined = _examined(codes, classes, grid, design, split, min_labelled, rng)
    chosen = design.choose(examined, rng)
    positions = examined.candidates.positions[chosen]
    if not chosen.size:
        raise ValueError(_nothing_left(examined, grid))
    order = np.lexsort((positions[:, 1], positions[:, 0]))
    positions, counts = positions[order], examined.counts[chosen[order]]
    parts = split.assign(positions, counts, grid, rng)
    dealt = parts >= 0
    if not dealt.any():
        raise ValueError("No patch is left in any split: choose other shares or a larger region")
    kept = np.flatnonzero(dealt)[design.thin(counts[dealt], parts[dealt], rng)]
    check_apart(positions[kept], parts[kept], grid.size, split.gap, [*map(str, split.parts)])
    pixels = counts[kept].sum(axis=0)
    on_classes = design.notes_on_classes(pixels, classes.labels)
    return Plan(
        positions=positions[kept],
        splits=np.array([SPLITS.index(one.split) for one in split.parts], np.int8)[parts[kept]],
        counts=counts[kept],
        candidates=len(examined.verdicts) - examined.number(UNKNOWN),
        unlabelled=examined.number(UNLABELLED),
        dropped=examined.number(ACROSS) + int((parts == DROPPED).sum()),
        buffered=examined.number(NEAR) + int((parts == BUFFERED).sum()),
        notes=(*design.notes(examined, chosen), *on_classes),
        folds=np.array([one.fold for one in split.parts], np.uint8)[parts[kept]],
        absent=() if pixels.all() else _in_no_patch(codes, classes, examined, pixels == 0),
    )


def _examined(
    codes: CodeReader,
    classes: ClassScheme,
    grid: Grid,
    design: SamplingDesign,
    split: SplitScheme,
    min_labelled: float,
    rng: np.random.Generator,
) -> Examined:
    """The candidates of a design, which are examined when they are asked for; see `make_plan`."""
    first, edge = classes.labelled_part(grid.size)
    least = max(1, min_labelled / 100 * edge**2)

    def examine(positions: np.ndarray, groups: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        counts = count_codes(codes, positions + first, edge, len(classes))
        verdicts = np.full(len(positions), UNLABELLED, np.int8)
        accepted = np.flatnonzero(design.accepts(counts, groups, least))
        places = split.places(positions[accepted], grid)
        verdicts[accepted] = np.select([places >= 0, places == BUFFERED], [FIT, NEAR], ACROSS)
        return counts, verdicts

    return Examined(design.candidates(grid, split.margin, rng), len(classes), examine)


def _nothing_left(examined: Examined, grid: Grid) -> str:
    if examined.number(ACROSS) + examined.number(NEAR):
        return (
            "No labelled patch lies wholly in one split and off the others: "
            "check the split map and the buffer"
        )
    return (
        f"No patch of {grid.size} cells holds enough labelled cells without NULL: "
        "check region, labels and min_labelled"
    )


def shortcomings(plan: Plan, classes: ClassScheme, design: SamplingDesign, lost: int) -> list[str]:
    """Sentences about the shortcomings of the plan.

    Args:
        plan: The plan.
        classes: The classes.
        design: The design, which may have wanted more patches.
        lost: Labelled cells where a band is NULL.
    """
    sentences = []
    if lost:
        sentences.append(
            f"{lost} labelled cells are left out, as a band is NULL there: null_cells of "
            "r.univar -g tells which"
        )
    if len(plan.positions) < (design.limit() or 0):
        sentences.append(f"{len(plan.positions)} of {design.limit()} patches are possible")
    if plan.buffered > (plan.candidates - plan.unlabelled) / 2:
        sentences.append(
            f"{plan.buffered} of {plan.candidates} patches lie within the buffer of another split "
            "and are left out: a smaller stride, larger blocks or a smaller buffer keep more"
        )
    return sentences + _missing_classes(plan, classes)


def _missing_classes(plan: Plan, classes: ClassScheme) -> list[str]:
    """Sentences about classes that no patch holds, or a split with patches lacks."""
    pixels = plan.class_pixels()
    anywhere = np.any(pixels, axis=0)
    sentences = [*plan.absent]
    for place, name in enumerate(SPLITS):
        lacking = anywhere & (pixels[place] == 0)
        if plan.split_counts[name] and lacking.any():
            sentences.append(f"Split {name} holds no pixel of: {_names(classes, lacking)}")
    for fold in range(1, plan.number_of_folds + 1):
        lacking = anywhere & (plan.counts[plan.folds == fold].sum(axis=0) == 0)
        if lacking.any():
            sentences.append(f"Fold {fold} holds no pixel of: {_names(classes, lacking)}")
    return sentences


def _in_no_patch(
    codes: CodeReader, classes: ClassScheme, examined: Examined, lacking: np.ndarray
) -> tuple[str, ...]:
    """Sentences about the classes that no patch holds, by the reason."""
    number = len(classes)
    cells = sum(np.bincount(one.ravel(), minlength=number)[:number] for _, one in strips(codes))
    null = lacking & (cells == 0)
    outside = lacking & ~null & ~np.any(examined.counts, axis=0)
    reasons = {
        "a band is NULL in all their cells": null,
        "no whole patch lies over their cells, as at the edge of the region: a smaller size or "
        "stride, or sampling=random, may reach them": outside,
        "the patches over them lie across two splits or near another one, hold too few labelled "
        "cells, or were not chosen": lacking & ~null & ~outside,
    }
    return tuple(
        f"No patch holds a pixel of: {_names(classes, those)}; {reason}"
        for reason, those in reasons.items()
        if those.any()
    )


def _names(classes: ClassScheme, chosen: np.ndarray) -> str:
    return listed(one.label for one, is_chosen in zip(classes, chosen, strict=True) if is_chosen)
