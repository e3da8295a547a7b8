# SPDX-License-Identifier: GPL-2.0-or-later
"""Accuracy figures as pure functions of tables of counts, or of their margins.

Everywhere `counts` is (classes, classes) int64 with rows = classification and columns =
reference, as in Congalton & Green; rows and columns stand in the same order of classes. (Note
that scikit-learn's own confusion matrix is the transpose.)

Most figures need only the margins of a table: hits, mapped pixels and reference pixels of each
class. They take a table, or several at once, (..., classes, classes), or the `Margins` alone, which
are much smaller, as for a bootstrap of thousands of tables. A figure of one table is a number, that
of several an array (...); figures by class have one more axis. Those that need all cells of the
table take one table.

Undefined figures are NaN, not 0 or 1 by convention:

================================ ========= ========= ========= =========
the class has pixels in          precision recall    F1        IoU
================================ ========= ========= ========= =========
neither map                      undefined undefined undefined undefined
the classification only          0         undefined 0         0
the reference only               undefined 0         0         0
================================ ========= ========= ========= =========

Means are taken over the classes whose figure is defined. The tests compare all figures that
scikit-learn has with its results; importing it would take longer than counting the pixels of most
maps.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .classes import MapClass
from .text import none_if_nan

Z_95 = 1.959963984540054
"""Half the width of a 95 % interval in standard errors."""


@dataclass(frozen=True)
class Margins:
    """The margins of tables of counts, which most figures are computed from.

    Attributes:
        values: Hits, mapped pixels and reference pixels of each class (..., 3, classes) float64,
            as `margins_of` gives them. They add up as tables do.
    """

    values: np.ndarray


Table = np.ndarray | Margins
"""Tables of counts (..., classes, classes), rows = classification, or their margins."""


def confusion_counts(predicted: np.ndarray, reference: np.ndarray, classes: int) -> np.ndarray:
    """Cross-tabulate two arrays of class indices.

    Args:
        predicted: Class indices of the classification, any shape and integer type.
        reference: Class indices of the reference, same shape.
        classes: Number of classes. A pixel with a code outside 0..classes-1 in either array
            (NULL, unlabelled) is left out.

    Returns:
        Counts (classes, classes) int64, rows = classification, columns = reference.

    Raises:
        ValueError: The shapes differ.
    """
    if predicted.shape != reference.shape:
        raise ValueError(
            f"Classification and reference differ in shape: {predicted.shape}, {reference.shape}"
        )
    counted = (predicted >= 0) & (predicted < classes) & (reference >= 0) & (reference < classes)
    # int32 holds any pair code and needs half the memory of int64.
    pairs = predicted[counted].astype(np.int32) * classes + reference[counted].astype(np.int32)
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


def margins_of(counts: np.ndarray) -> np.ndarray:
    """Margins (..., 3, classes) float64 of tables (..., classes, classes): see `Margins`.

    Floats are exact up to 2^53 pixels, and their products do not overflow.
    """
    hits = np.diagonal(counts, axis1=-2, axis2=-1)
    return np.stack([hits, counts.sum(axis=-1), counts.sum(axis=-2)], axis=-2).astype(np.float64)


def overall_accuracy(table: Table) -> np.ndarray:
    """Share of pixels whose class is right; NaN without pixels."""
    hits, mapped, _ = _parts(table)
    return _ratio(hits.sum(axis=-1), mapped.sum(axis=-1))


def kappa(table: Table) -> np.ndarray:
    """Cohen's kappa (1960), the agreement beyond that of two independent maps.

    NaN without pixels and where one class fills both maps: chance alone then agrees fully.
    """
    _, mapped, reference = _parts(table)
    by_chance = _ratio((mapped * reference).sum(axis=-1), mapped.sum(axis=-1) ** 2)
    return _ratio(overall_accuracy(table) - by_chance, 1 - by_chance)


def matthews_correlation(table: Table) -> np.ndarray:
    """Matthews' correlation of many classes (Gorodkin 2004), -1 to 1.

    NaN where one of the maps has a single class or none (scikit-learn says 0).
    """
    parts = _parts(table)
    total = np.maximum(parts[1].sum(axis=-1, keepdims=True), 1)
    hits, mapped, reference = (part / total for part in parts)
    covariance = hits.sum(axis=-1) - (mapped * reference).sum(axis=-1)
    spread = (1 - (mapped**2).sum(axis=-1)) * (1 - (reference**2).sum(axis=-1))
    several = [np.count_nonzero(part, axis=-1) > 1 for part in (mapped, reference)]
    return _ratio(covariance, np.sqrt(np.where(several[0] & several[1], spread, 0)))


def precision(table: Table) -> np.ndarray:
    """Precision = user's accuracy by class: the share of its mapped pixels that is right."""
    hits, mapped, _ = _parts(table)
    return _ratio(hits, mapped)


def recall(table: Table) -> np.ndarray:
    """Recall = producer's accuracy by class: the share of its reference pixels that was found.

    Its mean over the classes (`recall_macro`) is the balanced accuracy.
    """
    hits, _, reference = _parts(table)
    return _ratio(hits, reference)


def f1(table: Table) -> np.ndarray:
    """F1 by class: 2 TP / (2 TP + FP + FN), the harmonic mean of precision and recall."""
    hits, mapped, reference = _parts(table)
    return _ratio(2 * hits, mapped + reference)


def iou(table: Table) -> np.ndarray:
    """Intersection over union (Jaccard index) by class: TP / (TP + FP + FN)."""
    hits, mapped, reference = _parts(table)
    return _ratio(hits, mapped + reference - hits)


def macro_mean(figures: np.ndarray) -> np.ndarray:
    """Mean of a figure (..., classes) over the classes for which it is defined; NaN if for none."""
    defined = ~np.isnan(figures)
    if figures.ndim == 1:
        # Thus a class that is in neither map does not even change the rounding of the sum.
        figures = figures[defined]
        defined = defined[defined]
    return _ratio(np.where(defined, figures, 0).sum(axis=-1), defined.sum(axis=-1))


def weighted_mean(figures: np.ndarray, table: Table) -> np.ndarray:
    """Mean of a figure over the classes for which it is defined, by reference pixels."""
    defined = ~np.isnan(figures)
    weights = np.where(defined, _parts(table)[2], 0)
    return _ratio((np.where(defined, figures, 0) * weights).sum(axis=-1), weights.sum(axis=-1))


def f1_macro(table: Table) -> np.ndarray:
    """Mean F1 over the classes that have pixels in either map."""
    return macro_mean(f1(table))


def f1_weighted(table: Table) -> np.ndarray:
    """Mean F1 over the classes, weighted by their reference pixels."""
    return weighted_mean(f1(table), table)


def mean_iou(table: Table) -> np.ndarray:
    """Mean IoU over the classes that have pixels in either map."""
    return macro_mean(iou(table))


def quantity_disagreement(table: Table) -> np.ndarray:
    """Share of pixels that are wrong because the classes' total areas differ.

    Pontius & Millones (2011), eq. 3: sum |p_i. - p_.i| / 2. NaN without pixels.
    """
    _, mapped, reference = _parts(table)
    return _ratio(np.abs(mapped - reference).sum(axis=-1) / 2, mapped.sum(axis=-1))


def allocation_disagreement(table: Table) -> np.ndarray:
    """Share of pixels that are wrong because classes of the right area lie in the wrong place.

    Pontius & Millones (2011), eq. 5: sum min(commission, omission). NaN without pixels.
    """
    hits, mapped, reference = _parts(table)
    misplaced = np.minimum(mapped - hits, reference - hits).sum(axis=-1)
    return _ratio(misplaced, mapped.sum(axis=-1))


CLASS_FIGURES = {figure.__name__: figure for figure in (precision, recall, f1, iou)}
"""Figures by class (..., classes), which have an interval by bootstrap."""

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
"""Figures of a whole table (...), which have an interval by bootstrap."""

HEADLINE = {
    "overall_accuracy": "Overall accuracy",
    "kappa": "Kappa",
    "f1_macro": "Macro F1",
    "mean_iou": "Mean IoU",
}
"""The main ones of these, with titles, for a map, a model, each of several datasets, and two maps
that are compared."""


def kappa_variance(counts: np.ndarray) -> float:
    """Variance of kappa by the delta method; NaN where kappa is undefined.

    Fleiss, Cohen & Everitt (1969), in the form of Congalton & Green (2019), theta 1 to 4.
    It holds for pixels drawn independently of each other.
    """
    if _one_class_fills_both(counts):
        return math.nan
    total = counts.sum()
    shares = counts / total
    rows, columns = shares.sum(axis=1), shares.sum(axis=0)
    agreement = shares.trace()
    by_chance = rows @ columns
    theta3 = shares.diagonal() @ (rows + columns)
    # Cell (i, j) pairs the column total of i with the row total of j; r.kappa has the
    # row total of i and the column total of j, which is not Fleiss's formula.
    theta4 = (shares * (columns[:, np.newaxis] + rows[np.newaxis, :]) ** 2).sum()
    miss, beyond = 1 - agreement, 1 - by_chance
    variance = (
        agreement * miss / beyond**2
        + 2 * miss * (2 * agreement * by_chance - theta3) / beyond**3
        + miss**2 * (theta4 - 4 * by_chance**2) / beyond**4
    ) / total
    # Rounding may leave -1e-20 where the variance is 0, as for a perfect map.
    return max(float(variance), 0.0)


def kappa_interval(counts: np.ndarray) -> tuple[float, float]:
    """The 95 % interval of kappa by its delta-method variance; NaN where kappa is undefined.

    Like the variance it holds for pixels drawn independently of each other.
    """
    half_width = Z_95 * math.sqrt(kappa_variance(counts))
    middle = float(kappa(counts))
    return middle - half_width, middle + half_width


def exchange(counts: np.ndarray) -> float:
    """The part of allocation disagreement made of two classes swapping places.

    Pontius & Santacruz (2014): sum over pairs of classes of 2 min(p_ij, p_ji).
    """
    return _share(_exchanged(counts), counts)


def shift(counts: np.ndarray) -> float:
    """The rest of allocation disagreement: three or more classes changing places in turn."""
    return _share(_misplaced(counts) - _exchanged(counts), counts)


def report(counts: np.ndarray, scheme: Iterable[MapClass]) -> dict[str, Any]:
    """All figures as one JSON object; undefined ones are None.

    Args:
        counts: (classes, classes), rows = classification, columns = reference.
        scheme: The classes in the order of the rows.

    Returns:
        The object of `i.dl.evaluate format=json`; it holds only JSON types.

    Raises:
        ValueError: The number of classes differs from that of the rows.
    """
    classes = list(scheme)
    if counts.shape != (len(classes), len(classes)):
        raise ValueError(f"{len(classes)} classes do not fit counts of shape {counts.shape}")
    by_class = {name: figure(counts) for name, figure in CLASS_FIGURES.items()}
    summary: dict[str, float | np.ndarray] = {
        "overall_accuracy": overall_accuracy(counts),
        "kappa": kappa(counts),
        "kappa_variance": kappa_variance(counts),
        "matthews_correlation": matthews_correlation(counts),
        "f1_macro": f1_macro(counts),
        "f1_weighted": f1_weighted(counts),
        "mean_iou": mean_iou(counts),
        "iou_weighted": weighted_mean(by_class["iou"], counts),
        **{f"{name}_macro": macro_mean(by_class[name]) for name in ("precision", "recall")},
        **{
            f"{name}_weighted": weighted_mean(by_class[name], counts)
            for name in ("precision", "recall")
        },
        "quantity_disagreement": quantity_disagreement(counts),
        "allocation_disagreement": allocation_disagreement(counts),
        "exchange": exchange(counts),
        "shift": shift(counts),
    }
    mapped, present = counts.sum(axis=1), counts.sum(axis=0)
    return {
        "pixels": int(counts.sum()),
        **{name: none_if_nan(figure) for name, figure in summary.items()},
        "kappa_interval": _none_if_undefined(kappa_interval(counts)),
        "classes": [
            {
                "value": one.value,
                "label": one.label,
                **{name: none_if_nan(by_class[name][index]) for name in by_class},
                "support": int(present[index]),
                "predicted": int(mapped[index]),
            }
            for index, one in enumerate(classes)
        ],
        "confusion_matrix": {
            "classes": [one.value for one in classes],
            "counts": counts.tolist(),
        },
    }


def _parts(table: Table) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Hits, mapped pixels and reference pixels of each class (..., classes)."""
    margins = table.values if isinstance(table, Margins) else margins_of(table)
    return margins[..., 0, :], margins[..., 1, :], margins[..., 2, :]


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """The ratio, NaN for a denominator of 0; a number if both are."""
    undefined = np.full(np.broadcast(part, whole).shape, np.nan)
    return np.divide(part, whole, out=undefined, where=whole > 0)[()]


def _one_class_fills_both(counts: np.ndarray) -> bool:
    """Whether all pixels, or none, lie in one cell of the diagonal."""
    return counts.diagonal().max(initial=0) == counts.sum()


def _misplaced(counts: np.ndarray) -> int:
    hits = counts.diagonal()
    return np.minimum(counts.sum(axis=1) - hits, counts.sum(axis=0) - hits).sum()


def _exchanged(counts: np.ndarray) -> int:
    return np.minimum(counts, counts.T).sum() - counts.trace()


def _share(pixels: float, counts: np.ndarray) -> float:
    total = counts.sum()
    return float(pixels / total) if total else math.nan


def _none_if_undefined(bounds: tuple[float, float]) -> list[float] | None:
    return None if math.isnan(bounds[0]) else list(bounds)
