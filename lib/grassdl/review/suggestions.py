# SPDX-License-Identifier: GPL-2.0-or-later
"""Which squares of a region to label next: uncertain, diverse and apart from each other.

The most uncertain squares alone would mostly show the same land cover. So the most uncertain are
clustered by their features, and the clusters take turns (Zhdanov 2019, arXiv 1901.05954: the
candidates are the most informative ones, in a k-means weighted by their score).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .squares import SquareGrid

CANDIDATES = 20
"""Candidates that are clustered for each wanted square: the most uncertain ones."""

LARGEST_SHARE = 0.25
"""Largest share of the squares that is clustered: of few squares the less uncertain ones are not
worth a label for their diversity."""

MOST_CLUSTERS = 16
"""Most clusters of squares."""

LEAST_DATA = 0.5
"""Least share of the cells of a square that have data."""


@dataclass(frozen=True)
class Suggestion:
    """A square to label.

    Attributes:
        row, col: Upper left cell in the region.
        score: Mean uncertainty, or disagreement, of its cells with data.
        cluster: Number of its cluster, from 1.
    """

    row: int
    col: int
    score: float
    cluster: int


@dataclass(frozen=True)
class Spacing:
    """The least distance between squares.

    Attributes:
        height, width: Edges of a square in map units.
        distance: Least distance between the edges of two squares, in map units.
    """

    height: float
    width: float
    distance: float

    def are_apart(self, places: np.ndarray, place: np.ndarray) -> np.ndarray:
        """Which squares (n,) are far enough from one, all by row and column of squares."""
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
        looks: Features of the squares (down, across, features).
        may_be_taken: Which squares may be suggested (down, across).
        wanted: Their number.
        spacing: Their least distance.
        seed: Seed of the grouping.
    """
    places = np.argwhere(may_be_taken)
    if not len(places):
        return []
    # Stable: of equal scores the first square comes first.
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
        looks: Their features (n, features).
        scores: Their scores (n,).
        grouped: Number of the first ones that are clustered.
        most: Most clusters.
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
    """Numbers of the squares that are taken: in turn the most uncertain one of each cluster that is
    far enough from those before; then the others by their scores.

    Args:
        places: Squares by row and column (n, 2), in the order of their scores.
        clusters: The cluster of each (n,).
        grouped: Number of the first ones, which are clustered.
        wanted: Most that are taken.
        spacing: Their least distance.
    """
    first = clusters[:grouped]
    numbers = np.unique(first, return_index=True)[1]
    queues = [np.flatnonzero(first == first[place]) for place in np.sort(numbers)]
    queues.append(np.arange(len(first), len(places)))
    free = np.ones(len(places), bool)
    chosen: list[int] = []
    while any(map(len, queues)):
        # The last queue has those without cluster.
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
