# SPDX-License-Identifier: GPL-2.0-or-later
"""Batches of patches, read from disk as they are needed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import keras
import numpy as np

from ...core.target import Target
from ...dataset.patchset import PatchArrays
from ...dataset.reader import PatchReader
from ...runtime.multi_gpu import ALONE, Team
from .augmentation import Augmentation


@contextmanager
def reading(*batches: Batches | None) -> Iterator[None]:
    """Raise an error of a patch unchanged.

    During an epoch backends turn it into an error of their own, of many lines.

    Raises:
        ValueError: Patches are missing or damaged.
    """
    try:
        yield
    except Exception:
        for one in batches:
            if one is not None and one.failure is not None:
                raise one.failure from None
        raise


class Batches(keras.utils.PyDataset):
    """All patches of a split, each once and in order: for validation and test.

    The last batch may be short, so that no patch counts twice in a score. Where several processes
    train together, each reads its own part of every batch.

    Args:
        parts: The patches of every dataset, at least one patch in all.
        batch_size: Patches per batch, at most.
        fill: Value of every band that replaces NULL, (bands,).
        team: The processes that train together.
    """

    def __init__(
        self,
        parts: Sequence[PatchArrays],
        batch_size: int,
        fill: np.ndarray,
        team: Team = ALONE,
    ):
        super().__init__()
        self.team = team
        self.reader = PatchReader(parts, fill)
        self.count = len(self.reader)
        self.batch_size = min(batch_size, self.count)
        self.failure: ValueError | None = None

    def __len__(self) -> int:
        return math.ceil(self.count / self.batch_size)

    def __getitem__(self, batch: int) -> tuple[np.ndarray, np.ndarray]:
        """Images (n, size, size, bands) float32 and label codes (n, size, size) uint8."""
        first = batch * self.batch_size
        places = np.arange(first, min(first + self.batch_size, self.count))
        return self.read(self.team.part_of(places))

    def read(self, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """See `PatchReader.read`; an error is kept for `reading`."""
        try:
            return self.reader.read(places)
        except ValueError as error:
            self.failure = error
            raise


class TrainingBatches(Batches):
    """The training patches, shuffled and augmented in each epoch.

    What a batch holds follows from the seed, the epoch and its number alone. All batches have the
    same size: the last one is filled up with the first patches of the epoch's order. A short one
    would make compiling backends compile the step again, and its few patches would weigh as much
    as a whole batch.

    Args:
        parts: The patches of every dataset, at least one patch in all.
        batch_size: Patches per batch; all of them if they are fewer.
        fill: Value of every band that replaces NULL, (bands,).
        augmentations: Applied in this order.
        seed: Seed of order and augmentation.
        team: The processes that train together; each draws the augmentation of its part.
        target: What the labels are; None for cells that move with their images.
    """

    def __init__(
        self,
        parts: Sequence[PatchArrays],
        batch_size: int,
        fill: np.ndarray,
        augmentations: Sequence[Augmentation],
        seed: int,
        team: Team = ALONE,
        target: Target | None = None,
    ):
        super().__init__(parts, batch_size, fill, team)
        self.target = target
        self.augmentations = list(augmentations)
        self.seed = seed
        self.start_epoch(0)

    def start_epoch(self, epoch: int) -> None:
        """Shuffle for an epoch, counted from 0."""
        order = self._generator(epoch, 0, 0).permutation(self.count)
        # One tuple, since threads that prefetch may still be reading.
        self._epoch_and_order = epoch, np.resize(order, len(self) * self.batch_size)

    def __getitem__(self, batch: int) -> tuple[np.ndarray, np.ndarray]:
        """Images (n, size, size, bands) float32 and label codes uint8, n being the batch size."""
        epoch, order = self._epoch_and_order
        first = batch * self.batch_size
        images, labels = self.read(self.team.part_of(order[first : first + self.batch_size]))
        generator = self._generator(epoch, 1 + batch, self.team.process)
        before = labels.copy()
        for augment in self.augmentations:
            images, labels = augment(images, labels, generator)
        if self.target is not None:
            labels = self.target.relabelled(labels, before)
        # Again, since brightness and noise have changed NULL cells, too.
        return self.reader.without_null(images, labels), labels

    def _generator(self, epoch: int, purpose: int, process: int) -> np.random.Generator:
        """A process's generator of an epoch's order (purpose 0) or of batch `purpose - 1`."""
        # Always four numbers: to NumPy [seed, epoch] and [seed, epoch, 0] are the same seed.
        return np.random.default_rng([self.seed, epoch, purpose, process])


class Shuffled(Protocol):
    """Batches that are shuffled in each epoch."""

    def start_epoch(self, epoch: int) -> None:
        """Shuffle for an epoch, counted from 0."""


class Shuffle(keras.callbacks.Callback):
    """Shuffles the training batches by the number of the epoch.

    (Keras' `PyDataset.on_epoch_begin` is not given the number.)
    """

    def __init__(self, batches: Shuffled):
        super().__init__()
        self.batches = batches

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Shuffle."""
        self.batches.start_epoch(epoch)
