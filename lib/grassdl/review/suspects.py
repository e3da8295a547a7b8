# SPDX-License-Identifier: GPL-2.0-or-later
"""Areas of labels that are probably wrong, the most suspect first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields

import numpy as np

from ..core.connected_areas import joined
from .confident_learning import NOBODY, SelfConfidence, suggested
from .held_out import HeldOut, LabelledCells

PASSES = 2
"""How often each patch is predicted."""


@dataclass(frozen=True)
class Suspect:
    """Connected cells of one class for which one other class is suggested.

    Attributes:
        dataset: Index of the dataset among those that are reviewed.
        given, suggested: Class indices.
        confidence: Mean probability of the suggested class.
        doubt: Sum over the cells of the probability of the suggested class minus that of the given
            one. It ranks the suspects, so that large areas come before slivers at borders.
        cells: Row and column of each cell in the dataset's region (n, 2).
    """

    dataset: int
    given: int
    suggested: int
    confidence: float
    doubt: float
    cells: np.ndarray


@dataclass(frozen=True)
class _Cells:
    """Suspected cells of a dataset, each array (n,); see `Suspect`."""

    rows: np.ndarray
    cols: np.ndarray
    given: np.ndarray
    suggested: np.ndarray
    confidence: np.ndarray
    margin: np.ndarray

    def chosen(self, places: np.ndarray) -> _Cells:
        """Some of the cells."""
        return _Cells(*(getattr(self, one.name)[places] for one in fields(self)))

    @classmethod
    def joined(cls, parts: Sequence[_Cells]) -> _Cells:
        """All cells without duplicates, sorted by row and column."""
        names = [one.name for one in fields(cls)]
        whole = cls(*(np.concatenate([getattr(one, name) for one in parts]) for name in names))
        # Patches of one split may overlap; the first one counts.
        return whole.chosen(np.unique(whole.keys, return_index=True)[1])

    @property
    def width(self) -> int:
        """Columns of a region that holds all cells, and one more, so that the last cell of a row
        does not precede the first one of the next."""
        return int(self.cols.max(initial=0)) + 2

    @property
    def keys(self) -> np.ndarray:
        """Row-major numbers of the cells."""
        return self.rows.astype(np.int64) * self.width + self.cols


def find_suspects(
    parts: Sequence[HeldOut], minsize: int, progress: Callable[[int], None]
) -> list[Suspect]:
    """The suspects among the labels of patches, the most suspect first.

    The patches are predicted twice, first for the thresholds, since probabilities of all patches
    may exceed the memory.

    Args:
        parts: The patches, and the models that were not trained on them.
        minsize: Least cells of a suspect; of patches only the central one is labelled, and
            one is enough.
        progress: Called with the number of patches that were predicted, each of which counts
            `PASSES` times.

    Raises:
        ValueError: None of the cells is labelled.
    """
    networks = [one.predictor() for one in parts]
    done = 0

    def cells() -> Iterator[LabelledCells]:
        nonlocal done
        for part, predict in zip(parts, networks, strict=True):
            for one in part.cells(predict):
                yield one
                done += one.patches
                progress(done)

    confidence = SelfConfidence(len(parts[0].card.classes))
    for one in cells():
        confidence.add(one.probabilities, one.given)
    if not confidence.labels:
        raise ValueError(
            "No cell of the validation and test patches has a class that the model has: there "
            "is no label to suspect"
        )
    least = 1 if parts[0].card.target.of_patches else minsize
    by_dataset: dict[int, list[_Cells]] = {}
    for one in cells():
        by_dataset.setdefault(one.dataset, []).append(_suspected(one, confidence.thresholds))
    areas = [
        area
        for dataset, found in by_dataset.items()
        for area in _areas(dataset, _Cells.joined(found))
        if len(area.cells) >= least
    ]
    return sorted(areas, key=lambda area: -area.doubt)


def _suspected(cells: LabelledCells, thresholds: np.ndarray) -> _Cells:
    """The suspected ones of labelled cells."""
    taken_for = suggested(cells.probabilities, cells.given, thresholds)
    places = np.flatnonzero(taken_for != NOBODY)
    given, other = cells.given[places], taken_for[places]
    confidence = cells.probabilities[places, other]
    margin = confidence - cells.probabilities[places, given]
    return _Cells(cells.rows[places], cells.cols[places], given, other, confidence, margin)


def _areas(dataset: int, cells: _Cells) -> Iterator[Suspect]:
    """The connected areas of cells of equal classes."""
    if not len(cells.rows):
        return
    pairs = np.concatenate([_neighbours(cells, down) for down in (True, False)])
    area_of = joined(len(cells.rows), pairs)
    order = np.argsort(area_of, kind="stable")
    for places in np.split(order, np.flatnonzero(np.diff(area_of[order])) + 1):
        own = cells.chosen(places)
        yield Suspect(
            dataset,
            int(own.given[0]),
            int(own.suggested[0]),
            float(own.confidence.mean()),
            float(own.margin.sum()),
            np.stack([own.rows, own.cols], axis=1),
        )


def _neighbours(cells: _Cells, down: bool) -> np.ndarray:
    """Indices (n, 2) of cells and their lower, or right, neighbours of the same classes."""
    keys = cells.keys
    wanted = keys + (cells.width if down else 1)
    there = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    alike = (keys[there] == wanted) & (cells.given == cells.given[there])
    alike &= cells.suggested == cells.suggested[there]
    here = np.flatnonzero(alike)
    return np.stack([here, there[here]], axis=1)
