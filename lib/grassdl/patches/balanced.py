# SPDX-License-Identifier: GPL-2.0-or-later
"""Drawing patches so that the classes' shares of their pixels are as even as possible."""

from __future__ import annotations

import numpy as np

from ..core.text import listed

ITERATIONS = 80
"""Steps of the optimisation; measured, the entropy is then within 0.003 of its maximum."""

SCALE = 2**20
"""Gains of classes are rounded to fractions of this, so that all machines rank patches equally."""


def draw_evenly(counts: np.ndarray, number: int, rng: np.random.Generator) -> np.ndarray:
    """Indices of `number` patches, drawn so that class shares are as even as possible.

    Every patch has an inclusion probability p_i in 0..1, with a sum of `number`. The expected
    pixels of class c are T_c = sum_i p_i n_ic, the shares s_c = T_c / sum_c T_c, and p maximises
    their entropy H = -sum_c s_c ln s_c. The Frank-Wolfe method (Frank & Wolfe 1956) needs only
    the patches in the order of dH/dp_i = sum_c n_ic (-ln s_c - H) / sum_c T_c: each step takes
    the best `number` of them. With steps of 2 / (k + 1) (Jaggi 2013) p is the mean of these
    choices, the k-th with weight k. Patches are drawn by systematic sampling with unequal
    probabilities (Madow 1949), in the given order: sorted by position, they are spread over it.

    Args:
        counts: Labelled pixels of every class by patch (n, classes).
        number: At most n patches are drawn.
        rng: Source of the random start.

    Returns:
        Indices (number,), ascending.
    """
    if not 0 < number < len(counts):
        return np.arange(len(counts) if number else 0)
    weights = _inclusion_weights(counts, number)
    whole = ITERATIONS * (ITERATIONS + 1) // 2
    start = rng.integers(whole)
    steps = (np.cumsum(weights) - start + whole - 1) // whole
    return np.flatnonzero(np.diff(steps, prepend=0))


def _inclusion_weights(counts: np.ndarray, number: int) -> np.ndarray:
    """Inclusion probabilities of patches, times the sum of all steps' weights, int64.

    Whole numbers make sums exact and so equal on every machine.
    """
    by_class = np.ascontiguousarray(counts.T, np.int64)
    weights = np.zeros(len(counts), np.int64)
    pixels = by_class.sum(axis=1)
    for step in range(1, ITERATIONS + 1):
        weights[_best(np.einsum("cn,c->n", by_class, _worths(pixels)), number)] += step
        pixels = np.einsum("cn,n->c", by_class, weights)
    return weights


def _worths(pixels: np.ndarray) -> np.ndarray:
    """Gain in entropy by one more pixel of every class, up to a factor: whole numbers."""
    known = np.maximum(pixels, 1)  # a class without pixels has a large gain, not an infinite one
    shares = known / known.sum()
    information = -np.log(shares)
    return np.rint(SCALE * (information - (shares * information).sum())).astype(np.int64)


def _best(scores: np.ndarray, number: int) -> np.ndarray:
    """Indices of the `number` highest scores; of equal ones the first."""
    least = np.partition(scores, -number)[-number]
    above = scores > least
    equal = np.flatnonzero(scores == least)[: number - above.sum()]
    return np.concatenate([np.flatnonzero(above), equal])


def evenness_note(pixels: np.ndarray, labels: list[str]) -> str:
    """A sentence on the shares reached, against an even share.

    Args:
        pixels: Labelled pixels of every class (classes,).
        labels: Names of the classes.
    """
    present = np.flatnonzero(pixels)
    shares = 100 * pixels[present] / pixels.sum()
    reached = listed(
        f"<{labels[one]}> {share:.2f} %" for one, share in zip(present, shares, strict=True)
    )
    return f"Class shares reached (even ones: {100 / len(present):.2f} %): {reached}"
