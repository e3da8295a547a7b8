# SPDX-License-Identifier: GPL-2.0-or-later
"""The phases of a training: one, or two with an encoder that is frozen in the first.

The large gradients of a new head would undo what a trained encoder has learnt. So the encoder is
frozen at first; then all is trained, at a lower rate, as in Keras' guide to transfer learning
(https://keras.io/guides/transfer_learning).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import keras

from ..config.settings import Settings

FROZEN_SHARE = 1 / 3
"""Share of the epochs in which the encoder is frozen."""

FINE_SHARE = 0.1
"""Factor of the learning rate in the second phase."""


@dataclass(frozen=True)
class Phase:
    """Epochs that share an optimiser and a schedule of the learning rate.

    Attributes:
        first: The first epoch, counted from 0.
        end: The epoch after the last one.
        frozen: Whether the encoder is frozen.
        learning_rate: The highest one.
        on_features: Whether the head learns on features of labelled cells, computed once.
    """

    first: int
    end: int
    frozen: bool
    learning_rate: float
    on_features: bool = False

    def has_begun(self, epochs: int) -> bool:
        """Whether some of its epochs, but not all, are among the first `epochs`."""
        return self.first < epochs < self.end


def phases(settings: Settings) -> list[Phase]:
    """The phases of a training, in order, none of them empty."""
    epochs, rate = settings.most_epochs, settings.highest_rate
    on_features = settings.on_features
    if not settings.freeze:
        return [Phase(0, epochs, on_features, rate, on_features)]
    border = math.ceil(FROZEN_SHARE * epochs)
    both = [
        Phase(0, border, True, rate, on_features),
        Phase(border, epochs, False, FINE_SHARE * rate),
    ]
    return [one for one in both if one.first < one.end]


@contextmanager
def frozen(encoder: Iterable[keras.layers.Layer]) -> Iterator[None]:
    """Freeze layers until the block ends.

    Batch normalisation among them uses its running statistics, as in prediction.
    """
    layers = list(encoder)
    for layer in layers:
        layer.trainable = False
    try:
        yield
    finally:
        for layer in layers:
            layer.trainable = True
