# SPDX-License-Identifier: GPL-2.0-or-later
"""What a network thinks of segments: sums of its probabilities, however segments lie in the rows.

Segments (objects of image analysis) are cells of equal id. An id is any integer that a GRASS
raster map can hold, 0 and negative ones too. Memory depends on the number of segments, never on
that of cells.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from ..classes import UNLABELLED_INDEX
from ..options import number
from .decision import normalised_entropy

MEAN, MAJORITY = "mean", "majority"

FEWEST_PENDING = 1 << 16
"""Rows of parts that are always allowed to wait for being added up."""


@dataclass(frozen=True)
class SegmentSums:
    """Sums over the cells of each segment.

    Attributes:
        ids: Segments (segments,) int64, ascending.
        cells: Cells with data (segments,) int64.
        votes: Cells by their most probable class (segments, classes) int64.
        sums: Of probabilities (segments, classes) float64.
        features: Of features (segments, features) float64; no columns where there are none.
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
            features: (rows, cols, features) float32, or None.
        """
        inside = ~outside
        found, place = distinct(ids[inside])
        classes = probabilities.shape[-1]
        pairs = place * classes + index[inside]
        votes = np.bincount(pairs, minlength=len(found) * classes).reshape(-1, classes)
        return cls(
            found,
            np.bincount(place, minlength=len(found)),
            votes,
            _summed(place, len(found), probabilities[inside]),
            _summed(place, len(found), None if features is None else features[inside]),
        )

    @classmethod
    def joined(cls, parts: Iterable[SegmentSums]) -> SegmentSums:
        """The sums of several parts, at least one, whose segments may be the same."""
        columns = zip(*(vars(part).values() for part in parts), strict=True)
        ids, *columns = (np.concatenate(column) for column in columns)
        order = np.argsort(ids, kind="stable")
        ids, *columns = (column[order] for column in (ids, *columns))
        if not len(ids):
            return cls(ids, *columns)
        first = np.flatnonzero(np.append(True, ids[1:] != ids[:-1]))
        return cls(ids[first], *(np.add.reduceat(column, first) for column in columns))


def distinct(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The different integers (ascending) among some, and the place of each among them.

    The ids of neighbouring segments are mostly close to each other; then a table is many times
    quicker than to sort them. It is never larger than a few times the values themselves.
    """
    if not values.size:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    lowest = int(values.min())
    span = int(values.max()) - lowest + 1
    if span > 4 * values.size:
        found, places = np.unique(values, return_inverse=True)
        return found.astype(np.int64), places
    # The type of the ids may be too small for their differences.
    offset = values.astype(np.int64) - lowest
    seen = np.zeros(span, bool)
    seen[offset] = True
    found = np.flatnonzero(seen)
    places = np.empty(span, np.int64)
    places[found] = np.arange(len(found))
    return found + lowest, places[offset]


def _summed(place: np.ndarray, segments: int, values: np.ndarray | None) -> np.ndarray:
    """Sums (segments, layers) float64 of the values (cells, layers) of cells; none of None."""
    if values is None:
        return np.zeros((segments, 0))
    layers = (np.bincount(place, layer, minlength=segments) for layer in values.T)
    return np.stack(list(layers), axis=-1)


class SegmentTally:
    """Adds up parts of a map that come one after the other.

    Parts wait until there are as many rows of them as the total has. So each row is added up a
    few times only, and memory holds about three times the rows of the result.

    Args:
        classes: Number of classes.
        features: Number of features.
    """

    def __init__(self, classes: int, features: int = 0):
        self._total = SegmentSums(
            np.zeros(0, np.int64),
            np.zeros(0, np.int64),
            np.zeros((0, classes), np.int64),
            np.zeros((0, classes)),
            np.zeros((0, features)),
        )
        self._waiting: list[SegmentSums] = []
        self._rows_waiting = 0

    def add(self, part: SegmentSums) -> None:
        """Add a part."""
        self._waiting.append(part)
        self._rows_waiting += len(part.ids)
        if self._rows_waiting > max(FEWEST_PENDING, len(self._total.ids)):
            self._add_up()

    def total(self) -> SegmentSums:
        """The sums of all parts."""
        self._add_up()
        return self._total

    def _add_up(self) -> None:
        self._total = SegmentSums.joined([self._total, *self._waiting])
        self._waiting, self._rows_waiting = [], 0


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
        features: Mean of every feature (segments, features) float64.
        index: Index of the class that the segment gets (segments,) uint8; `UNLABELLED_INDEX` where
            its margin is too small, so that its cells keep their own.
    """

    ids: np.ndarray
    cells: np.ndarray
    majority: np.ndarray
    share: np.ndarray
    means: np.ndarray
    entropy: np.ndarray
    margin: np.ndarray
    features: np.ndarray
    index: np.ndarray

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
        features=sums.features / cells,
        index=index,
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
        **{f"feat_{place}": column for place, column in enumerate(table.features.T)},
    }
