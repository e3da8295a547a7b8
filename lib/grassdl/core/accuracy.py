# SPDX-License-Identifier: GPL-2.0-or-later
"""Accuracy figures as pure functions of a table of counts.

Everywhere `counts` is (classes, classes) int64 with rows = classification and columns =
reference, as in Congalton & Green; rows and columns stand in the same order of classes. (Note
that scikit-learn's own confusion matrix is the transpose.)

What cannot be known is NaN, never 0 or 1 by agreement:

================================ ========= ========= ========= =========
the class has pixels in          precision recall    F1        IoU
================================ ========= ========= ========= =========
neither map                      undefined undefined undefined undefined
the classification only          0         undefined 0         0
the reference only               undefined 0         0         0
================================ ========= ========= ========= =========

Means are taken over the classes whose figure is defined. The tests hold all figures that
scikit-learn has to those of scikit-learn; importing it would take longer than counting the pixels
of most maps.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from . import margins
from .classes import MapClass
from .margins import margins_of
from .text import none_if_nan

Z_95 = 1.959963984540054
"""Half the width of a 95 % interval in standard errors."""


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


def overall_accuracy(counts: np.ndarray) -> float:
    """Share of pixels whose class is right; NaN without pixels."""
    return float(margins.overall_accuracy(margins_of(counts)))


def kappa(counts: np.ndarray) -> float:
    """Cohen's kappa (1960), the agreement beyond that of two independent maps.

    NaN without pixels and where one class fills both maps: chance alone then agrees fully.
    """
    return float(margins.kappa(margins_of(counts)))


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
    return kappa(counts) - half_width, kappa(counts) + half_width


def matthews_correlation(counts: np.ndarray) -> float:
    """Matthews' correlation of many classes (Gorodkin 2004), -1 to 1.

    NaN where one of the maps has a single class or none (scikit-learn says 0).
    """
    return float(margins.matthews_correlation(margins_of(counts)))


def precision(counts: np.ndarray) -> np.ndarray:
    """Precision = user's accuracy by class: the share of its mapped pixels that is right."""
    return margins.precision(margins_of(counts))


def recall(counts: np.ndarray) -> np.ndarray:
    """Recall = producer's accuracy by class: the share of its reference pixels that was found."""
    return margins.recall(margins_of(counts))


def f1(counts: np.ndarray) -> np.ndarray:
    """F1 by class: 2 TP / (2 TP + FP + FN), the harmonic mean of precision and recall."""
    return margins.f1(margins_of(counts))


def iou(counts: np.ndarray) -> np.ndarray:
    """Intersection over union (Jaccard index) by class: TP / (TP + FP + FN)."""
    return margins.iou(margins_of(counts))


def macro_mean(figures: np.ndarray) -> float:
    """Mean of a figure over the classes for which it is defined; NaN if for none."""
    defined = figures[~np.isnan(figures)]
    return float(defined.mean()) if defined.size else math.nan


def weighted_mean(figures: np.ndarray, counts: np.ndarray) -> float:
    """Mean of a figure over the classes for which it is defined, by reference pixels."""
    weights = np.where(np.isnan(figures), 0, counts.sum(axis=0))
    if not weights.any():
        return math.nan
    return float(np.average(np.nan_to_num(figures), weights=weights))


def f1_macro(counts: np.ndarray) -> float:
    """Mean F1 over the classes that have pixels in either map."""
    return macro_mean(f1(counts))


def f1_weighted(counts: np.ndarray) -> float:
    """Mean F1, each class weighing as much as it has reference pixels."""
    return weighted_mean(f1(counts), counts)


def mean_iou(counts: np.ndarray) -> float:
    """Mean IoU over the classes that have pixels in either map."""
    return macro_mean(iou(counts))


def quantity_disagreement(counts: np.ndarray) -> float:
    """Share of pixels that are wrong because the classes' total areas differ.

    Pontius & Millones (2011), eq. 3: sum |p_i. - p_.i| / 2. NaN without pixels.
    """
    return float(margins.quantity_disagreement(margins_of(counts)))


def allocation_disagreement(counts: np.ndarray) -> float:
    """Share of pixels that are wrong because classes of the right area lie in the wrong place.

    Pontius & Millones (2011), eq. 5: sum min(commission, omission). NaN without pixels.
    """
    return float(margins.allocation_disagreement(margins_of(counts)))


def exchange(counts: np.ndarray) -> float:
    """The part of allocation disagreement made of two classes swapping places.

    Pontius & Santacruz (2014): sum over pairs of classes of 2 min(p_ij, p_ji).
    """
    return _share(_exchanged(counts), counts)


def shift(counts: np.ndarray) -> float:
    """The rest of allocation disagreement: three or more classes changing places in turn."""
    return _share(_misplaced(counts) - _exchanged(counts), counts)


def report(counts: np.ndarray, scheme: Iterable[MapClass]) -> dict:
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
    figures = {"precision": precision, "recall": recall, "f1": f1, "iou": iou}
    by_class = {name: figure(counts) for name, figure in figures.items()}
    summary = {
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
                **{name: none_if_nan(by_class[name][index]) for name in figures},
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
