# SPDX-License-Identifier: GPL-2.0-or-later
"""Features of labelled cells, computed once, and the head of a network that learns on them.

With a frozen encoder each cell has the same features in every epoch. They are computed once for
the labelled cells of the training patches, in some passes with augmentation. The head, which
classifies each cell by itself, then learns on them as on images of one cell, in seconds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import keras
import numpy as np

from ...core.label_codes import codes_of
from ..data.batches import Batches, TrainingBatches

FEWEST_PER_STEP, MOST_PER_STEP = 32, 512
"""Cells that the head learns from at a time."""

STEPS = 100
"""Steps of an epoch that set the size of its batches, within the bounds above."""

MOST_BYTES = 2**28
"""Memory that the features of a split may take."""

MOST_CELLS = 400_000
"""Cells of a split: more hardly improve the head, and prolong its training."""

MOST_PASSES = 8
"""Passes over the training patches: as many as ways to turn and mirror one."""


@dataclass(frozen=True)
class Cells:
    """Features of cells (n, features) float32 and their label codes (n,) uint8."""

    features: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)


class CellBatches(keras.utils.PyDataset):
    """All cells, each once and in order, as images of one cell.

    Args:
        cells: The cells.
    """

    def __init__(self, cells: Cells):
        super().__init__()
        self.cells = cells
        self.batch_size = min(max(len(cells) // STEPS, FEWEST_PER_STEP), MOST_PER_STEP, len(cells))
        self._order = np.arange(len(cells))

    def __len__(self) -> int:
        return math.ceil(len(self.cells) / self.batch_size)

    def __getitem__(self, batch: int) -> tuple[np.ndarray, np.ndarray]:
        """Features (n, 1, 1, features) and label codes (n, 1, 1)."""
        places = self._order[batch * self.batch_size : (batch + 1) * self.batch_size]
        features, labels = self.cells.features[places], self.cells.labels[places]
        return features[:, None, None], labels[:, None, None]


class TrainingCellBatches(CellBatches):
    """The cells, shuffled in each epoch; the last batch is filled up with the first ones, see
    `TrainingBatches`.

    Args:
        cells: The cells.
        seed: Seed of the order.
    """

    def __init__(self, cells: Cells, seed: int):
        super().__init__(cells)
        self.seed = seed
        self.start_epoch(0)

    def start_epoch(self, epoch: int) -> None:
        """Shuffle for an epoch, counted from 0."""
        order = np.random.default_rng([self.seed, epoch]).permutation(len(self.cells))
        self._order = np.resize(order, len(self) * self.batch_size)


def split_at(network: keras.Model, layer: str) -> tuple[keras.Model, keras.Model]:
    """A network split at the output of a layer, as two that share its weights."""
    features = network.get_layer(layer).output
    return (
        keras.Model(network.inputs[0], features, name="encoder"),
        keras.Model(features, network.outputs[0], name="head"),
    )


def training_cells(encoder: keras.Model, batches: TrainingBatches, labelled: int) -> Cells:
    """Features of labelled cells of the training patches.

    Args:
        encoder: From pixels to features.
        batches: Patches, augmented differently in each pass.
        labelled: How many labelled cells the patches hold.
    """
    wanted = _most_cells(encoder)
    passes = min(max(wanted // labelled, 1), MOST_PASSES)
    parts = []
    for one in range(passes):
        batches.start_epoch(one)
        share = min(wanted / (passes * labelled), 1)
        parts += _cells(encoder, batches, share, batches.seed + one)
    return _joined(parts)


def validation_cells(encoder: keras.Model, batches: Batches, labelled: int, seed: int) -> Cells:
    """Features of labelled cells of the validation patches; arguments as `training_cells` has
    them."""
    return _joined(_cells(encoder, batches, min(_most_cells(encoder) / labelled, 1), seed))


def _most_cells(encoder: keras.Model) -> int:
    bytes_of_cell = encoder.output_shape[-1] * np.dtype(np.float32).itemsize
    return min(MOST_CELLS, MOST_BYTES // bytes_of_cell)


def _cells(encoder: keras.Model, batches: Batches, share: float, seed: int) -> list[Cells]:
    """The labelled cells of all batches, or a random share of them."""
    generator = np.random.default_rng([seed, len(batches)])
    found = []
    for number in range(len(batches)):
        images, labels = batches[number]
        chosen = codes_of(labels).is_labelled(labels)
        if share < 1:
            chosen &= generator.random(labels.shape) < share
        if chosen.any():
            features = keras.ops.convert_to_numpy(encoder.predict_on_batch(images))
            found.append(Cells(features[chosen].astype(np.float32), labels[chosen]))
    return found


def _joined(parts: list[Cells]) -> Cells:
    return Cells(
        np.concatenate([one.features for one in parts]),
        np.concatenate([one.labels for one in parts]),
    )
