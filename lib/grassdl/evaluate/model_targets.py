# SPDX-License-Identifier: GPL-2.0-or-later
"""What depends on the target of a model in its evaluation."""

from __future__ import annotations

import io
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..core.plots import confusion_matrix
from ..core.target import ByTarget
from ..core.value_plots import scatter
from ..dataset.patchset import PatchSet
from ..model.card import ModelCard
from ..model.ensemble import Model, Predict
from .fitting import check_fit
from .patch_assessment import score_patches
from .scored_patches import ScoredPatches
from .settings import Settings
from .value_patches import ValuePatches

Report = dict[str, Any]


class ModelEvaluation(ABC):
    """The evaluation of a model on the patches of a split; a subclass takes and checks:

    Args:
        model: The model.
        patch_sets: The datasets.
        split: "train", "val" or "test".
        settings: Those of the evaluation.
        fit: Flags that ask for something to be fitted.

    Raises:
        ValueError: A dataset does not fit the model, or an option is for models of another target.
    """

    @abstractmethod
    def score(self, predict: Predict, card: ModelCard) -> Report:
        """The report; `card` may have been fitted since."""

    @abstractmethod
    def pictures(self, report: Report) -> dict[str, bytes]:
        """PNG files for the page."""

    @abstractmethod
    def plot(self, report: Report, path: Path) -> None:
        """Write a picture of the report."""


class ClassModelEvaluation(ModelEvaluation):
    """Of a model of classes."""

    def __init__(
        self,
        model: Model,
        patch_sets: Sequence[PatchSet],
        split: str,
        settings: Settings,
        fit: str,
    ):
        check_fit(model, settings.wanted, fit)
        self.patches = ScoredPatches(model.card, patch_sets, split)
        self._asked = patch_sets, split, settings.seed, settings.wanted

    def score(self, predict: Predict, card: ModelCard) -> Report:
        """See `ModelEvaluation.score`."""
        return score_patches(predict, card, *self._asked)

    def pictures(self, report: Report) -> dict[str, bytes]:
        """See `ModelEvaluation.pictures`."""
        return {}

    def plot(self, report: Report, path: Path) -> None:
        """See `ModelEvaluation.plot`."""
        confusion_matrix(report, path)


class ValueModelEvaluation(ModelEvaluation):
    """Of a model of values."""

    def __init__(
        self,
        model: Model,
        patch_sets: Sequence[PatchSet],
        split: str,
        settings: Settings,
        fit: str,
    ):
        card = model.card
        asked = {
            f"flag -{fit[:1]}": fit,
            "option wanted_precision or wanted_recall": settings.wanted,
            "option matrix": settings.matrix,
        }
        for name, given in asked.items():
            if given:
                raise ValueError(
                    f"The {name} is for classes, and model <{card.name}> is of "
                    f"{card.target.summary}: leave it out"
                )
        self.patches = ValuePatches(card, patch_sets, split)
        self._seed = settings.seed

    def score(self, predict: Predict, card: ModelCard) -> Report:
        """See `ModelEvaluation.score`."""
        return self.patches.score(predict, self._seed)

    def pictures(self, report: Report) -> dict[str, bytes]:
        """See `ModelEvaluation.pictures`."""
        file = io.BytesIO()
        scatter(report, *self.patches.pairs, file)
        return {"scatter": file.getvalue()}

    def plot(self, report: Report, path: Path) -> None:
        """See `ModelEvaluation.plot`."""
        scatter(report, *self.patches.pairs, path)


MODEL_EVALUATION: ByTarget[type[ClassModelEvaluation] | type[ValueModelEvaluation]] = ByTarget(
    classes=ClassModelEvaluation, value=ValueModelEvaluation
)
