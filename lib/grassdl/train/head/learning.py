# SPDX-License-Identifier: GPL-2.0-or-later
"""What learns in a phase of a training, and on what."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import keras

from ...core.text import duration
from ...dataset.patchset import JoinedPatchSets
from ..data.batches import Batches, TrainingBatches
from .features import (
    CellBatches,
    TrainingCellBatches,
    split_at,
    training_cells,
    validation_cells,
)


@dataclass(frozen=True)
class Learning:
    """What learns, the batches that it learns from, and those that it is scored on.

    Attributes:
        network: The network, or a part of it.
        training: Batches of what that part takes.
        validation: The same for the score, or None.
    """

    network: keras.Model
    training: TrainingBatches | TrainingCellBatches
    validation: Batches | CellBatches | None

    def on_features(
        self, layer: str, data: JoinedPatchSets, seed: int, report: Callable[[str], None]
    ) -> Learning:
        """The part of the network after a layer, and batches of that layer's output.

        Args:
            layer: Name of the layer.
            data: The datasets.
            seed: Seed of the choice of cells and of their order.
            report: Takes a line for the user.
        """
        assert isinstance(self.training, TrainingBatches)
        begin = time.monotonic()
        encoder, head = split_at(self.network, layer)
        labelled = int(data.pixels("train").sum())
        cells = training_cells(encoder, self.training, labelled)
        validation = None
        if isinstance(self.validation, Batches):
            labelled = int(data.pixels("val").sum())
            validation = CellBatches(validation_cells(encoder, self.validation, labelled, seed))
        report(
            f"Computed {cells.features.shape[1]} features of {len(cells)} labelled cells in "
            f"{duration(time.monotonic() - begin)}; the encoder is frozen"
        )
        return Learning(head, TrainingCellBatches(cells, seed), validation)
