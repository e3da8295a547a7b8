# SPDX-License-Identifier: GPL-2.0-or-later
"""Metrics of predicted values against a reference: pure functions of sums.

Sums of parts add up to those of the whole, so that they also serve the bootstrap. d is the
predicted value p minus the reference r, n the number of cells; variances are of the population.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

SUMS = ("cells", "r", "p", "rr", "pp", "rp", "absolute", "squared")
"""Contents of the last axis of a table of sums: n, sums of r, p, r^2, p^2, r p, |d| and d^2."""

Table = np.ndarray
"""Sums (..., 8) float64."""

ALL, REFERENCE, PREDICTED, RR, PP, RP, ABSOLUTE, SQUARED = range(len(SUMS))


ROUNDING = 1e-11
"""Share of a mean square below which a variance is what rounding has left of 0: ten times the most
that sums over a million equal values leave."""


def sums_of(predicted: np.ndarray, reference: np.ndarray, origin: float = 0.0) -> Table:
    """Sums (8,) over cells.

    Args:
        predicted, reference: Finite values of the same cells, of any shape.
        origin: Subtracted from both, so that sums of squares keep their precision: some value
            among them, the same for all parts.
    """
    p, r = (one.astype(np.float64).ravel() - origin for one in (predicted, reference))
    d = p - r
    sums = (r.sum(), p.sum(), r @ r, p @ p, r @ p, np.abs(d).sum(), d @ d)
    return np.array([len(r), *sums])


def sums_of_each(predicted: np.ndarray, reference: np.ndarray, origin: float = 0.0) -> Table:
    """Sums (n, 8) of each of some cells (n,) by itself; see `sums_of`."""
    p, r = (one.astype(np.float64) - origin for one in (predicted, reference))
    d = p - r
    return np.stack([np.ones_like(r), r, p, r * r, p * p, r * p, np.abs(d), d * d], axis=-1)


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """A quotient, NaN where it is undefined."""
    undefined = np.full(np.broadcast(part, whole).shape, np.nan)
    return np.divide(part, whole, out=undefined, where=np.asarray(whole) > 0)


def _mean(table: Table, place: int) -> np.ndarray:
    return _share(table[..., place], table[..., ALL])


def _variance(table: Table, value: int, square: int) -> np.ndarray:
    mean_square = _mean(table, square)
    found = mean_square - _mean(table, value) ** 2
    return np.where(found <= ROUNDING * mean_square, 0, found)


def _covariance(table: Table) -> np.ndarray:
    found = _mean(table, RP) - _mean(table, REFERENCE) * _mean(table, PREDICTED)
    constant = _variance(table, REFERENCE, RR) == 0, _variance(table, PREDICTED, PP) == 0
    return np.where(constant[0] | constant[1], 0, found)


def rmse(table: Table) -> np.ndarray:
    """Root of the mean of d^2."""
    return np.sqrt(_mean(table, SQUARED))


def mae(table: Table) -> np.ndarray:
    """Mean of |d|."""
    return _mean(table, ABSOLUTE)


def bias(table: Table) -> np.ndarray:
    """Mean of d: above 0 where too much is predicted."""
    return _mean(table, PREDICTED) - _mean(table, REFERENCE)


def r2(table: Table) -> np.ndarray:
    """Coefficient of determination 1 - sum d^2 / sum (r - mean r)^2: 1 at best, 0 if the mean of
    the reference is predicted everywhere; undefined for a constant reference."""
    return 1 - _share(_mean(table, SQUARED), _variance(table, REFERENCE, RR))


def pearson(table: Table) -> np.ndarray:
    """Pearson's correlation; undefined where either is constant."""
    product = _variance(table, REFERENCE, RR) * _variance(table, PREDICTED, PP)
    return np.clip(_share(_covariance(table), np.sqrt(product)), -1, 1)


def concordance(table: Table) -> np.ndarray:
    """Lin's concordance correlation 2 s_rp / (s_r^2 + s_p^2 + (mean p - mean r)^2): Pearson's,
    reduced by a shift or another scale; undefined where both are constant, as a single cell is.
    Source: Lin 1989, doi 10.2307/2532051."""
    varying = _variance(table, REFERENCE, RR) + _variance(table, PREDICTED, PP)
    spread = np.where(varying > 0, varying + bias(table) ** 2, 0)
    return _share(2 * _covariance(table), spread)


FIGURES: dict[str, Callable[[Table], np.ndarray]] = {
    "rmse": rmse,
    "mae": mae,
    "bias": bias,
    "r2": r2,
    "pearson": pearson,
    "concordance": concordance,
}
"""All figures by name."""

HEADLINE = {"rmse": "RMSE", "mae": "MAE", "bias": "Bias", "r2": "R2"}
"""The main ones, with their titles."""

TITLES = {**HEADLINE, "pearson": "Pearson's r", "concordance": "Lin's concordance"}


def report(table: Table, origin: float = 0.0) -> dict[str, Any]:
    """All figures as a JSON object; None for those that are undefined.

    Args:
        table: Sums (8,).
        origin: That of the sums.
    """
    found = {name: _plain(figure(table)) for name, figure in FIGURES.items()}
    means = {
        "reference_mean": _plain(_mean(table, REFERENCE) + origin),
        "reference_deviation": _plain(np.sqrt(_variance(table, REFERENCE, RR))),
        "predicted_mean": _plain(_mean(table, PREDICTED) + origin),
        "predicted_deviation": _plain(np.sqrt(_variance(table, PREDICTED, PP))),
    }
    return {"pixels": round(table[ALL]), **found, **means}


def _plain(figure: np.ndarray) -> float | None:
    return None if np.isnan(figure) else float(figure)
