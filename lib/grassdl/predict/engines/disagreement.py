# SPDX-License-Identifier: GPL-2.0-or-later
"""How much the members of an ensemble disagree about a cell."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from ..decision import normalised_entropy


class Disagreement(Protocol):
    """Accumulates the results of members, one after the other."""

    def add(self, result: np.ndarray) -> None:
        """Add what a member gives (rows, cols, outputs) float32."""

    def of(self, mean: np.ndarray) -> np.ndarray:
        """The disagreement (rows, cols) float32, given the mean of the added results."""


class MutualInformation:
    """The mutual information between the class of a cell and the member that predicts it:

        I = H(mean_m p_m) - mean_m H(p_m),    H(p) = -sum_c p_c ln p_c

    as a share of ln(classes), the maximum of H. It is 0 where all members give the same
    probabilities, however uncertain they are, and high where each is certain of another class
    (Houlsby et al. 2011, arXiv 1112.5745, equation 2; for networks Gal et al. 2017, arXiv
    1703.02910). The uncertainty, the normalised entropy of the mean, is the sum of it and of the
    mean of the members' normalised entropies.
    """

    def __init__(self) -> None:
        self._entropy = np.zeros(0, np.float32)
        self._members = 0

    def add(self, result: np.ndarray) -> None:
        """See `Disagreement.add`."""
        entropy = normalised_entropy(result)
        self._entropy = self._entropy + entropy if self._members else entropy
        self._members += 1

    def of(self, mean: np.ndarray) -> np.ndarray:
        """See `Disagreement.of`."""
        share = np.float32(1 / self._members)
        return np.maximum(normalised_entropy(mean) - self._entropy * share, 0)


class Spread:
    """The standard deviation of the members' values, that of the sample (n - 1).

    Accumulated as in Welford 1962, doi 10.1080/00401706.1962.10490022, which is stable where the
    deviation is small against the values.
    """

    def __init__(self) -> None:
        self._mean: np.ndarray = np.zeros(0, np.float32)
        self._squares: np.ndarray = np.zeros(0, np.float32)
        self._members = 0

    def add(self, result: np.ndarray) -> None:
        """See `Disagreement.add`."""
        value = result[..., 0]
        if not self._members:
            self._mean, self._squares = np.zeros_like(value), np.zeros_like(value)
        self._members += 1
        before = value - self._mean
        self._mean = self._mean + before / np.float32(self._members)
        self._squares = self._squares + before * (value - self._mean)

    def of(self, mean: np.ndarray) -> np.ndarray:
        """See `Disagreement.of`."""
        return np.sqrt(self._squares / np.float32(max(self._members - 1, 1)))
