# SPDX-License-Identifier: GPL-2.0-or-later
"""The split of the cells in and around a patch, and so of the patch."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from ..core.readers import CodeReader
from ..dataset.manifest import SPLITS
from .sampling import Grid
from .window_counts import clipped, count_codes

DROPPED = -1
"""Split code of a patch that is not wholly in one split."""

BUFFERED = -2
"""Split code of a patch that is too near another split."""


class Territory(Protocol):
    """Cells, or larger units, that belong to a split or to none, and patches on them."""

    patches: int

    def held(self, chosen: np.ndarray, margin: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        """Units of every split (n, splits) in windows of some patches, and all units there (n,).

        Args:
            chosen: Indices of the patches.
            margin: Rows and columns that the windows reach beyond them.
        """


def splits_of(territory: Territory, margin: tuple[int, int]) -> np.ndarray:
    """The split of every patch: the one that all its cells belong to.

    With a margin a patch is dropped if another split has a cell in its window grown by the margin.
    Where that window also holds cells without a split, another split may have none in twice the
    margin either. Then patches of different splits are at least twice the margin apart, in rows or
    in columns. For if two such windows met, it would be in cells without a split, and each patch
    would lie within twice the margin of the other.

    Returns:
        (n,) int8: the number of a split, `DROPPED` or `BUFFERED`.
    """
    everyone = np.arange(territory.patches)
    held, units = territory.held(everyone, (0, 0))
    splits = np.where(held.max(axis=1) == units, held.argmax(axis=1), DROPPED).astype(np.int8)
    if margin == (0, 0):
        return splits
    whole = np.flatnonzero(splits != DROPPED)
    held, units = territory.held(whole, margin)
    own = held[np.arange(len(whole)), splits[whole]]
    near = held.sum(axis=1) > own
    beside_nobody = np.flatnonzero(~near & (own < units))
    held, _ = territory.held(whole[beside_nobody], (2 * margin[0], 2 * margin[1]))
    own = held[np.arange(len(beside_nobody)), splits[whole[beside_nobody]]]
    near[beside_nobody] = held.sum(axis=1) > own
    splits[whole[near]] = BUFFERED
    return splits


class MapTerritory:
    """The cells of a map.

    Args:
        areas: The index in `SPLITS` of every cell, any other code for none.
        positions: Upper left cells (n, 2) of the patches.
        size: Edge of a patch in cells.
    """

    def __init__(self, areas: CodeReader, positions: np.ndarray, size: int):
        self.areas, self.positions, self.size = areas, positions, size
        self.patches = len(positions)

    def held(self, chosen: np.ndarray, margin: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        """See `Territory.held`; the units are cells."""
        positions = self.positions[chosen]
        counts = count_codes(self.areas, positions, self.size, len(SPLITS), margin)
        top, bottom = clipped(positions[:, 0], self.size, margin[0], self.areas.rows)
        left, right = clipped(positions[:, 1], self.size, margin[1], self.areas.cols)
        return counts, (bottom - top) * (right - left)


class BlockTerritory:
    """Square blocks; those that no patch touches belong to no split.

    Args:
        positions: Upper left cells (n, 2) of the patches.
        grid: Region, patch size and block size.
        parts: Number of splits, or of folds and splits, that blocks are assigned to.

    Attributes:
        blocks: Number of blocks that patches touch; these are assigned.
    """

    def __init__(self, positions: np.ndarray, grid: Grid, parts: int = len(SPLITS)):
        self.positions, self.grid = positions, grid
        self.patches = len(positions)
        self._shape = -(-grid.rows // grid.block_size), -(-grid.cols // grid.block_size)
        top, bottom, left, right = self._rectangles(positions, (0, 0))
        corners = [(top, left), (top, right - 1), (bottom - 1, left), (bottom - 1, right - 1)]
        of_corners = [np.ravel_multi_index(corner, self._shape) for corner in corners]
        self._touched = np.unique(np.concatenate(of_corners))
        self.blocks = len(self._touched)
        self._inside = (bottom - top == 1) & (right - left == 1)
        self._block = np.searchsorted(self._touched, of_corners[0])
        self._tables = np.zeros((parts, self._shape[0] + 1, self._shape[1] + 1), np.int64)

    def blocks_of_whole_patches(self) -> tuple[np.ndarray, np.ndarray]:
        """Indices of the patches that lie in one block, and their blocks (0 to `blocks`)."""
        whole = np.flatnonzero(self._inside)
        return whole, self._block[whole]

    def dealt(self, split_of: np.ndarray) -> BlockTerritory:
        """The same territory with a split for each block.

        Args:
            split_of: Number of the split by touched block, (blocks,).
        """
        for split in range(len(self._tables)):
            owned = np.zeros(self._shape, np.int64)
            owned.ravel()[self._touched[split_of == split]] = 1
            self._tables[split, 1:, 1:] = owned.cumsum(axis=0).cumsum(axis=1)
        return self

    def held(self, chosen: np.ndarray, margin: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        """See `Territory.held`; the units are blocks, and one that is touched counts as a whole."""
        top, bottom, left, right = self._rectangles(self.positions[chosen], margin)
        tables = self._tables
        counts = (
            tables[:, bottom, right]
            - tables[:, top, right]
            - tables[:, bottom, left]
            + tables[:, top, left]
        )
        return counts.T, (bottom - top) * (right - left)

    def _rectangles(
        self, positions: np.ndarray, margin: tuple[int, int]
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """First block and the one after the last, in rows and in columns."""
        size, edge = self.grid.size, self.grid.block_size
        top, bottom = clipped(positions[:, 0], size, margin[0], self.grid.rows)
        left, right = clipped(positions[:, 1], size, margin[1], self.grid.cols)
        return top // edge, (bottom - 1) // edge + 1, left // edge, (right - 1) // edge + 1
