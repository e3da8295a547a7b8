# SPDX-License-Identifier: GPL-2.0-or-later
"""Sampling designs: where patches are. One class per design.

A new design needs one class and one line in `DESIGNS`. Its attributes are the values of
`Settings.design` that it uses; options of i.dl.patches that the chosen design does not use are
refused. An attribute that no design has yet needs an option, too.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..core.readers import StratumReader
from .balanced import draw_evenly, evenness_note
from .candidates import Candidates, Examined, distinct, first_fit
from .spreading import spread_fit
from .strata import deal, draw_from_blocks, draw_from_map, few_note
from .window_counts import clipped


@dataclass(frozen=True)
class Grid:
    """The cells that patches are cut from.

    Attributes:
        rows, cols: Size of the region in cells.
        size: Edge of a patch in cells.
        block_size: Edge of the blocks that splits are made of, in cells; that of the whole region
            where neither the split nor the design (by an attribute `strata`) has blocks.

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
"""Least number of blocks for three splits, so that classes can be in all of them."""


def default_block_size(rows: int, cols: int, size: int) -> int:
    """Edge of the blocks in cells: four patches, fewer if that gives too few blocks."""
    for patches in (4, 3, 2):
        edge = patches * size
        if (rows // edge) * (cols // edge) >= LEAST_BLOCKS:
            return edge
    return size


MOST_CANDIDATES = 1_000_000
"""Candidates that a design draws, or four for each wanted patch if that is more."""

BALANCED_POOL = 100_000
"""Candidates that balanced sampling draws, or four for each wanted patch if that is more."""


class SamplingDesign(ABC):
    """Chooses patches in two steps: candidates, and a choice among them by their labels.

    Every candidate lies wholly in the region, none twice. Labels are counted in between, of as
    many candidates as the choice needs.

    Attributes:
        description: Of the design, for users.
    """

    description: ClassVar[str]

    @abstractmethod
    def candidates(
        self, grid: Grid, margin: tuple[int, int], rng: np.random.Generator
    ) -> Candidates:
        """The candidates of the design.

        Args:
            grid: Region, patch size and block size.
            margin: Rows and columns to keep from the edges of blocks, if the design has them.
            rng: Source of all randomness.
        """

    def accepts(self, counts: np.ndarray, groups: np.ndarray, least: float) -> np.ndarray:
        """Whether candidates may be taken, (n,) bool.

        Args:
            counts: Labelled pixels of every class (n, classes).
            groups: The group of each (n,).
            least: Labelled pixels that a patch needs.
        """
        return counts.sum(axis=1) >= least

    def choose(self, examined: Examined, rng: np.random.Generator) -> np.ndarray:
        """Indices of the chosen candidates, after examining those that it requires."""
        return first_fit(examined)

    def thin(self, counts: np.ndarray, splits: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Indices, ascending, of the chosen patches that are kept when all have a split.

        Args:
            counts: Labelled pixels of every class (n, classes).
            splits: Index in `SPLITS` of every patch (n,).
            rng: Source of all randomness.
        """
        return np.arange(len(splits))

    def limit(self) -> int | None:
        """How many patches are wanted; None if no number is given."""
        return None

    def notes(self, examined: Examined, chosen: np.ndarray) -> list[str]:
        """Sentences about the choice."""
        return examined.candidates.notes

    def notes_on_classes(self, pixels: np.ndarray, labels: list[str]) -> list[str]:
        """Sentences about the pixels of every class (classes,) in all patches that are cut."""
        return []


@dataclass(frozen=True)
class GridSampling(SamplingDesign):
    """Every position of a regular grid: use it to take all that the region holds.

    Attributes:
        stride: Step in cells; smaller than the patch, patches overlap.

    Raises:
        ValueError: The step is below 1.
    """

    description = "every position of a regular grid"

    stride: int

    def __post_init__(self) -> None:
        if self.stride < 1:
            raise ValueError(f"stride must be at least 1, found {self.stride}")

    def candidates(
        self, grid: Grid, margin: tuple[int, int], rng: np.random.Generator
    ) -> Candidates:
        rows = np.arange(0, grid.rows - grid.size + 1, self.stride)
        cols = np.arange(0, grid.cols - grid.size + 1, self.stride)
        positions = np.stack(np.meshgrid(rows, cols, indexing="ij"), axis=-1).reshape(-1, 2)
        return Candidates.of_one_group(positions, len(positions))


@dataclass(frozen=True)
class NumberSampling(SamplingDesign):
    """A wanted number of patches, each within one block and away from the blocks' edges.

    Attributes:
        npatches: How many patches are wanted.

    Raises:
        ValueError: No patch is wanted.
    """

    npatches: int

    def __post_init__(self) -> None:
        if self.npatches < 1:
            raise ValueError(f"npatches must be at least 1, found {self.npatches}")

    def limit(self) -> int | None:
        return self.npatches


@dataclass(frozen=True)
class RandomSampling(NumberSampling):
    """Positions uniformly at random: use it for a wanted number of patches."""

    description = "npatches positions at random"

    def candidates(
        self, grid: Grid, margin: tuple[int, int], rng: np.random.Generator
    ) -> Candidates:
        positions = _random_positions(grid, margin, _candidates_for(self.npatches), rng)
        return Candidates.of_one_group(positions, self.npatches)


@dataclass(frozen=True)
class StratifiedSampling(NumberSampling):
    """Equal numbers of patches from every stratum: use it so that no part of the area is missed.

    A patch belongs to the stratum of the cell at its centre.

    Attributes:
        strata: Strata of a map; without it the blocks of the grid are the strata.
    """

    description = "equal numbers of patches in every stratum"

    strata: StratumReader | None = None

    def candidates(
        self, grid: Grid, margin: tuple[int, int], rng: np.random.Generator
    ) -> Candidates:
        rows, cols = starts_within_blocks(grid, margin)
        most = _candidates_for(self.npatches)
        if self.strata is None:
            positions, groups, blocks = draw_from_blocks(rows, cols, grid.block_size, most, rng)
            names = [f"block {row + 1}/{col + 1}" for row, col in blocks]
        else:
            middle = grid.size // 2
            cells, groups, found = draw_from_map(
                self.strata, rows + middle, cols + middle, most, rng
            )
            positions = cells - middle
            names = [str(self.strata.categories[one]) for one in found]
        return Candidates(positions, groups, deal(self.npatches, len(names), rng), names=names)

    def notes(self, examined: Examined, chosen: np.ndarray) -> list[str]:
        note = few_note(examined.candidates, chosen)
        return [note] if note else []


@dataclass(frozen=True)
class BalancedSampling(NumberSampling):
    """Patches drawn so that the shares of the classes are even: use it where classes are rare.

    They are drawn within every split, since those for the whole region may be from a few places
    only. See `balanced.draw_evenly`.
    """

    description = "class shares as even as the labels allow"

    def candidates(
        self, grid: Grid, margin: tuple[int, int], rng: np.random.Generator
    ) -> Candidates:
        pool = max(BALANCED_POOL, 4 * self.npatches)
        return Candidates.of_one_group(_random_positions(grid, margin, pool, rng), self.npatches)

    def choose(self, examined: Examined, rng: np.random.Generator) -> np.ndarray:
        examined.examine(np.arange(len(examined.candidates.positions)))
        return examined.fit()

    def thin(self, counts: np.ndarray, splits: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        kept = []
        # A split may get none where fewer patches are wanted than there are splits.
        for split, number in enumerate(_portions(np.bincount(splits), self.npatches)):
            members = np.flatnonzero(splits == split)
            kept.append(members[draw_evenly(counts[members], number, rng)])
        return np.sort(np.concatenate(kept))

    def notes_on_classes(self, pixels: np.ndarray, labels: list[str]) -> list[str]:
        return [evenness_note(pixels, labels)]


OBJECTS, NEGATIVES = range(2)
"""Groups of object sampling."""


@dataclass(frozen=True)
class ObjectSampling(SamplingDesign):
    """A patch on every object, and patches without objects: use it to detect single objects.

    Patches without objects share no cell with each other: otherwise many would overlap in the
    little space that objects leave.

    Attributes:
        places: Rows and columns (n, 2) of the objects' centres in cells from the region's upper
            left corner; the middle of the first cell is 0.5.
        jitter: Patches are moved by up to this many cells, at random, in both directions; the
            centre stays in the patch.
        negatives: Patches without objects, as a multiple of those with one.
        background: Index of the class that is no object.
        centred: Whether an object's cell must be the one at the centre of its patch: those too near
            the edge of the region get none.

    Raises:
        ValueError: There are no objects, jitter or negatives are below 0, or negatives are wanted
            without background.
    """

    description = "one patch on every training area, segment or point, and negatives without any"

    places: np.ndarray | None
    jitter: int = 0
    negatives: float = 0.0
    background: int | None = None
    centred: bool = False

    def __post_init__(self) -> None:
        if self.places is None:
            raise ValueError(
                "sampling=objects needs training areas, segments or points: give training or "
                "segments instead of labels"
            )
        if self.jitter < 0:
            raise ValueError(f"jitter must be at least 0, found {self.jitter}")
        if not 0 <= self.negatives < np.inf:
            raise ValueError(f"negatives must be at least 0, found {self.negatives}")
        if self.negatives > 0 and self.background is None:
            raise ValueError(
                "Patches without objects need a class that is no object: "
                "give background=, or negatives=0"
            )

    def candidates(
        self, grid: Grid, margin: tuple[int, int], rng: np.random.Generator
    ) -> Candidates:
        objects, notes = self._on_objects(grid, rng)
        number = round(self.negatives * len(objects))
        positions = objects
        if number:
            free = _random_positions(grid, margin, _candidates_for(number), rng)
            positions = _first_of_equals(np.concatenate([objects, free]))
        groups = np.full(len(positions), NEGATIVES)
        groups[: len(objects)] = OBJECTS
        wanted = np.array([len(objects), number])
        return Candidates(positions, groups, wanted, notes, size=grid.size)

    def choose(self, examined: Examined, rng: np.random.Generator) -> np.ndarray:
        groups = examined.candidates.groups
        examined.examine(np.flatnonzero(groups == OBJECTS))
        objects = examined.fit()
        free = np.flatnonzero(groups == NEGATIVES)
        wanted = round(self.negatives * len(objects))
        negatives = spread_fit(examined, free, wanted, examined.candidates.size)
        return np.concatenate([objects, negatives])

    def accepts(self, counts: np.ndarray, groups: np.ndarray, least: float) -> np.ndarray:
        enough = super().accepts(counts, groups, least)
        if self.background is None:
            return enough
        others = counts.sum(axis=1) - counts[:, self.background]
        return enough & ((groups == OBJECTS) == (others > 0))

    def notes(self, examined: Examined, chosen: np.ndarray) -> list[str]:
        objects, given = np.bincount(examined.candidates.groups[chosen], minlength=2).tolist()
        wanted = round(self.negatives * objects)
        notes = examined.candidates.notes
        if given < wanted:
            few = (
                f"Patches without objects: {given} of {wanted} wanted. There is no room for more "
                "that share no cell: a smaller size, or a larger region, gives more"
            )
            notes = [*notes, few]
        return notes

    def _on_objects(self, grid: Grid, rng: np.random.Generator) -> tuple[np.ndarray, list[str]]:
        """Positions of patches on the objects, and sentences about objects without one."""
        centres = np.asarray(self.places).reshape(-1, 2)
        cells = np.floor(centres).astype(np.int64)
        inside = ((cells >= 0) & (cells < [grid.rows, grid.cols])).all(axis=1)
        if not inside.any():
            raise ValueError(f"None of {len(cells)} objects has its centre in the region")
        notes = []
        if not inside.all():
            notes.append(f"Objects with their centre outside the region: {(~inside).sum()}")
        cells, centres = cells[inside], centres[inside]
        if self.centred:
            starts, near = _centred(cells, grid)
            notes += near
        else:
            starts = self._around(cells, centres, grid, rng)
        positions = _first_of_equals(starts)
        if len(positions) < len(starts):
            notes.append(f"Objects in the patch of another one: {len(starts) - len(positions)}")
        return positions, notes

    def _around(
        self, cells: np.ndarray, centres: np.ndarray, grid: Grid, rng: np.random.Generator
    ) -> np.ndarray:
        """Positions of patches (n, 2) that hold these cells, moved by the jitter."""
        moved = rng.integers(-self.jitter, self.jitter, cells.shape, endpoint=True)
        starts = np.floor(centres - grid.size / 2 + 0.5).astype(np.int64) + moved
        starts = starts.clip(cells - grid.size + 1, cells)
        return starts.clip(0, [grid.rows - grid.size, grid.cols - grid.size])


def _centred(cells: np.ndarray, grid: Grid) -> tuple[np.ndarray, list[str]]:
    """Positions of patches (n, 2) with these cells at their centre, and a sentence about those
    that do not fit into the region."""
    starts = cells - grid.size // 2
    highest = [grid.rows - grid.size, grid.cols - grid.size]
    fits = ((starts >= 0) & (starts <= highest)).all(axis=1)
    if not fits.any():
        raise ValueError(
            f"None of {len(cells)} objects has a patch of {grid.size} cells around it in the "
            "region: choose a smaller size or a larger region"
        )
    near = f"Objects too near the edge of the region for a patch around them: {(~fits).sum()}"
    return starts[fits], [] if fits.all() else [near]


DESIGNS: dict[str, type[SamplingDesign]] = {
    "grid": GridSampling,
    "random": RandomSampling,
    "stratified": StratifiedSampling,
    "balanced": BalancedSampling,
    "objects": ObjectSampling,
}
"""All designs, by the values of the option `sampling`."""


def _portions(available: np.ndarray, wanted: int) -> list[int]:
    """A number of patches divided in proportion to what is available, one each first if
    possible."""
    wanted = min(wanted, available.sum())
    portions = np.zeros(len(available), int)
    portions[np.flatnonzero(available)[:wanted]] = 1
    rest = available - portions
    exact = rest * ((wanted - portions.sum()) / max(rest.sum(), 1))
    portions += np.floor(exact).astype(int)
    by_remainder = np.argsort(np.floor(exact) - exact, kind="stable")
    portions[by_remainder[: wanted - portions.sum()]] += 1
    return portions.tolist()


def _candidates_for(npatches: int) -> int:
    return max(MOST_CANDIDATES, 4 * npatches)


def _random_positions(
    grid: Grid, margin: tuple[int, int], most: int, rng: np.random.Generator
) -> np.ndarray:
    """At most `most` positions within blocks, (n, 2), in random order."""
    rows, cols = starts_within_blocks(grid, margin)
    chosen = distinct(len(rows) * len(cols), most, rng)
    return np.stack([rows[chosen // len(cols)], cols[chosen % len(cols)]], axis=-1)


def starts_within_blocks(grid: Grid, margin: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns where patches may begin whose margin is in one block, or outside the region.

    Raises:
        ValueError: There are none.
    """
    rows = _starts(grid.rows, grid, margin[0])
    cols = _starts(grid.cols, grid, margin[1])
    if not rows.size or not cols.size:
        raise ValueError(
            f"Blocks of {grid.block_size} cells are too small for patches of {grid.size} cells "
            f"that keep {margin[0]} rows and {margin[1]} columns from the edges: "
            "choose a larger block_size or a smaller buffer"
        )
    return rows, cols


def _starts(cells: int, grid: Grid, margin: int) -> np.ndarray:
    starts = np.arange(cells - grid.size + 1)
    first, last = clipped(starts, grid.size, margin, cells)
    return starts[first // grid.block_size == (last - 1) // grid.block_size]


def _first_of_equals(positions: np.ndarray) -> np.ndarray:
    """Distinct positions (n, 2) in the order of their first occurrence."""
    # Much faster than comparing rows: columns are below 2^31.
    _, first = np.unique(positions[:, 0] << 31 | positions[:, 1], return_index=True)
    return positions[np.sort(first)]
