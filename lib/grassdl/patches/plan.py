# SPDX-License-Identifier: GPL-2.0-or-later
"""Which patches are cut, and the text that tells it before anything is written."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..classes import ClassScheme
from ..dataset.manifest import SPLITS
from .sampling import Grid, SamplingDesign
from .splits import DROPPED, BlockSplit, NoSplit
from .survey import count_classes


@dataclass(frozen=True)
class Plan:
    """The patches that are cut, in the order of their rows and columns.

    Attributes:
        positions: Upper left cells (n, 2) as (row, col).
        splits: Place in `SPLITS` by patch, (n,) int8.
        counts: Labelled pixels of every class by patch, (n, classes).
        candidates: Positions that the design offered.
        unlabelled: Candidates left out because they hold too few labelled cells.
        dropped: Candidates left out because they lie across two splits.
    """

    positions: np.ndarray
    splits: np.ndarray
    counts: np.ndarray
    candidates: int
    unlabelled: int
    dropped: int

    @property
    def split_counts(self) -> dict[str, int]:
        """Patches by split."""
        numbers = np.bincount(self.splits, minlength=len(SPLITS))
        return dict(zip(SPLITS, numbers.tolist(), strict=True))

    def class_pixels(self) -> np.ndarray:
        """Labelled pixels by split and class, (3, classes)."""
        return np.stack([self.counts[self.splits == one].sum(axis=0) for one in range(len(SPLITS))])


def make_plan(
    codes: np.ndarray,
    classes: ClassScheme,
    grid: Grid,
    design: SamplingDesign,
    split: BlockSplit | NoSplit,
    min_labelled: float,
    seed: int,
) -> Plan:
    """Choose the patches and their splits.

    Args:
        codes: Label codes of all cells (rows, cols) uint8.
        classes: The classes.
        grid: Region, patch size and block size.
        design: Where patches may lie.
        split: How patches are dealt to train, val and test.
        min_labelled: Least share of labelled cells of a patch in percent; one cell is always
            needed.
        seed: Seed of the design and the split.

    Raises:
        ValueError: No patch is left.
    """
    least = max(1, min_labelled / 100 * grid.size**2)
    offered = 0
    while True:
        rng = np.random.default_rng(seed)
        positions = design.positions(grid, rng)
        counts = count_classes(codes, positions, grid.size, len(classes))
        labelled = np.flatnonzero(counts.sum(axis=1) >= least)
        richer = design.richer()
        enough = len(labelled) >= (design.limit() or 0)
        if enough or richer is None or len(positions) == offered:
            break
        design, offered = richer, len(positions)
    chosen = labelled[: design.limit()]
    if not chosen.size:
        raise ValueError(
            f"No patch of {grid.size} cells holds enough labelled cells without NULL: "
            "check region, labels and min_labelled"
        )
    order = chosen[np.lexsort((positions[chosen, 1], positions[chosen, 0]))]
    splits = split.assign(positions[order], counts[order], grid, rng)
    kept = splits != DROPPED
    if not (splits == SPLITS.index("train")).any():
        raise ValueError("No patch is left for training: choose other shares or a larger region")
    return Plan(
        positions=positions[order][kept],
        splits=splits[kept],
        counts=counts[order][kept],
        candidates=len(positions),
        unlabelled=len(positions) - len(labelled),
        dropped=int((~kept).sum()),
    )


def shortcomings(plan: Plan, classes: ClassScheme, design: SamplingDesign, lost: int) -> list[str]:
    """Sentences about what the plan lacks.

    Args:
        plan: The plan.
        classes: The classes.
        design: May have wanted more patches.
        lost: Labelled cells where a band is NULL.
    """
    sentences = []
    if lost:
        sentences.append(f"NULL in a band costs {lost} labelled cells")
    if len(plan.positions) < (design.limit() or 0):
        sentences.append(f"{len(plan.positions)} of {design.limit()} patches could be had")
    return sentences + _missing_classes(plan, classes)


def _missing_classes(plan: Plan, classes: ClassScheme) -> list[str]:
    """Sentences about classes that no patch holds, or a split with patches lacks."""
    pixels = plan.class_pixels()
    anywhere = pixels.any(axis=0)
    sentences = []
    if not anywhere.all():
        sentences.append(
            f"No patch holds a pixel of: {_names(classes, ~anywhere)}; "
            "is a band NULL there, or do their patches lie across two splits?"
        )
    for place, name in enumerate(SPLITS):
        lacking = anywhere & (pixels[place] == 0)
        if plan.split_counts[name] and lacking.any():
            sentences.append(f"Split {name} holds no pixel of: {_names(classes, lacking)}")
    return sentences


def _names(classes: ClassScheme, chosen: np.ndarray) -> str:
    return ", ".join(one.label for one, is_chosen in zip(classes, chosen, strict=True) if is_chosen)


def describe(plan: Plan, classes: ClassScheme, grid: Grid, bytes_needed: int) -> str:
    """The plan as a table of at most 80 columns: patches, and share of every class by split."""
    pixels = plan.class_pixels()
    lines = [
        f"Candidates: {plan.candidates}; too few labelled cells: {plan.unlabelled}; "
        f"across two splits: {plan.dropped}",
        f"Edge of a patch: {grid.size} cells, of a block: {grid.block_size} cells; "
        f"disk size: {bytes_needed / 1e6:.1f} MB",
        "",
        f"{'':32}" + "".join(f"{name:>14}" for name in SPLITS),
        f"{'patches':32}" + "".join(f"{plan.split_counts[name]:14d}" for name in SPLITS),
        f"{'labelled pixels':32}" + "".join(f"{count:14d}" for count in pixels.sum(axis=1)),
    ]
    shares = 100 * pixels / np.maximum(pixels.sum(axis=1, keepdims=True), 1)
    for one, share in zip(classes, shares.T, strict=True):
        name = f"  {one.full_name}"[:31]
        lines.append(f"{name:32}" + "".join(f"{percent:12.2f} %" for percent in share))
    return "\n".join(lines)
