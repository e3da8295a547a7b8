# SPDX-License-Identifier: GPL-2.0-or-later
"""Accuracy figures of many tables of counts at once, from their margins alone.

A bootstrap looks at thousands of tables. Hits, row totals and column totals of each class are all
that its figures need, and much less than the tables. Figures and undefined cases are those of
`grassdl.scores`, which the tests hold them to.
"""

from __future__ import annotations

import numpy as np

HITS, MAPPED, REFERENCE = range(3)
"""Places of the margins along the axis before the last."""

SUMMARY_FIGURES = (
    "overall_accuracy",
    "kappa",
    "matthews_correlation",
    "f1_macro",
    "mean_iou",
    "quantity_disagreement",
    "allocation_disagreement",
)
CLASS_FIGURES = ("precision", "recall", "f1", "iou")


def margins_of(counts: np.ndarray) -> np.ndarray:
    """Margins (..., 3, classes) of tables (..., classes, classes)."""
    hits = np.diagonal(counts, axis1=-2, axis2=-1)
    return np.stack([hits, counts.sum(axis=-1), counts.sum(axis=-2)], axis=-2)


def figures(margins: np.ndarray) -> dict[str, np.ndarray]:
    """`SUMMARY_FIGURES` (...) and `CLASS_FIGURES` (..., classes) of margins (..., 3, classes)."""
    margins = margins.astype(np.float64)
    hits, mapped, reference = (margins[..., place, :] for place in (HITS, MAPPED, REFERENCE))
    total = mapped.sum(axis=-1)
    by_class = {
        "precision": _ratio(hits, mapped),
        "recall": _ratio(hits, reference),
        "f1": _ratio(2 * hits, mapped + reference),
        "iou": _ratio(hits, mapped + reference - hits),
    }
    accuracy = _ratio(hits.sum(axis=-1), total)
    by_chance = _ratio((mapped * reference).sum(axis=-1), total**2)
    beyond = total**2 - (mapped * reference).sum(axis=-1)
    quantity = _ratio(np.abs(mapped - reference).sum(axis=-1) / 2, total)
    misplaced = np.minimum(mapped - hits, reference - hits).sum(axis=-1)
    spread = (total**2 - (mapped**2).sum(axis=-1)) * (total**2 - (reference**2).sum(axis=-1))
    covariance = hits.sum(axis=-1) * total - (mapped * reference).sum(axis=-1)
    return {
        "overall_accuracy": accuracy,
        "kappa": np.where(beyond > 0, _ratio(accuracy - by_chance, 1 - by_chance), np.nan),
        "matthews_correlation": _ratio(covariance, np.sqrt(spread)),
        "f1_macro": _mean_of_defined(by_class["f1"]),
        "mean_iou": _mean_of_defined(by_class["iou"]),
        "quantity_disagreement": quantity,
        "allocation_disagreement": _ratio(misplaced, total),
        **by_class,
    }


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """The ratio, NaN where there is nothing to divide by."""
    undefined = np.full(np.broadcast(part, whole).shape, np.nan)
    return np.divide(part, whole, out=undefined, where=whole > 0)


def _mean_of_defined(by_class: np.ndarray) -> np.ndarray:
    defined = ~np.isnan(by_class)
    return _ratio(np.where(defined, by_class, 0).sum(axis=-1), defined.sum(axis=-1))
