# SPDX-License-Identifier: GPL-2.0-or-later
"""Losses of a model's scores when a band is changed, for each kind of target; see
`band_importance`."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np

from ..core import accuracy, value_accuracy
from ..core.accuracy import Margins, margins_of
from ..core.target import ByTarget
from ..core.text import none_if_nan
from ..model.card import ModelCard
from .scored_patches import Batch, ScoredPatches
from .value_patches import ValueBatch, ValuePatches

LEVEL = 0.95


class BandLosses(ABC):
    """Scores of the results of a network, and their losses.

    Attributes:
        shape: Shape of a table of sums, from which scores are computed.
    """

    shape: tuple[int, ...]

    @abstractmethod
    def table(self, result: np.ndarray, batch: Any) -> np.ndarray:
        """The sums over a batch of patches.

        Args:
            result: Output of the network for it (n, size, size, outputs).
            batch: The batch, with its labels.
        """

    @abstractmethod
    def scores(self, whole: np.ndarray) -> dict[str, Any]:
        """The scores with unchanged bands, as a JSON object."""

    @abstractmethod
    def losses(self, whole: np.ndarray, changed: np.ndarray) -> dict[str, Any]:
        """The losses when one band is changed, as a JSON object.

        Args:
            whole: Sums with unchanged bands.
            changed: Sums with the band at its mean, then those of each permutation
                (1 + repeats, ...).
        """


class ClassLosses(BandLosses):
    """Losses of F1.

    Args:
        card: The model card.
        patches: The patches to score.
    """

    def __init__(self, card: ModelCard, patches: ScoredPatches):
        self._card, self._classes = card, patches.classes
        self._places = patches.classes.places_of(card.classes)
        self.shape = (3, len(patches.classes))

    def table(self, result: np.ndarray, batch: Batch) -> np.ndarray:
        """See `BandLosses.table`: margins of the counts."""
        index = self._places[self._card.index_of(self._card.tempered(result))]
        return margins_of(accuracy.confusion_counts(index, batch.truth, len(self._classes)))

    def scores(self, whole: np.ndarray) -> dict[str, Any]:
        """See `BandLosses.scores`."""
        return {"f1_macro": none_if_nan(float(accuracy.f1_macro(Margins(whole))))}

    def losses(self, whole: np.ndarray, changed: np.ndarray) -> dict[str, Any]:
        """See `BandLosses.losses`: of macro F1, and by class."""
        before, after = Margins(whole), Margins(changed)
        macro = _loss("f1_macro_loss", accuracy.f1_macro(before) - accuracy.f1_macro(after))
        by_class = accuracy.f1(before) - accuracy.f1(after)
        classes = [
            {"value": one.value, "label": one.label, **_loss("f1_loss", by_class[:, place])}
            for place, one in enumerate(self._classes)
        ]
        return {**macro, "classes": classes}


class ValueLosses(BandLosses):
    """Losses of R2, and by how much RMSE rises.

    Args:
        card: The model card.
        patches: The patches to score.
    """

    shape = (len(value_accuracy.SUMS),)

    def __init__(self, card: ModelCard, patches: ValuePatches):
        self._origin = patches.origin

    def table(self, result: np.ndarray, batch: ValueBatch) -> np.ndarray:
        """See `BandLosses.table`: sums over the labelled cells."""
        known = batch.labelled
        return value_accuracy.sums_of(result[..., 0][known], batch.values[known], self._origin)

    def scores(self, whole: np.ndarray) -> dict[str, Any]:
        """See `BandLosses.scores`."""
        figures = {"rmse": value_accuracy.rmse, "r2": value_accuracy.r2}
        return {name: none_if_nan(float(figure(whole))) for name, figure in figures.items()}

    def losses(self, whole: np.ndarray, changed: np.ndarray) -> dict[str, Any]:
        """See `BandLosses.losses`."""
        r2_loss = value_accuracy.r2(whole) - value_accuracy.r2(changed)
        rmse_increase = value_accuracy.rmse(changed) - value_accuracy.rmse(whole)
        return {**_loss("r2_loss", r2_loss), **_loss("rmse_increase", rmse_increase)}


# Each variant takes the patches of its target.
LOSSES: ByTarget[Callable[[ModelCard, Any], BandLosses]] = ByTarget(
    classes=ClassLosses, value=ValueLosses
)


def _loss(name: str, losses: np.ndarray) -> dict[str, Any]:
    """Loss of a score: at the band's mean, the mean of the repeats, and its confidence interval.

    Args:
        losses: (1 + repeats,), that at the mean first.

    The interval is that of Student's t for the mean; None for a single repeat.
    """
    at_mean, repeated = losses[0], losses[1:]
    mean, interval = repeated.mean(), None
    if len(repeated) > 1 and np.isfinite(mean):
        half = _t_quantile(len(repeated) - 1) * repeated.std(ddof=1) / math.sqrt(len(repeated))
        interval = [float(mean - half), float(mean + half)]
    return {
        name: none_if_nan(mean),
        f"{name}_interval": interval,
        f"{name}_at_mean": none_if_nan(at_mean),
    }


def _t_quantile(freedom: int) -> float:
    from scipy.stats import t

    return float(t.ppf((1 + LEVEL) / 2, freedom))
