# SPDX-License-Identifier: GPL-2.0-or-later
"""Accuracy and areas estimated from a probability sample (Olofsson et al. 2014).

Good practices for estimating area and assessing accuracy of land change, Remote Sensing of
Environment 148, 42-57. The classes of the map are the strata; the sample was drawn at random
within them, or at random over the whole map and is stratified afterwards. Sample counts alone
describe the sample; weighted by mapped areas they describe the map.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...core.accuracy import Z_95
from ...core.classes import MapClass
from ...core.text import none_if_nan

SQUARE_METRES_PER_HECTARE = 10_000


@dataclass(frozen=True)
class AreaEstimate:
    """Estimates for the whole map; arrays are by class, NaN where undefined.

    Attributes:
        overall_accuracy, overall_error: Overall accuracy and its standard error.
        users_accuracy, users_error: Share of a class's mapped area that is correct.
        producers_accuracy, producers_error: Share of a class's true area that is mapped as it.
        share, share_error: Share of the map's area whose true class it is.
    """

    overall_accuracy: float
    overall_error: float
    users_accuracy: np.ndarray
    users_error: np.ndarray
    producers_accuracy: np.ndarray
    producers_error: np.ndarray
    share: np.ndarray
    share_error: np.ndarray


def estimate(counts: np.ndarray, mapped: np.ndarray) -> AreaEstimate:
    """Estimate accuracy and areas (equations 1 to 11 of Olofsson et al. 2014).

    Args:
        counts: Sample counts (classes, classes), rows = map, columns = reference.
        mapped: Mapped area of each class in any unit.

    Returns:
        All undefined where a mapped class has no sample point, since its accuracy is
        unknown; errors are undefined where one has a single point.
    """
    counts, weights = counts.astype(np.float64), mapped / mapped.sum()
    sampled = counts.sum(axis=1)
    mapped_classes = weights > 0
    # Rows of classes that are not mapped have weight 0: avoid the division by 0.
    drawn = np.where(mapped_classes, sampled, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = counts / drawn[:, np.newaxis]
        spread = shares * (1 - shares) / (drawn - 1)[:, np.newaxis]
        # A class that is not mapped has a divisor of 0 and no points: its variance is 0.
        spread[~mapped_classes] = 0
        users = np.where(sampled > 0, shares.diagonal(), np.nan)
        cells = weights[:, np.newaxis] * shares
        share = cells.sum(axis=0)
        producers = cells.diagonal() / share
        users_variance = np.where(mapped_classes, spread.diagonal(), np.nan)
        weighted = weights[:, np.newaxis] ** 2 * spread
        own = weighted.diagonal()
        others = weighted.sum(axis=0) - own
        producers_variance = ((1 - producers) ** 2 * own + producers**2 * others) / share**2
    return AreaEstimate(
        overall_accuracy=float(cells.trace()),
        overall_error=math.sqrt(own.sum()),
        users_accuracy=users,
        users_error=np.sqrt(users_variance),
        producers_accuracy=producers,
        producers_error=np.sqrt(producers_variance),
        share=share,
        share_error=np.sqrt(weighted.sum(axis=0)),
    )


def sample_size(weights: np.ndarray, users_accuracy: np.ndarray, standard_error: float) -> int:
    """Sample size that estimates the overall accuracy with a wanted standard error.

    Olofsson et al. (2014), equation 13 without its finite population correction:
    (sum W_i S_i / S(O))^2 with S_i = sqrt(U_i (1 - U_i)), for a proportional sample.

    Args:
        weights: Share of the map's area by class.
        users_accuracy: Expected user's accuracy by class.
        standard_error: The wanted standard error of the overall accuracy.
    """
    deviations = np.sqrt(users_accuracy * (1 - users_accuracy))
    points = (weights @ deviations / standard_error) ** 2
    # Rounding errors must not add a point.
    return math.ceil(round(float(points), 9))


def area_report(
    counts: np.ndarray, mapped: np.ndarray, classes: Sequence[MapClass], standard_error: float
) -> dict[str, Any]:
    """The estimates with 95 % intervals as a JSON object; undefined figures are None.

    Args:
        counts: Sample counts (classes, classes), rows = map, columns = reference.
        mapped: Mapped area of each class in square metres.
        classes: The classes in the order of the rows.
        standard_error: The standard error for which a sample size is wanted.
    """
    found = estimate(counts, mapped)
    hectares = mapped.sum() / SQUARE_METRES_PER_HECTARE
    weights = mapped / mapped.sum()
    users = found.users_accuracy[weights > 0]
    points = None
    if not np.isnan(users).any():
        points = sample_size(weights[weights > 0], users, standard_error)
    unsampled = (weights > 0) & (counts.sum(axis=1) == 0)
    return {
        "level": 0.95,
        "overall_accuracy": none_if_nan(found.overall_accuracy),
        "overall_accuracy_error": none_if_nan(found.overall_error),
        "overall_accuracy_interval": _share_interval(found.overall_accuracy, found.overall_error),
        "mapped_ha": float(hectares),
        "classes_without_points": [
            one.value for one, without in zip(classes, unsampled, strict=True) if without
        ],
        "sample_size": {"standard_error": standard_error, "points": points},
        "classes": [
            {
                "value": one.value,
                "label": one.label,
                "points": int(counts[place].sum()),
                "mapped_ha": float(mapped[place] / SQUARE_METRES_PER_HECTARE),
                **_class_estimates(found, place, hectares),
            }
            for place, one in enumerate(classes)
        ],
    }


def _class_estimates(found: AreaEstimate, place: int, hectares: float) -> dict[str, Any]:
    """The estimates of one class with standard errors and intervals."""
    estimates: dict[str, Any] = {}
    for name, values, errors in (
        ("users_accuracy", found.users_accuracy, found.users_error),
        ("producers_accuracy", found.producers_accuracy, found.producers_error),
    ):
        estimates[name] = none_if_nan(values[place])
        estimates[f"{name}_error"] = none_if_nan(errors[place])
        estimates[f"{name}_interval"] = _share_interval(values[place], errors[place])
    area, error = found.share[place] * hectares, found.share_error[place] * hectares
    return {
        **estimates,
        "area_ha": none_if_nan(area),
        "area_ha_error": none_if_nan(error),
        "area_ha_interval": _interval(area, error, 0, hectares),
    }


def _share_interval(share: float, error: float) -> list[float] | None:
    return _interval(share, error, 0, 1)


def _interval(middle: float, error: float, lowest: float, highest: float) -> list[float] | None:
    """The 95 % interval, clipped to `lowest` and `highest`."""
    if math.isnan(middle) or math.isnan(error):
        return None
    low, high = middle - Z_95 * error, middle + Z_95 * error
    return [float(max(low, lowest)), float(min(high, highest))]
