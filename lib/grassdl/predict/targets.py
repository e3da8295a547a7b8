# SPDX-License-Identifier: GPL-2.0-or-later
"""What depends on the target of the model in a prediction."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..core.target import ByTarget
from ..model.card import ModelCard
from .cell_decision import CellDecision
from .decision import Decision
from .engines.disagreement import Disagreement, MutualInformation, Spread
from .segments.classification import SegmentClassifier
from .segments.means import SegmentMeans
from .settings import Settings
from .value_decision import ValueDecision


@dataclass(frozen=True)
class TargetPrediction:
    """How results become maps.

    Attributes:
        decision: Makes the decision about cells, of the card, the settings and the figures that the
            outputs need.
        segments: Adds up cells by segment; takes the map of segments, the decision, settings,
            folder and finished rows.
        disagreement: How members of an ensemble are compared.
    """

    decision: Callable[[ModelCard, Settings, Mapping[str, bool]], CellDecision]
    segments: Callable[..., Any]
    disagreement: Callable[[], Disagreement]


def _about_classes(card: ModelCard, settings: Settings, figures: Mapping[str, bool]) -> Decision:
    objects = settings.objects
    return Decision(
        len(card.classes),
        settings.threshold,
        object_classes=objects.classes if objects else (),
        border=objects.border if objects else None,
        **figures,
    )


def _about_values(
    card: ModelCard, settings: Settings, figures: Mapping[str, bool]
) -> ValueDecision:
    return ValueDecision(
        with_disagreement=figures["with_disagreement"], with_novelty=figures["with_novelty"]
    )


PREDICTION = ByTarget(
    classes=TargetPrediction(_about_classes, SegmentClassifier, MutualInformation),
    value=TargetPrediction(_about_values, SegmentMeans, Spread),
)
