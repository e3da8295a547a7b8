# SPDX-License-Identifier: GPL-2.0-or-later
"""What a network thinks of segments: sums of its probabilities and of the features behind them,
however segments lie in the rows.

Segments (objects of image analysis) are cells of equal id. An id is any integer that a GRASS
raster map can hold, 0 and negative ones too. Memory depends on the number of segments, never on
that of cells.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from ..classes import UNLABELLED_INDEX
from ..groups import distinct
from ..options import number
from .decision import normalised_entropy

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
        outside: np.ndarray,
        index: np.ndarray,
        probabilities: np.ndarray,
        features: np.ndarray | None = None,
    ) -> SegmentSums:
        """Sums over some cells.

        Args:
            ids: Segment of each cell (rows, cols), of an integer type.
            outside: Cells without segment or without data (rows, cols) bool, which do not count.
            index: Class that each cell votes for (rows, cols).
            probabilities: Of every class (rows, cols, classes) float32.
            features: What else is summed (rows, cols, features) float32, or None.
        """
        if features is None:
            features = np.empty((*ids.shape, 0), np.float32)
        inside = ~outside
        found, place = distinct(ids[inside])
        segments, classes = len(found), probabilities.shape[-1]
        # The other cells get a place of their own: quicker than to copy what belongs to these.
        places = np.full(ids.size, segments)
        places[inside.ravel()] = place
        votes = np.bincount(places * classes + index.ravel(), minlength=segments * classes)
        return cls(
            found,
            np.bincount(places, minlength=segments)[:segments],
            votes[: segments * classes].reshape(-1, classes),
            _summed(places, segments, probabilities),
            _summed(places, segments, features),
        )


def _summed(places: np.ndarray, segments: int, values: np.ndarray) -> np.ndarray:
    """Sums (segments, layers) float64 of the values (rows, cols, layers) of cells at `places`."""
    sums = np.empty((segments, values.shape[-1]))
    for layer in range(values.shape[-1]):
        added = np.bincount(places, values[..., layer].ravel(), minlength=segments)
        sums[:, layer] = added[:segments]
    return sums


@dataclass(frozen=True)
class SegmentTable:
    """What is known of each segment, and the class that it gets.

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
        """The index of the class of each cell's segment, uint8; see `index`.

        Args:
            ids: Segments of cells, of any shape. Those that have no data get `UNLABELLED_INDEX`.
        """
        if not len(self.ids):
            return np.full(ids.shape, UNLABELLED_INDEX, np.uint8)
        present, place = distinct(ids.ravel())
        row = np.minimum(np.searchsorted(self.ids, present), len(self.ids) - 1)
        found = np.where(self.ids[row] == present, self.index[row], np.uint8(UNLABELLED_INDEX))
        return found[place].reshape(ids.shape)


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
    """How far the highest of each row's values lies above the second."""
    ordered = np.sort(shares, axis=-1)
    return ordered[:, -1] - ordered[:, -2]


def columns_of(table: SegmentTable, values: np.ndarray) -> dict[str, np.ndarray]:
    """What is known of the segments, by names that a database takes for columns.

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
