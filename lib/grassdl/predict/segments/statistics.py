# SPDX-License-Identifier: GPL-2.0-or-later
"""Statistics of segments: sums of the network's probabilities and features over their cells,
however segments lie in the rows.

Segments (objects of image analysis) are cells of equal id. An id is any integer that a GRASS
raster map can hold, 0 and negative ones too. Memory depends on the number of segments, never on
that of cells.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from ...core.classes import UNLABELLED_INDEX
from ...core.options import number
from ..decision import normalised_entropy

MEAN, MAJORITY = "mean", "majority"


@dataclass(frozen=True)
class SegmentSums:
    """Sums over the cells of each segment.

    Attributes:
        ids: Segments (segments,) int64, ascending.
        cells: Cells with data (segments,) int64.
        votes: Cells by their most probable class (segments, classes) int64.
        sums: Of probabilities (segments, classes) float64.
        features: Sums of features (segments, features) float64.
    """

    ids: np.ndarray
    cells: np.ndarray
    votes: np.ndarray
    sums: np.ndarray
    features: np.ndarray

    @classmethod
    def of_cells(
        cls,
        ids: np.ndarray,
        places: np.ndarray,
        index: np.ndarray,
        probabilities: np.ndarray,
        features: np.ndarray | None = None,
    ) -> SegmentSums:
        """Sums over some cells.

        Args:
            ids: Segments, ascending.
            places: Index of each cell's segment among them (rows, cols); past the last for cells
                without segment or without data, which do not count.
            index: Class that each cell votes for (rows, cols).
            probabilities: Of every class (rows, cols, classes) float32.
            features: Features to sum (rows, cols, features) float32, or None.
        """
        if features is None:
            features = np.empty((*places.shape, 0), np.float32)
        segments, classes = len(ids), probabilities.shape[-1]
        # Cells that do not count are summed, too, which is faster than copying the others.
        flat = places.ravel()
        votes = np.bincount(flat * classes + index.ravel(), minlength=segments * classes)
        votes = votes[: segments * classes].reshape(-1, classes)
        return cls(
            ids,
            votes.sum(axis=1),
            votes,
            summed(flat, segments, probabilities),
            summed(flat, segments, features),
        )


def summed(places: np.ndarray, segments: int, values: np.ndarray) -> np.ndarray:
    """Sums (segments, layers) float64 of the values (rows, cols, layers) of cells at `places`."""
    sums = np.empty((segments, values.shape[-1]))
    for layer in range(values.shape[-1]):
        added = np.bincount(places, values[..., layer].ravel(), minlength=segments)
        sums[:, layer] = added[:segments]
    return sums


@dataclass(frozen=True)
class SegmentTable:
    """The statistics of each segment, and its class.

    Attributes:
        ids: Segments (segments,) int64, ascending.
        cells: Cells with data (segments,) int64.
        majority: Index of the class that most cells vote for (segments,); of several the one of
            the highest mean probability.
        share: Share of the cells that vote for it (segments,).
        means: Mean probability of every class (segments, classes) float64.
        entropy: Normalised entropy of the mean probabilities (segments,).
        margin: Difference between the two highest mean probabilities or, by majority, between the
            two highest shares of votes (segments,).
        index: Index of the class that the segment gets (segments,) uint8; `UNLABELLED_INDEX` where
            its margin is too small, so that its cells keep their own.
        features: Means of the features (segments, features) float64.
    """

    ids: np.ndarray
    cells: np.ndarray
    majority: np.ndarray
    share: np.ndarray
    means: np.ndarray
    entropy: np.ndarray
    margin: np.ndarray
    index: np.ndarray
    features: np.ndarray

    def index_of(self, ids: np.ndarray) -> np.ndarray:
        """The index of the class (segments,) uint8 of some of the segments; see `index`."""
        return self.index[np.searchsorted(self.ids, ids)]


@dataclass(frozen=True)
class SegmentSettings:
    """How a segment gets its class.

    Attributes:
        method: `MEAN` takes the class of the highest mean probability, `MAJORITY` the one that
            most cells vote for.
        least_margin: Segments whose margin stays below get no class of their own.
    """

    method: str = MEAN
    least_margin: float = 0.0

    @classmethod
    def from_options(cls, options: Mapping[str, str]) -> SegmentSettings:
        """Read the options segment_method and segment_margin.

        Raises:
            ValueError: The margin is not in 0..1.
        """
        return cls(options["segment_method"], number(options, "segment_margin", 0, 1))


def segment_table(
    sums: SegmentSums,
    settings: SegmentSettings,
    decide: Callable[[np.ndarray], np.ndarray] = lambda means: means.argmax(axis=-1),
) -> SegmentTable:
    """Give every segment a class.

    Args:
        sums: Over all cells.
        settings: How.
        decide: The class (segments,) of mean probabilities (segments, classes).
    """
    cells = sums.cells[:, np.newaxis]
    means = sums.sums / cells
    shares = sums.votes / cells
    majority = _majority(sums.votes, means)
    margin = _margin(means if settings.method == MEAN else shares)
    index = (decide(means) if settings.method == MEAN else majority).astype(np.uint8)
    index[margin < settings.least_margin] = UNLABELLED_INDEX
    return SegmentTable(
        ids=sums.ids,
        cells=sums.cells,
        majority=majority,
        share=shares.max(axis=-1, initial=0),
        means=means,
        entropy=normalised_entropy(means),
        margin=margin,
        index=index,
        features=sums.features / cells,
    )


def _majority(votes: np.ndarray, means: np.ndarray) -> np.ndarray:
    """The class of most votes, of several the one of the highest mean probability."""
    first = votes == votes.max(axis=-1, keepdims=True)
    return np.where(first, means, -1).argmax(axis=-1)


def _margin(shares: np.ndarray) -> np.ndarray:
    """The difference between the two highest values of each row."""
    ordered = np.sort(shares, axis=-1)
    return ordered[:, -1] - ordered[:, -2]


def columns_of(table: SegmentTable, values: np.ndarray) -> dict[str, np.ndarray]:
    """The statistics of the segments, by names that a database takes for columns.

    Args:
        table: The segments.
        values: Class values by class index.
    """
    return {
        "cat": table.ids,
        "cells": table.cells,
        "majority": values[table.majority],
        "share": table.share,
        **{f"prob_{value}": table.means[:, place] for place, value in enumerate(values)},
        "entropy": table.entropy,
        "margin": table.margin,
        **{f"feat_{place}": one for place, one in enumerate(table.features.T, start=1)},
    }
