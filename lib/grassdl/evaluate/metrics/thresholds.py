# SPDX-License-Identifier: GPL-2.0-or-later
"""The probability from which on a cell is assigned to the second of two classes.

The precision-recall curve and average precision are scikit-learn's, of counts of cells by
probability: memory does not grow with their number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...core.classes import MapClass

BINS = 10_000
"""Number of bins of the probability: thresholds have steps of 0.0001."""

_EDGES = (np.arange(BINS) / BINS).astype(np.float32)
"""Lowest probability of each bin, in single precision as the probabilities that are compared."""

CURVE_POINTS = 101
"""Recalls, evenly spaced, of the points of the curve in the report."""


class ThresholdCounts:
    """Cells by probability of one of two classes.

    Args:
        positive: Index of the class among the probabilities.

    Attributes:
        cells: Cells by bin of the probability (2, BINS), those of other classes first.
    """

    def __init__(self, positive: int = 1):
        self._positive = positive
        self.cells = np.zeros((2, BINS), np.int64)

    def add(self, probabilities: np.ndarray, truth: np.ndarray) -> None:
        """Add cells.

        Args:
            probabilities: (classes, cells), no NaN.
            truth: Index of the true class (cells,); all but `positive` are negative.
        """
        shares = probabilities[self._positive].astype(np.float32, copy=False)
        bins = np.maximum(np.searchsorted(_EDGES, shares, side="right") - 1, 0)
        codes = (truth == self._positive) * BINS + bins
        self.cells += np.bincount(codes, minlength=2 * BINS).reshape(2, BINS)


@dataclass(frozen=True)
class Curve:
    """Precision and recall by threshold.

    Attributes:
        steps: Thresholds in steps of 1 / `BINS`, ascending; cells of at least this probability are
            assigned to the class.
        precision: Share of these that are of the class.
        recall: Share of the class that is among them.
        average_precision: The precisions weighted by the increase of recall.
    """

    steps: np.ndarray
    precision: np.ndarray
    recall: np.ndarray
    average_precision: float

    @classmethod
    def of(cls, counts: ThresholdCounts) -> Curve | None:
        """The curve of counted cells; None if none of them is of the class."""
        from sklearn.metrics import average_precision_score, precision_recall_curve

        if not counts.cells[1].any():
            return None
        is_class, steps = np.nonzero(counts.cells)
        weights = counts.cells[is_class, steps]
        precision, recall, found = precision_recall_curve(is_class, steps, sample_weight=weights)
        average = average_precision_score(is_class, steps, sample_weight=weights)
        # The last point has no threshold: no cell is assigned to the class.
        return cls(found, precision[:-1], recall[:-1], float(average))

    @property
    def f1(self) -> np.ndarray:
        """F1 by threshold; 0 where no cell of the class is found."""
        total = self.precision + self.recall
        return np.divide(
            2 * self.precision * self.recall, total, out=np.zeros_like(total), where=total > 0
        )

    def highest_f1(self) -> dict[str, float]:
        """The threshold of the highest F1."""
        return self._at(int(self.f1.argmax()))

    def of_precision(self, wanted: float) -> dict[str, float] | None:
        """The threshold of the highest recall with at least the wanted precision, if any."""
        places = np.flatnonzero(self.precision >= wanted)
        if not len(places):
            return None
        # Recall falls as thresholds rise; of those of equal recall the most precise one.
        places = places[self.recall[places] == self.recall[places[0]]]
        return self._at(int(places[self.precision[places].argmax()]))

    def of_recall(self, wanted: float) -> dict[str, float] | None:
        """The threshold of the highest precision with at least the wanted recall."""
        places = np.flatnonzero(self.recall >= wanted)
        return self._at(int(places[self.precision[places].argmax()])) if len(places) else None

    def at(self, threshold: float) -> dict[str, float | None]:
        """The figures at a threshold; no precision where no cell reaches it."""
        place = int(np.searchsorted(self.steps, _step_of(threshold)))
        if place == len(self.steps):
            return {"threshold": threshold, "precision": None, "recall": 0.0, "f1": 0.0}
        return {**self._at(place), "threshold": threshold}

    def points(self) -> list[dict[str, float]]:
        """Points of the curve for the report, from the lowest threshold on."""
        wanted = np.linspace(1, 0, CURVE_POINTS)
        # Recall falls as thresholds rise: the highest threshold that reaches the recall.
        places = np.searchsorted(-self.recall, -wanted, side="right") - 1
        return [self._at(place) for place in np.unique(places[places >= 0]).tolist()]

    def _at(self, place: int) -> dict[str, float]:
        """The figures of a threshold, set halfway between those at which they change."""
        below = self.steps[place - 1] if place else -1
        return {
            "threshold": int(below + 1 + self.steps[place]) // 2 / BINS,
            "precision": float(self.precision[place]),
            "recall": float(self.recall[place]),
            "f1": float(self.f1[place]),
        }


def _step_of(threshold: float) -> int:
    """The first bin all of whose probabilities reach a threshold."""
    return int(np.searchsorted(_EDGES, np.float32(threshold)))


@dataclass(frozen=True)
class Wanted:
    """The precision or recall that a threshold is to reach.

    Attributes:
        precision: Least precision, or None.
        recall: Least recall, or None.
    """

    precision: float | None = None
    recall: float | None = None

    def __bool__(self) -> bool:
        return self.precision is not None or self.recall is not None


NOTHING_WANTED = Wanted()


def threshold_report(
    counts: ThresholdCounts,
    positive: MapClass,
    wanted: Wanted,
    used: float | None = None,
) -> dict[str, Any]:
    """Curve, average precision and thresholds as a JSON object.

    Args:
        counts: The cells.
        positive: The class.
        wanted: What thresholds are wanted for.
        used: The threshold of the classification, if it is known.

    Returns:
        `highest_f1`, and `wanted_precision`, `wanted_recall` and `used` if there are any, each with
        `threshold`, `precision`, `recall` and `f1`, or None where no threshold reaches it; the
        figures are None where no cell is of the class.
    """
    curve = Curve.of(counts)
    found: dict[str, Any] = {
        "class": {"value": positive.value, "label": positive.label},
        "pixels": int(counts.cells.sum()),
        "support": int(counts.cells[1].sum()),
        "average_precision": curve.average_precision if curve else None,
        "highest_f1": curve.highest_f1() if curve else None,
    }
    if wanted.precision is not None:
        found["wanted_precision"] = {
            "wanted": wanted.precision,
            "found": curve.of_precision(wanted.precision) if curve else None,
        }
    if wanted.recall is not None:
        found["wanted_recall"] = {
            "wanted": wanted.recall,
            "found": curve.of_recall(wanted.recall) if curve else None,
        }
    if used is not None:
        found["used"] = curve.at(used) if curve else None
    return {**found, "curve": curve.points() if curve else []}


def chosen_threshold(counts: ThresholdCounts, wanted: Wanted, where: str) -> float:
    """The threshold of the wanted precision or recall, or of the highest F1.

    Args:
        counts: The cells.
        wanted: What the threshold is wanted for.
        where: A description of the cells, for messages.

    Raises:
        ValueError: No cell is of the class, or no threshold reaches the wanted precision.
    """
    curve = Curve.of(counts)
    if curve is None:
        raise ValueError(f"None of {where} is of the second class: no threshold can be chosen")
    if wanted.precision is not None:
        found = curve.of_precision(wanted.precision)
        if found is None:
            raise ValueError(
                f"No threshold reaches a precision of {wanted.precision:g} on {where}: the highest "
                f"is {curve.precision.max():.4f}, choose a lower wanted_precision"
            )
        return found["threshold"]
    best = curve.highest_f1() if wanted.recall is None else curve.of_recall(wanted.recall)
    assert best is not None, "the lowest threshold has a recall of 1"
    return best["threshold"]
