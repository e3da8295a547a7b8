# SPDX-License-Identifier: GPL-2.0-or-later
"""Which squares of a region to label next: uncertain ones, of different looks, not side by side.

The most uncertain squares alone would mostly show one thing, many times. So the most uncertain are
grouped by what they look like, and the groups take turns (Zhdanov 2019, arXiv 1901.05954: the
candidates are the most informative ones, clustered by k-means that weighs them by their score).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .squares import SquareGrid

CANDIDATES = 20
"""Squares that are grouped for each one that is wanted: the most uncertain ones."""

LARGEST_SHARE = 0.25
"""Of the squares that may be suggested, the share that is grouped at most: of few squares the less
uncertain half is not worth a label for its looks."""

MOST_CLUSTERS = 16
"""Groups of squares that look alike."""

LEAST_DATA = 0.5
"""Share of the cells of a square that have data."""


@dataclass(frozen=True)
class Suggestion:
    """A square that is worth a label.

    Attributes:
        row, col: Upper left cell in the region.
        score: Mean uncertainty, or disagreement, of its cells with data.
        cluster: Number of the group of squares that look like it, from 1.
    """

    row: int
    col: int
    score: float
    cluster: int


@dataclass(frozen=True)
class Spacing:
    """How far apart squares must be.

    Attributes:
        height, width: Edges of a square in map units.
        distance: Map units that lie between two squares at least.
    """

    height: float
    width: float
    distance: float

    def are_apart(self, places: np.ndarray, place: np.ndarray) -> np.ndarray:
        """Which squares (n,) are far enough from one; all given by row and column of squares."""
        steps = np.abs(places - place)
        between = np.maximum(steps - 1, 0) * (self.height, self.width)
        return (np.hypot(*between.T) >= self.distance) & steps.any(axis=1)


def suggest(
    grid: SquareGrid,
    scores: np.ndarray,
    looks: np.ndarray,
    may_be_taken: np.ndarray,
    wanted: int,
    spacing: Spacing,
    seed: int,
) -> list[Suggestion]:
    """The squares to label next, the one of the highest score first; fewer than are wanted if no
    more are far enough apart.

    Args:
        grid: The squares.
        scores: Of each square (down, across).
        looks: What squares look like, as numbers (down, across, features).
        may_be_taken: Which squares may be suggested (down, across).
        wanted: How many.
        spacing: How far apart they must be.
        seed: Seed of the grouping.
    """
    places = np.argwhere(may_be_taken)
    if not len(places):
        return []
    # Of equal scores the first one counts, whatever the order of the others.
    order = np.argsort(-scores[tuple(places.T)], kind="stable")
    places = places[order]
    own_scores = scores[tuple(places.T)]
    grouped = min(CANDIDATES * wanted, max(wanted, math.ceil(LARGEST_SHARE * len(places))))
    clusters = _clusters(
        looks[tuple(places.T)], own_scores, grouped, min(wanted, MOST_CLUSTERS), seed
    )
    chosen = _in_turns(places, clusters, grouped, wanted, spacing)
    return [
        Suggestion(
            row=int(places[place, 0]) * grid.size,
            col=int(places[place, 1]) * grid.size,
            score=float(own_scores[place]),
            cluster=int(clusters[place]) + 1,
        )
        for place in sorted(chosen)
    ]


def _clusters(
    looks: np.ndarray, scores: np.ndarray, grouped: int, most: int, seed: int
) -> np.ndarray:
    """Number of the cluster of each square (n,), in the order of their scores.

    Args:
        looks: What they look like (n, features).
        scores: Their scores (n,).
        grouped: How many of the first ones make the clusters.
        most: Number of clusters at most.
        seed: Seed of k-means.
    """
    from sklearn.cluster import KMeans

    deviation = looks.std(axis=0)
    plain = (looks - looks.mean(axis=0)) / np.where(deviation > 0, deviation, 1)
    first = plain[:grouped]
    number = min(most, len(np.unique(first, axis=0)))
    weights = scores[:grouped] if scores[0] > 0 else None
    found = KMeans(number, n_init=4, random_state=seed).fit(first, sample_weight=weights)
    return found.predict(plain)


def _in_turns(
    places: np.ndarray, clusters: np.ndarray, grouped: int, wanted: int, spacing: Spacing
) -> list[int]:
    """Numbers of the squares that are taken: each cluster in turn gives its most uncertain one that
    is far enough from those before; if that is not enough, all others follow by their scores.

    Args:
        places: Squares by row and column (n, 2), in the order of their scores.
        clusters: The cluster of each (n,).
        grouped: How many of the first ones take turns.
        wanted: How many are taken at most.
        spacing: How far apart they must be.
    """
    first = clusters[:grouped]
    numbers = np.unique(first, return_index=True)[1]
    queues = [np.flatnonzero(first == first[place]) for place in np.sort(numbers)]
    queues.append(np.arange(len(first), len(places)))
    free = np.ones(len(places), bool)
    chosen: list[int] = []
    while any(map(len, queues)):
        # The last queue is that of all others.
        waiting = [place for place, one in enumerate(queues[:-1]) if len(one)] or [-1]
        for place in waiting:
            queues[place] = queues[place][free[queues[place]]]
            if len(queues[place]):
                taken, queues[place] = int(queues[place][0]), queues[place][1:]
                chosen.append(taken)
                free &= spacing.are_apart(places, places[taken])
            if len(chosen) == wanted:
                return chosen
    return chosen
