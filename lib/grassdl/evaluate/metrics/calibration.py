# SPDX-License-Identifier: GPL-2.0-or-later
"""Calibration of probabilities: of the cells classified with 0.8, 80 % should be right.

Guo, Pleiss, Sun & Weinberger (2017), On Calibration of Modern Neural Networks, ICML; Brier (1950),
Verification of forecasts expressed in terms of probability, Monthly Weather Review 78, 1-3.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...core.readers import RowReader, check_probabilities
from ...model.card import SMALLEST, tempered
from .class_rows import NO_CLASS, ClassRows, strips
from .thresholds import ThresholdCounts

LOG_TEMPERATURES = (-3.0, 3.0)
"""Bounds of the logarithm of a temperature: 0.05 to 20."""

BINS = 15
"""Bins of confidence, as Guo et al. have them."""


def fit_temperature(probabilities: np.ndarray, truth: np.ndarray) -> float:
    """The temperature of the highest likelihood (Guo et al. 2017).

    It minimises the mean of -ln p_true, the negative log likelihood, of `model.tempered`.

    Args:
        probabilities: (pixels, classes) float32 at temperature 1.
        truth: Index of the true class (pixels,).
    """
    from scipy.optimize import minimize_scalar

    places = np.arange(len(truth))

    def loss(log_temperature: float) -> float:
        warm = tempered(probabilities, math.exp(log_temperature))
        return -float(np.log(np.maximum(warm[places, truth], SMALLEST)).mean(dtype=np.float64))

    found = minimize_scalar(loss, bounds=LOG_TEMPERATURES, method="bounded")
    return math.exp(found.x)


class CalibrationCounts:
    """Sums over cells from which the calibration figures follow.

    Attributes:
        cells: (BINS,) cells by confidence.
        confidence: (BINS,) sum of the confidences.
        right: (BINS,) cells whose most probable class is right.
        squares: Sum of the squared differences between probabilities and truth.
    """

    def __init__(self) -> None:
        self.cells = np.zeros(BINS, np.int64)
        self.confidence = np.zeros(BINS)
        self.right = np.zeros(BINS, np.int64)
        self.squares = 0.0

    def add(self, probabilities: np.ndarray, truth: np.ndarray) -> None:
        """Add cells.

        Args:
            probabilities: (classes, cells), no NaN.
            truth: Index of the true class (cells,). One beyond the probabilities counts with
                probability 0, so that the cell is wrong in any case.
        """
        known = np.flatnonzero(truth < len(probabilities))
        best = probabilities.argmax(axis=0)
        confidence = probabilities.max(axis=0)
        # Bins are open below and closed above, as in the paper; 0 belongs to the first.
        bins = np.clip(np.ceil(confidence * BINS).astype(np.int64) - 1, 0, BINS - 1)
        self.cells += np.bincount(bins, minlength=BINS)
        self.confidence += np.bincount(bins, confidence, minlength=BINS)
        self.right += np.bincount(bins[best == truth], minlength=BINS)
        true_probability = probabilities[truth[known], known].astype(np.float64)
        squares = np.square(probabilities, dtype=np.float64).sum()
        # sum over classes of (p - y)^2 = sum p^2 - 2 p_true + 1
        self.squares += float(squares - 2 * true_probability.sum() + truth.size)


def count_calibration(
    rows: ClassRows,
    probabilities: Sequence[RowReader | None],
    progress: Callable[[int], None] = lambda row: None,
    thresholds: ThresholdCounts | None = None,
) -> CalibrationCounts:
    """Count the cells where the maps have a class and all probabilities.

    Args:
        rows: Gives codes of classification and reference.
        probabilities: The map of each class's probability; None for a class whose probability is 0
            everywhere. Those of classes that the maps do not have may follow.
        progress: Takes the number of rows that are done.
        thresholds: Counts the same cells, where there are two classes.

    Raises:
        ValueError: A probability lies outside 0..1, or there is no such cell.
    """
    counts = CalibrationCounts()
    readers = [one for one in probabilities if one is not None]
    # The index of a class without a map is beyond all maps.
    places = np.array([readers.index(one) if one else len(readers) for one in probabilities])
    # A strip has a value for every class.
    for row, count in strips(rows.rows, rows.cols * len(readers)):
        *_, truth = rows.read(row, count)
        read = [reader.read(row, count) for reader in readers]
        shares = np.stack([values for values, _ in read])
        valid = (truth != NO_CLASS) & ~np.logical_or.reduce([null for _, null in read])
        shares = shares[:, valid]
        check_probabilities(shares)
        known = places[truth[valid].astype(np.intp) - 1]
        counts.add(shares, known)
        if thresholds is not None:
            thresholds.add(shares, known)
        progress(row + count)
    if not counts.cells.any():
        raise ValueError("The maps of probabilities have no cell in common with the reference")
    return counts


def calibration_report(counts: CalibrationCounts, without: Sequence[int] = ()) -> dict[str, Any]:
    """Expected calibration error, Brier score and reliability curve as a JSON object.

    The Brier score is that of Brier (1950): the squared differences summed over the classes, 0
    to 2. Bins without cells are left out of the curve.

    Args:
        counts: The sums.
        without: Values of the classes of the reference that have no probability.
    """
    total = counts.cells.sum()
    filled = np.flatnonzero(counts.cells)
    confidence = counts.confidence[filled] / counts.cells[filled]
    accuracy = counts.right[filled] / counts.cells[filled]
    gap = np.abs(counts.right - counts.confidence).sum() / total
    return {
        "pixels": int(total),
        "expected_calibration_error": float(gap),
        "brier_score": counts.squares / int(total),
        "classes_without_probability": list(without),
        "reliability": [
            {
                "from": place / BINS,
                "to": (place + 1) / BINS,
                "pixels": int(counts.cells[place]),
                "confidence": float(mean),
                "accuracy": float(right),
            }
            for place, mean, right in zip(filled.tolist(), confidence, accuracy, strict=True)
        ],
    }
