# SPDX-License-Identifier: GPL-2.0-or-later
"""Accuracy figures from the margins of tables of counts, of one table or of thousands at once.

Margins are hits, mapped pixels and reference pixels of each class, (..., 3, classes). They are
all that most figures need, and much less than the tables, which matters to a bootstrap. What is
undefined is NaN, as `grassdl.core.accuracy` tells.
"""

from __future__ import annotations

import numpy as np


def margins_of(counts: np.ndarray) -> np.ndarray:
    """Margins (..., 3, classes) float64 of tables (..., classes, classes), rows = classification.

    Floats are exact up to 2^53 pixels, and their products do not overflow.
    """
    hits = np.diagonal(counts, axis1=-2, axis2=-1)
    return np.stack([hits, counts.sum(axis=-1), counts.sum(axis=-2)], axis=-2).astype(np.float64)


def overall_accuracy(margins: np.ndarray) -> np.ndarray:
    """Share of pixels whose class is right."""
    hits, mapped, _ = _parts(margins)
    return _ratio(hits.sum(axis=-1), mapped.sum(axis=-1))


def kappa(margins: np.ndarray) -> np.ndarray:
    """Cohen's kappa (1960)."""
    _, mapped, reference = _parts(margins)
    by_chance = _ratio((mapped * reference).sum(axis=-1), mapped.sum(axis=-1) ** 2)
    return _ratio(overall_accuracy(margins) - by_chance, 1 - by_chance)


def matthews_correlation(margins: np.ndarray) -> np.ndarray:
    """Matthews' correlation of many classes (Gorodkin 2004)."""
    hits, mapped, reference = (part / _total(margins) for part in _parts(margins))
    covariance = hits.sum(axis=-1) - (mapped * reference).sum(axis=-1)
    spread = (1 - (mapped**2).sum(axis=-1)) * (1 - (reference**2).sum(axis=-1))
    several = [np.count_nonzero(part, axis=-1) > 1 for part in (mapped, reference)]
    return _ratio(covariance, np.sqrt(np.where(several[0] & several[1], spread, 0)))


def precision(margins: np.ndarray) -> np.ndarray:
    """Precision by class."""
    hits, mapped, _ = _parts(margins)
    return _ratio(hits, mapped)


def recall(margins: np.ndarray) -> np.ndarray:
    """Recall by class."""
    hits, _, reference = _parts(margins)
    return _ratio(hits, reference)


def f1(margins: np.ndarray) -> np.ndarray:
    """F1 by class."""
    hits, mapped, reference = _parts(margins)
    return _ratio(2 * hits, mapped + reference)


def iou(margins: np.ndarray) -> np.ndarray:
    """Intersection over union by class."""
    hits, mapped, reference = _parts(margins)
    return _ratio(hits, mapped + reference - hits)


def f1_macro(margins: np.ndarray) -> np.ndarray:
    """Mean F1 of the classes for which it is defined."""
    return _mean_of_defined(f1(margins))


def mean_iou(margins: np.ndarray) -> np.ndarray:
    """Mean IoU of the classes for which it is defined."""
    return _mean_of_defined(iou(margins))


def quantity_disagreement(margins: np.ndarray) -> np.ndarray:
    """Share of pixels that are wrong because total areas differ (Pontius & Millones 2011)."""
    _, mapped, reference = _parts(margins)
    return _ratio(np.abs(mapped - reference).sum(axis=-1) / 2, mapped.sum(axis=-1))


def allocation_disagreement(margins: np.ndarray) -> np.ndarray:
    """Share of pixels that are wrong because classes are misplaced (Pontius & Millones 2011)."""
    hits, mapped, reference = _parts(margins)
    misplaced = np.minimum(mapped - hits, reference - hits).sum(axis=-1)
    return _ratio(misplaced, mapped.sum(axis=-1))


SUMMARY_FIGURES = {
    figure.__name__: figure
    for figure in (
        overall_accuracy,
        kappa,
        matthews_correlation,
        f1_macro,
        mean_iou,
        quantity_disagreement,
        allocation_disagreement,
    )
}
"""Figures (...) of margins (..., 3, classes)."""

CLASS_FIGURES = {figure.__name__: figure for figure in (precision, recall, f1, iou)}
"""Figures (..., classes) of margins (..., 3, classes)."""


def _parts(margins: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Hits, mapped pixels and reference pixels."""
    return margins[..., 0, :], margins[..., 1, :], margins[..., 2, :]


def _total(margins: np.ndarray) -> np.ndarray:
    """Pixels of each table, to divide by; 1 where there is none."""
    return np.maximum(margins[..., 1, :].sum(axis=-1, keepdims=True), 1)


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """The ratio, NaN where there is nothing to divide by."""
    undefined = np.full(np.broadcast(part, whole).shape, np.nan)
    return np.divide(part, whole, out=undefined, where=whole > 0)


def _mean_of_defined(by_class: np.ndarray) -> np.ndarray:
    defined = ~np.isnan(by_class)
    return _ratio(np.where(defined, by_class, 0).sum(axis=-1), defined.sum(axis=-1))
