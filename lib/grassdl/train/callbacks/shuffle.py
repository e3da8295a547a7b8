# SPDX-License-Identifier: GPL-2.0-or-later
"""The order of the training patches, another one in each epoch."""

from __future__ import annotations

from typing import Any

import keras

from ..data.batches import TrainingBatches


class Shuffle(keras.callbacks.Callback):
    """Tells the training batches which epoch begins.

    (Keras tells a `PyDataset` of epochs too, but not their number.)
    """

    def __init__(self, batches: TrainingBatches):
        super().__init__()
        self.batches = batches

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Shuffle."""
        self.batches.start_epoch(epoch)
