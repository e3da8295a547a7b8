# SPDX-License-Identifier: GPL-2.0-or-later
"""From values to the rows of the output maps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..core.readers import zero_layers
from .cell_decision import CellDecision


@dataclass
class ValueBand:
    """Rows of the output.

    Attributes:
        null: Cells without data (rows, cols).
        value: The value (rows, cols) float32, 0 where `null`.
        disagreement: Standard deviation of the members of an ensemble (rows, cols) float32, 0 where
            `null`; or None.
        novelty: How unlike the training cells are, see `model.novelty` (rows, cols) float32, 0
            where `null`; or None.
        features: Output of a hidden layer of the network (rows, cols, features) float32, without
            meaning where `null`; or None.
    """

    null: np.ndarray
    value: np.ndarray
    disagreement: np.ndarray | None
    novelty: np.ndarray | None
    features: np.ndarray | None


@dataclass(frozen=True)
class ValueDecision(CellDecision):
    """Turns values into rows of the output, unchanged.

    Attributes:
        features: Number of features that follow the value.
        with_disagreement: Whether the disagreement of an ensemble follows it.
        with_novelty: Whether the novelty follows these, before any features.
    """

    features: int = 0
    with_disagreement: bool = False
    with_novelty: bool = False

    @property
    def _first_feature(self) -> int:
        return 1 + self.with_disagreement + self.with_novelty

    @property
    def layers(self) -> int:
        """See `CellDecision.layers`."""
        return self._first_feature + self.features

    def empty(self, rows: int, cols: int) -> ValueBand:
        """See `CellDecision.empty`."""
        shape = (rows, cols)
        return ValueBand(
            null=np.ones(shape, bool),
            value=np.zeros(shape, np.float32),
            disagreement=np.zeros(shape, np.float32) if self.with_disagreement else None,
            novelty=np.zeros(shape, np.float32) if self.with_novelty else None,
            features=zero_layers((*shape, self.features), np.float32) if self.features else None,
        )

    def blended(self, result: np.ndarray) -> None:
        """See `CellDecision.blended`: values have no bounds."""

    def decide(
        self, band: ValueBand, place: tuple[slice, slice], result: np.ndarray, null: np.ndarray
    ) -> None:
        """See `CellDecision.decide`."""
        band.null[place] = null
        band.value[place] = np.where(null, 0, result[..., 0])
        if band.disagreement is not None:
            band.disagreement[place] = np.where(null, 0, result[..., 1])
        if band.novelty is not None:
            band.novelty[place] = np.where(null, 0, result[..., self._first_feature - 1])
        if band.features is not None:
            band.features[place] = result[..., self._first_feature :]
