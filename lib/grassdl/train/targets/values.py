# SPDX-License-Identifier: GPL-2.0-or-later
"""How networks learn a value: by one linear output, whose scale is that of the training split."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from ...core import value_accuracy
from ...core.epoch_scores import RMSE
from ...core.label_codes import VALUE_CODES
from ...core.target import Target
from ...core.values import ValueTarget
from ...dataset.patchset import JoinedPatchSets
from ...model.folder import load_card
from ..config.settings import Settings
from ..optimization import value_losses
from ..optimization.value_metrics import R2, Rmse
from .target_learning import TargetLearning


class ValueCounter:
    """See `target_learning.Counter`.

    Args:
        origin: See `value_accuracy.sums_of`.
    """

    def __init__(self, origin: float):
        self._origin = origin
        self._sums = np.zeros(len(value_accuracy.SUMS))

    def add(self, result: np.ndarray, labels: np.ndarray) -> None:
        """Add up the labelled cells."""
        labelled = VALUE_CODES.is_labelled(labels)
        found = np.asarray(result)[..., 0][labelled]
        self._sums += value_accuracy.sums_of(found, labels[labelled], self._origin)

    def report(self) -> dict[str, Any]:
        """The object of `value_accuracy.report`."""
        return value_accuracy.report(self._sums, self._origin)


class ValueLearning(TargetLearning):
    """A value, scored by its differences from the reference."""

    scores = RMSE
    headline = value_accuracy.HEADLINE
    has_novelty = True

    def check(self, data: JoinedPatchSets, warn: Callable[[str], None]) -> None:
        """See `TargetLearning.check`."""
        value = _value(data.target)
        if not value.deviation:
            raise ValueError(
                f"All labelled training pixels have the value {value.mean:g}: there is nothing to "
                "learn"
            )

    def head(self, data: JoinedPatchSets, settings: Settings) -> dict[str, Any]:
        """See `TargetLearning.head`; the scale of a model to start from is kept."""
        value = _value(data.target)
        if settings.model:
            before = load_card(settings.model).target
            if value.is_same(before):
                value = _value(before)
        return {"scale": (value.mean, value.deviation)}

    def loss(self, data: JoinedPatchSets, settings: Settings) -> keras.losses.Loss:
        """See `TargetLearning.loss`."""
        return value_losses.by_name(settings.loss, _value(data.target).deviation)

    def metrics(self, data: JoinedPatchSets) -> list[keras.metrics.Metric]:
        """See `TargetLearning.metrics`."""
        value = _value(data.target)
        return [Rmse(value.mean, value.deviation), R2(value.mean, value.deviation)]

    def counter(self, data: JoinedPatchSets) -> ValueCounter:
        """See `TargetLearning.counter`."""
        return ValueCounter(_value(data.target).mean)


def _value(target: Target) -> ValueTarget:
    assert isinstance(target, ValueTarget)
    return target
