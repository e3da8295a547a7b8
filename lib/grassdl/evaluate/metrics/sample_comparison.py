# SPDX-License-Identifier: GPL-2.0-or-later
"""Two maps compared on one probability sample: figures of the region, not of the sample.

Stehman (2014), Estimating area and map accuracy for stratified random sampling when the strata are
different from the map classes, International Journal of Remote Sensing 35, 4923-4939. The strata of
a stratified sample are the classes of the first map, not those of the second: the weight of a point
is the area of its stratum divided by the stratum's points, for both maps. A sample drawn at random
over the whole has one stratum.

Every figure is a function of the estimated shares p_ij of the region that are mapped as i and truly
are j. Its variance is that of the mean of a variable z of the points (equation 25 of Stehman),

    V = sum_h W_h^2 s_zh^2 / n_h,

with the share W_h of the region, the number of points n_h and the variance s_zh^2 of z within
stratum h. For overall accuracy z is 1 where the map is right and 0 elsewhere; for a ratio
R = Y / X it is (y - R x) / X, which makes V the variance of Stehman's ratio estimator (equation
28); for kappa it is the same first-order expansion. The variable of a difference is the difference
of the variables, so that the pairing of the points counts. The finite population
correction is left out, as in Olofsson et al. (2014): a sample is a small part of a map.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...core.accuracy import (
    CLASS_FIGURES,
    HEADLINE,
    SUMMARY_FIGURES,
    Z_95,
    Margins,
    kappa,
    margins_of,
)
from ...core.classes import MapClass
from ...core.text import none_if_nan
from .class_rows import NO_CLASS, ClassRows, strips
from .comparison import NO_COMMON_CELL, mcnemar

_CODES = 256


@dataclass(frozen=True)
class SampleCases:
    """The points of a sample, equal ones collected in a case; arrays (cases,).

    Attributes:
        first, second, reference: Index of the class in the two maps and in the reference.
        points: Number of points of the case.
    """

    first: np.ndarray
    second: np.ndarray
    reference: np.ndarray
    points: np.ndarray


def cases_of_points(first: np.ndarray, second: np.ndarray, reference: np.ndarray) -> SampleCases:
    """The cases among points, given the codes (points,) of both maps and the reference.

    Raises:
        ValueError: No point has a class in all three.
    """
    return _collected([_alike(first, second, reference)])


def cases_of_cells(
    rows: ClassRows, progress: Callable[[int], None] = lambda row: None
) -> SampleCases:
    """The cases among the sampled cells of a raster reference.

    Args:
        rows: Gives the codes of the first map, the second, and the reference.
        progress: Takes the number of rows that are done.

    Raises:
        ValueError: There is no cell in which all three have a class.
    """
    found = []
    for row, count in strips(rows.rows, rows.cols):
        found.append(_alike(*rows.read(row, count)))
        progress(row + count)
    return _collected(found)


def _alike(
    first: np.ndarray, second: np.ndarray, reference: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The distinct triples of codes without 0, as numbers, and their counts."""
    valid = (first != NO_CLASS) & (second != NO_CLASS) & (reference != NO_CLASS)
    triples = first[valid].astype(np.int32)
    for codes in (second, reference):
        triples = triples * _CODES + codes[valid]
    return np.unique(triples, return_counts=True)


def _collected(found: Sequence[tuple[np.ndarray, np.ndarray]]) -> SampleCases:
    numbers, points = (np.concatenate(part) for part in zip(*found, strict=True))
    if not numbers.size:
        raise ValueError(NO_COMMON_CELL)
    triples, case = np.unique(numbers, return_inverse=True)
    first, rest = np.divmod(triples, _CODES**2)
    second, reference = np.divmod(rest, _CODES)
    together = np.bincount(case, points).astype(np.int64)
    return SampleCases(first - 1, second - 1, reference - 1, together)


class Strata:
    """The strata of a sample: weights of the points, and standard errors of their means.

    Args:
        of_case: Index of the stratum of every case (cases,).
        points: Number of points of every case (cases,).
        areas: Area of every stratum (strata,) in any unit.

    Attributes:
        without_points: Which strata have an area but no point (strata,).
        weights: Share of the region that each case represents; NaN if a stratum has no points,
            since its accuracy is unknown.
    """

    def __init__(self, of_case: np.ndarray, points: np.ndarray, areas: np.ndarray):
        self._of_case, self._points = of_case, points
        self._shares = areas / areas.sum()
        self._drawn = np.bincount(of_case, points, len(areas))
        self.without_points = (self._shares > 0) & (self._drawn == 0)
        whole = np.nan if self.without_points.any() else 1.0
        self.weights = whole * points * (self._shares / np.maximum(self._drawn, 1))[of_case]

    def error(self, variable: np.ndarray) -> float:
        """Standard error of the mean of a variable (cases,), see the module's docstring.

        NaN where a stratum has a single point.
        """
        divisor = np.maximum(self._drawn, 1)
        mean = np.bincount(self._of_case, self._points * variable, len(divisor)) / divisor
        squares = self._points * (variable - mean[self._of_case]) ** 2
        spread = np.bincount(self._of_case, squares, len(divisor))
        counted = self._shares > 0
        with np.errstate(divide="ignore", invalid="ignore"):
            variance = self._shares**2 * spread / (self._drawn - 1) / divisor
        return math.sqrt(variance[counted].sum())


@dataclass(frozen=True)
class Figure:
    """An estimate and the variable (cases,) from which its standard error follows."""

    value: float
    variable: np.ndarray

    def __sub__(self, other: Figure) -> Figure:
        return Figure(self.value - other.value, self.variable - other.variable)


class MapFigures:
    """The estimates of a sample for one map.

    Args:
        mapped: Index of the class in the map (cases,).
        reference: Index of the true class (cases,).
        weights: Share of the region that each case represents (cases,).
        classes: Number of classes.
    """

    def __init__(
        self, mapped: np.ndarray, reference: np.ndarray, weights: np.ndarray, classes: int
    ):
        self._mapped, self._reference = mapped, reference
        self._right = (mapped == reference).astype(np.float64)
        shares = np.zeros((classes, classes))
        np.add.at(shares, (mapped, reference), weights)
        self._margins = margins_of(shares)
        self._by_class = {name: of(Margins(self._margins)) for name, of in CLASS_FIGURES.items()}

    def summary(self) -> dict[str, Figure]:
        """The figures of `HEADLINE`."""
        variables = {
            "overall_accuracy": self._right,
            "kappa": self._kappa_variable(),
            "f1_macro": self._mean_f1_variable(),
            "mean_iou": self._mean_iou_variable(),
        }
        found = {name: float(SUMMARY_FIGURES[name](Margins(self._margins))) for name in HEADLINE}
        return {name: Figure(found[name], variables[name]) for name in HEADLINE}

    def of_class(self, place: int) -> dict[str, Figure]:
        """User's accuracy (precision), producer's accuracy (recall) and F1 of a class.

        Each is a ratio R = Y / X: of the hits to the mapped area, to the true area, and of twice
        the hits to the sum of both.
        """
        _, mapped, true = self._margins[:, place]
        is_mapped, is_true = self._mapped == place, self._reference == place
        hit = is_mapped & is_true
        parts = {
            "precision": (hit, is_mapped, mapped),
            "recall": (hit, is_true, true),
            "f1": (2.0 * hit, is_mapped.astype(float) + is_true, mapped + true),
        }
        found = {}
        for name, (y, x, total) in parts.items():
            ratio = float(self._by_class[name][place])
            found[name] = Figure(ratio, (y - ratio * x) / total if total else np.nan * x)
        return found

    def _kappa_variable(self) -> np.ndarray:
        """With chance agreement p_e = sum_i p_i. p_.i the derivative of kappa by p_ij is
        ([i = j] - (1 - kappa) (p_.i + p_j.)) / (1 - p_e)."""
        _, mapped, true = self._margins
        beyond_chance = 1 - mapped @ true
        if not beyond_chance > 0:
            return np.full_like(self._right, np.nan)
        by_chance = true[self._mapped] + mapped[self._reference]
        missing = 1 - kappa(Margins(self._margins))
        return (self._right - missing * by_chance) / beyond_chance

    def _mean_f1_variable(self) -> np.ndarray:
        """The mean over the classes of (y - F1 x) / X; a point contributes to two classes."""
        _, mapped, true = self._margins
        f1, total = self._by_class["f1"], mapped + true
        one, other = self._mapped, self._reference
        parts = (2 * self._right - f1[one]) / total[one] - f1[other] / total[other]
        return parts / np.count_nonzero(total)

    def _mean_iou_variable(self) -> np.ndarray:
        """The mean over the classes of (y - IoU x) / X, where X is the union."""
        hits, mapped, true = self._margins
        iou, union = self._by_class["iou"], mapped + true - hits
        one, other = self._mapped, self._reference
        parts = (self._right - iou[one]) / union[one]
        parts -= (1 - self._right) * iou[other] / union[other]
        return parts / np.count_nonzero(union)


def sample_comparison(
    cases: SampleCases, classes: Sequence[MapClass], areas: np.ndarray | None
) -> dict[str, Any]:
    """The comparison of two maps on a sample as a JSON object; differences are second minus first.

    It has the keys of `comparison.comparison_report`, intervals of all figures, user's and
    producer's accuracy of the second map by class, and `accuracy_difference`, the test of whether
    the maps are right on the same share of the region. McNemar's test assumes points of equal
    inclusion probability, so there is none for a stratified sample.

    Args:
        cases: The points.
        classes: The classes in the order of their indices.
        areas: Area of each class of the first map where the second has a class too, the strata of a
            stratified sample; None for a random sample of the whole.
    """
    of_case = np.zeros_like(cases.first) if areas is None else cases.first
    strata = Strata(of_case, cases.points, np.ones(1) if areas is None else areas)
    maps = [
        MapFigures(mapped, cases.reference, strata.weights, len(classes))
        for mapped in (cases.first, cases.second)
    ]
    first, second = (one.summary() for one in maps)
    difference = {name: second[name] - first[name] for name in HEADLINE}
    right, other_right = (one == cases.reference for one in (cases.first, cases.second))
    alone = [int(cases.points[one].sum()) for one in (right & ~other_right, other_right & ~right)]
    without = np.flatnonzero(strata.without_points).tolist() if areas is not None else []
    return {
        "pixels": int(cases.points.sum()),
        "weighted_by_area": areas is not None,
        "classes_without_points": [classes[place].value for place in without],
        "classification": _estimates(first, strata, bounded=True),
        "compare": _estimates(second, strata, bounded=True),
        "difference": _estimates(difference, strata),
        "only_classification_right": alone[0],
        "only_compare_right": alone[1],
        "mcnemar": mcnemar(*alone) if areas is None else None,
        "accuracy_difference": _test(difference["overall_accuracy"], strata),
        "kappa_difference": _test(difference["kappa"], strata),
        "classes": [
            {"value": one.value, "label": one.label, **_class_report(maps, place, strata)}
            for place, one in enumerate(classes)
        ],
    }


def _class_report(maps: Sequence[MapFigures], place: int, strata: Strata) -> dict[str, Any]:
    first, second = (one.of_class(place) for one in maps)
    accuracies = {
        "users_accuracy_compare": second["precision"],
        "producers_accuracy_compare": second["recall"],
    }
    return {
        "f1_classification": none_if_nan(first["f1"].value),
        "f1_compare": none_if_nan(second["f1"].value),
        **_estimates({"f1_difference": second["f1"] - first["f1"]}, strata),
        **_estimates(accuracies, strata, bounded=True),
    }


def _estimates(figures: dict[str, Figure], strata: Strata, bounded: bool = False) -> dict[str, Any]:
    """Figures with their 95 % intervals, `bounded` to the range of a share or kappa."""
    found: dict[str, object] = {}
    for name, one in figures.items():
        bounds = _interval(one.value, strata.error(one.variable))
        if bounded and bounds:
            lowest = -1.0 if name == "kappa" else 0.0
            bounds = [max(bounds[0], lowest), min(bounds[1], 1.0)]
        found |= {name: none_if_nan(one.value), f"{name}_interval": bounds}
    return found


def _test(difference: Figure, strata: Strata) -> dict[str, Any]:
    """The difference against its standard error, as `comparison.kappa_difference` has it."""
    from scipy import stats

    error = strata.error(difference.variable)
    bounds = _interval(difference.value, error)
    z = difference.value / error if bounds and error else None
    return {
        "difference": none_if_nan(difference.value),
        "interval": bounds,
        "z": z,
        "p_value": None if z is None else float(2 * stats.norm.sf(abs(z))),
    }


def _interval(middle: float, error: float) -> list[float] | None:
    if math.isnan(middle) or math.isnan(error):
        return None
    return [float(middle - Z_95 * error), float(middle + Z_95 * error)]
