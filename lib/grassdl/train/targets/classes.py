# SPDX-License-Identifier: GPL-2.0-or-later
"""How networks learn classes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from ...core import accuracy
from ...core.classes import ClassScheme
from ...core.epoch_scores import MEAN_IOU
from ...dataset.patchset import JoinedPatchSets
from ..config.class_weights import class_weights
from ..config.settings import Settings
from ..optimization import losses
from ..optimization.metrics import MeanIoU
from .target_learning import TargetLearning

MOST_LISTED = 5
"""Classes that a warning lists at most."""


class ClassCounter:
    """See `target_learning.Counter`.

    Args:
        classes: The classes.
    """

    def __init__(self, classes: ClassScheme):
        self._classes = classes
        self._counts = np.zeros((len(classes), len(classes)), np.int64)

    def add(self, result: np.ndarray, labels: np.ndarray) -> None:
        """Count the most probable classes."""
        found = result.argmax(axis=-1)
        self._counts += accuracy.confusion_counts(found, labels, len(self._classes))

    def report(self) -> dict[str, Any]:
        """The object of `accuracy.report`."""
        return accuracy.report(self._counts, self._classes)


class ClassLearning(TargetLearning):
    """Probabilities of classes, scored by the most probable one."""

    scores = MEAN_IOU
    headline = accuracy.HEADLINE
    has_novelty = True

    def check(self, data: JoinedPatchSets, warn: Callable[[str], None]) -> None:
        """See `TargetLearning.check`."""
        pixels = data.pixels("train")
        if np.count_nonzero(pixels) == 1:
            only = data.classes.labels[int(pixels.argmax())]
            raise ValueError(f"All labelled training pixels are <{only}>: two classes are needed")
        for one, labelled in zip(data.classes, pixels, strict=True):
            if not labelled:
                warn(
                    f"Class {one.value} <{one.label}> has no pixel in the training patches: "
                    "the network cannot learn it"
                )
        _tell_unvalidated(data, warn)

    def head(self, data: JoinedPatchSets, settings: Settings) -> dict[str, Any]:
        """See `TargetLearning.head`."""
        return {}

    def loss(self, data: JoinedPatchSets, settings: Settings) -> keras.losses.Loss:
        """See `TargetLearning.loss`."""
        return losses.by_name(
            settings.loss,
            class_weights(settings.class_weights, data.pixels("train")),
            settings.label_smoothing,
        )

    def metrics(self, data: JoinedPatchSets) -> list[keras.metrics.Metric]:
        """See `TargetLearning.metrics`."""
        return [MeanIoU(len(data.classes))]

    def counter(self, data: JoinedPatchSets) -> ClassCounter:
        """See `TargetLearning.counter`."""
        return ClassCounter(data.classes)


class PatchLearning(ClassLearning):
    """Classes of patches: those of the labelled cells, of which every patch has one."""

    has_novelty = False


def _tell_unvalidated(data: JoinedPatchSets, warn: Callable[[str], None]) -> None:
    """Warn of classes that are trained but missing in the validation split, if that has labels.

    Their IoU is 0 as soon as a pixel is mapped as one of them: see `accuracy.iou`.
    """
    trained, validated = data.pixels("train") > 0, data.pixels("val") > 0
    missing = np.flatnonzero(trained & ~validated)
    if validated.any() and len(missing):
        shown = ", ".join(f"<{data.classes.labels[place]}>" for place in missing[:MOST_LISTED])
        more = f" and {len(missing) - MOST_LISTED} more" if len(missing) > MOST_LISTED else ""
        warn(
            f"No validation patch holds {shown}{more}: each pixel that is mapped as such lowers "
            "the mean IoU, by which the best epoch is chosen"
        )
