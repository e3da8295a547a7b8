# SPDX-License-Identifier: GPL-2.0-or-later
"""Sampling designs: where patches may lie. One class per design."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np


@dataclass(frozen=True)
class Grid:
    """The cells that patches are cut from.

    Attributes:
        rows, cols: Size of the region in cells.
        size: Edge of a patch in cells.
        block_size: Edge of the blocks that splits are made of, in cells.

    Raises:
        ValueError: A patch does not fit into the region or into a block.
    """

    rows: int
    cols: int
    size: int
    block_size: int

    def __post_init__(self) -> None:
        if self.size > min(self.rows, self.cols):
            raise ValueError(
                f"Patches of {self.size} cells do not fit into the region of {self.rows} rows and "
                f"{self.cols} columns: choose a smaller size or a larger region"
            )
        if self.block_size < self.size:
            raise ValueError(
                f"Blocks of {self.block_size} cells are smaller than a patch of {self.size} cells"
            )


LEAST_BLOCKS = 12
"""Blocks that three splits need at least, so that classes have a chance to be in all of them."""


def default_block_size(rows: int, cols: int, size: int) -> int:
    """Edge of the blocks in cells: four patches, fewer where that leaves too few blocks."""
    for patches in (4, 3, 2):
        edge = patches * size
        if (rows // edge) * (cols // edge) >= LEAST_BLOCKS:
            return edge
    return size


class SamplingDesign(ABC):
    """Chooses the upper left cells of candidate patches.

    Every position lies wholly in the region. Whether a patch is kept is decided later, when its
    labels are known, so a design offers more positions than asked for where it can.
    """

    @abstractmethod
    def positions(self, grid: Grid, rng: np.random.Generator) -> np.ndarray:
        """Candidate positions (n, 2) as (row, col), int64, none twice, best first."""

    def limit(self) -> int | None:
        """How many patches to keep at most; None for all."""
        return None

    def richer(self) -> SamplingDesign | None:
        """The same design with more candidates, for sparse labels; None where it has no more."""
        return None


@dataclass(frozen=True)
class GridSampling(SamplingDesign):
    """Every position of a regular grid: use it to take all that the region holds.

    Attributes:
        stride: Step in cells; smaller than the patch, patches overlap.
    """

    stride: int

    def positions(self, grid: Grid, rng: np.random.Generator) -> np.ndarray:
        rows = np.arange(0, grid.rows - grid.size + 1, self.stride)
        cols = np.arange(0, grid.cols - grid.size + 1, self.stride)
        return np.stack(np.meshgrid(rows, cols, indexing="ij"), axis=-1).reshape(-1, 2)


@dataclass(frozen=True)
class RandomSampling(SamplingDesign):
    """Positions uniformly at random, each within one block: use it for a wanted number of patches.

    Attributes:
        npatches: How many patches are wanted.
        surplus: How many candidates are drawn per wanted patch, since some hold no label.
    """

    npatches: int
    surplus: int = 4

    MAX_CANDIDATES: ClassVar[int] = 1_000_000

    def positions(self, grid: Grid, rng: np.random.Generator) -> np.ndarray:
        rows = _starts_within_blocks(grid.rows, grid.size, grid.block_size)
        cols = _starts_within_blocks(grid.cols, grid.size, grid.block_size)
        possible = len(rows) * len(cols)
        wanted = min(possible, self.surplus * self.npatches)
        chosen = rng.choice(possible, size=wanted, replace=False, shuffle=True)
        return np.stack([rows[chosen // len(cols)], cols[chosen % len(cols)]], axis=-1)

    def limit(self) -> int | None:
        return self.npatches

    def richer(self) -> SamplingDesign | None:
        surplus = 4 * self.surplus
        if surplus * self.npatches > self.MAX_CANDIDATES:
            return None
        return RandomSampling(self.npatches, surplus)


def _starts_within_blocks(cells: int, size: int, block_size: int) -> np.ndarray:
    starts = np.arange(cells - size + 1)
    return starts[starts // block_size == (starts + size - 1) // block_size]
