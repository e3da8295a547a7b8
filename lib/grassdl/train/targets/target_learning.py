# SPDX-License-Identifier: GPL-2.0-or-later
"""The interface by which a training depends on the kind of its target."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Protocol

import keras
import numpy as np

from ...core.epoch_scores import EpochScores
from ...dataset.patchset import JoinedPatchSets
from ..config.settings import Settings


class Counter(Protocol):
    """Accumulates the scores of results."""

    def add(self, result: np.ndarray, labels: np.ndarray) -> None:
        """Add patches.

        Args:
            result: What the network gives (n, size, size, outputs).
            labels: (n, size, size) as `Target.codes` has them.
        """

    def report(self) -> dict[str, Any]:
        """The scores as a JSON object."""


class TargetLearning(ABC):
    """How networks learn a kind of target.

    Attributes:
        scores: The figures of each epoch.
        headline: Titles of the headline figures of `Counter.report`.
        has_novelty: Whether models of the target have novelty, see `model.novelty`.
    """

    scores: ClassVar[EpochScores]
    headline: ClassVar[Mapping[str, str]]
    has_novelty: ClassVar[bool]

    @abstractmethod
    def check(self, data: JoinedPatchSets, warn: Callable[[str], None]) -> None:
        """Check the labels of the training split, some of which are labelled.

        Args:
            data: The datasets.
            warn: Takes a line for the user.

        Raises:
            ValueError: There is nothing to learn.
        """

    @abstractmethod
    def head(self, data: JoinedPatchSets, settings: Settings) -> dict[str, Any]:
        """The arguments of `registry.build` for the head besides its activation."""

    @abstractmethod
    def loss(self, data: JoinedPatchSets, settings: Settings) -> keras.losses.Loss:
        """The loss."""

    @abstractmethod
    def metrics(self, data: JoinedPatchSets) -> list[keras.metrics.Metric]:
        """The metrics, named as the figures of `scores`."""

    @abstractmethod
    def counter(self, data: JoinedPatchSets) -> Counter:
        """A counter for the scores of a split."""
