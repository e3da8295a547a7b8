# SPDX-License-Identifier: GPL-2.0-or-later
"""How much the distribution of values differs from that of a histogram."""

from __future__ import annotations

import numpy as np

from .band_statistics import Histogram

GROUPS = 10
"""Number of groups, of about equal counts of the reference: the usual one."""

SMALLEST_SHARE = 1e-3
"""Replaces the share of an empty group, whose logarithm is undefined."""


def population_stability(reference: Histogram, values: np.ndarray) -> float:
    """The population stability index of values against a reference.

        PSI = sum_g (q_g - p_g) ln(q_g / p_g)

    with the shares p of the reference and q of the values in groups that hold about a tenth of the
    reference each; the outer groups have no outer edge. It is the sum of both Kullback-Leibler
    divergences (Jeffreys 1946). Of two normal distributions of equal deviation s whose means
    differ by d it is (d / s)^2, less what is lost by grouping.

    Source: Siddiqi 2006, Credit Risk Scorecards; Yurdakul & Naranjo 2020, doi
    10.21314/JRMV.2020.227.

    Args:
        reference: The histogram of the reference, of at least one value.
        values: At least one finite value, of any shape.
    """
    cuts = _cuts(reference)
    ends = (reference.first + np.arange(len(reference.counts))) * 2.0**reference.exponent
    expected = np.bincount(
        np.searchsorted(cuts, ends, side="right"), reference.counts, len(cuts) + 1
    )
    found = np.bincount(
        np.searchsorted(cuts, values.ravel().astype(np.float64), side="right"),
        minlength=len(cuts) + 1,
    )
    p, q = (np.maximum(one / one.sum(), SMALLEST_SHARE) for one in (expected, found))
    return float(((q - p) * np.log(q / p)).sum())


def _cuts(reference: Histogram) -> np.ndarray:
    """Values at which groups begin: edges of bins, so that the reference is counted exactly."""
    edges = (reference.first + np.arange(len(reference.counts) + 1)) * 2.0**reference.exponent
    below = np.cumsum([0, *reference.counts]) / reference.counts.sum()
    wanted = np.arange(1, GROUPS) / GROUPS
    nearest = np.abs(below[:, None] - wanted).argmin(axis=0)
    inner = np.unique(nearest[(below[nearest] > 0) & (below[nearest] < 1)])
    # For a band of a single value, all other values are a second group.
    return edges[inner] if len(inner) else edges[[0, -1]]
