# SPDX-License-Identifier: GPL-2.0-or-later
"""Undeclared no-data values, recognised by the values of a sample of cells.

Such a value is the lowest or highest of its map, occurs repeatedly, and lies far from all others.
The required distance depends on how common the value is as a measurement.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

LARGEST_FLOAT = float(np.finfo(np.float32).max)

MARKS = (-999.0, -9999.0, -99999.0, -999999.0, 1e20, -1e20, 1e30, -1e30, LARGEST_FLOAT,
         -LARGEST_FLOAT)  # fmt: skip
"""Values that are used for no data, and hardly ever measured."""

LIMITS = (32767.0, 65535.0, -32768.0, -32767.0, 2147483647.0, -2147483647.0, 4294967295.0)
"""Values at the end of a type: no data, or saturated measurements."""

COMMON = (0.0, 255.0)
"""Values that may be no data, but occur as measurements in many maps."""

LEAST_CELLS = 4
"""Least number of cells of the sample with the value."""

LEAST_SHARE = 1e-4
"""Least share of the sample with the value."""

LEAST_DISTINCT = 10
"""Least number of other values in a map, for a value that is not in itself one of no data: maps of
classes and masks have fewer."""

FAR = 0.25
"""Least distance from the other values, relative to their spread, of a value for no data."""

VERY_FAR = 2.0
"""Least such distance of any other value."""

TRIMMED = 0.01
"""Share of the other values at either end that is left out of their trimmed spread."""

SAME_PLACES = 0.95
"""Least share of the cells with the value in which another map of the image has it, too."""


@dataclass(frozen=True)
class Suspect:
    """A value that seems to stand for no data.

    Attributes:
        value: The value.
        share: Share of the cells that have it.
        low, high: Lowest and highest of the other values.
    """

    value: float
    share: float
    low: float
    high: float


def suspects(samples: Mapping[str, np.ndarray]) -> dict[str, Suspect]:
    """The maps that seem to hold undeclared no data, with its value.

    Args:
        samples: Values of the same cells by map, floating, NaN where NULL.
    """
    found = {}
    for name, sample in samples.items():
        values, counts = np.unique(sample[~np.isnan(sample)], return_counts=True)
        others = [other for key, other in samples.items() if key != name]
        for end in (0, -1):
            if len(values) > 1 and _is_far(values, counts, end, sample, others):
                rest = np.delete(values, end)
                share = float(counts[end] / counts.sum())
                found[name] = Suspect(float(values[end]), share, float(rest[0]), float(rest[-1]))
                break
    return found


def _is_far(
    values: np.ndarray, counts: np.ndarray, end: int, sample: np.ndarray, others: list[np.ndarray]
) -> bool:
    """Whether the value at one end (0 or -1) of the distinct ones is isolated as no data is."""
    value, count = values[end], counts[end]
    if count < LEAST_CELLS or count < LEAST_SHARE * counts.sum():
        return False
    rest = np.delete(values, end)
    cumulated = np.cumsum(np.delete(counts, end))
    inner = rest[np.searchsorted(cumulated, np.array([TRIMMED, 1 - TRIMMED]) * cumulated[-1])]
    if value in MARKS:
        # Where an image was resampled, values in between surround its no data.
        return abs(inner[end] - value) > FAR * (inner[-1] - inner[0])
    gap, spread = abs(rest[end] - value), rest[-1] - rest[0]
    if value in LIMITS:
        return gap > FAR * spread
    if len(rest) < LEAST_DISTINCT:
        return False
    if value in COMMON and _is_shared(value, sample, others):
        # Some very bright cells do not make dark ones more likely.
        return gap > FAR * (inner[-1] - inner[0] if value == 0 else spread)
    return gap > VERY_FAR * spread


def _is_shared(value: float, sample: np.ndarray, others: list[np.ndarray]) -> bool:
    """Whether another map has the value in the same cells, as images have no data in all their
    bands; dark water has it in the near infrared alone."""
    here = sample == value
    return not others or any((other[here] == value).mean() >= SAME_PLACES for other in others)
