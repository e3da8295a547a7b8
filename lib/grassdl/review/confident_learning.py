# SPDX-License-Identifier: GPL-2.0-or-later
"""Confident learning: labels that are probably wrong, by a network that was not trained on them.

A label is suspected if the probability of another class exceeds the mean probability of that class
where it is the label: classes of low confidence have lower thresholds.

Source: Northcutt, Jiang & Chuang 2021, doi 10.1613/jair.1.12125: thresholds are equation 2, and
suspected are the labels off the diagonal of the confident joint, equation 1.
"""

from __future__ import annotations

import numpy as np

NOBODY = -1
"""Stands for the suggested class of a label that is not suspected."""


class SelfConfidence:
    """Sums of the probabilities that labels have, by class.

    Args:
        classes: Number of classes.
    """

    def __init__(self, classes: int):
        self._total = np.zeros(classes)
        self._count = np.zeros(classes, np.int64)

    def add(self, probabilities: np.ndarray, given: np.ndarray) -> None:
        """Add labels (n,), as class indices, and a network's probabilities there (n, classes)."""
        own = probabilities[np.arange(len(given)), given]
        self._total += np.bincount(given, own, len(self._total))
        self._count += np.bincount(given, minlength=len(self._count))

    @property
    def labels(self) -> int:
        """Number of labels added."""
        return int(self._count.sum())

    @property
    def thresholds(self) -> np.ndarray:
        """Mean probability of each class where it is the label (classes,); infinite for a class
        that no label has, which is then never suggested."""
        unknown = np.full(len(self._total), np.inf)
        return np.divide(self._total, self._count, out=unknown, where=self._count > 0)


def suggested(probabilities: np.ndarray, given: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """The class that the network suggests for each label, (n,) intp; `NOBODY` if not suspected.

    Args:
        probabilities: Of the network (n, classes).
        given: The labels as class indices (n,).
        thresholds: See `SelfConfidence.thresholds`.
    """
    confident = np.where(probabilities >= thresholds, probabilities, -1)
    most = confident.argmax(axis=1)
    suspected = (confident.max(axis=1) >= 0) & (most != given)
    return np.where(suspected, most, NOBODY)
