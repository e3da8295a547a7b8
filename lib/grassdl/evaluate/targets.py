# SPDX-License-Identifier: GPL-2.0-or-later
"""What depends on the target of the maps in an evaluation."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..core import plots
from ..core.target import ByTarget
from ..core.value_plots import scatter
from .map_assessment import Maps, assess
from .provenance import with_model
from .report.html import page
from .report.thumbnails import overview
from .settings import Settings
from .value_assessment import assess_values, pairs_of, pictures_of

Report = dict[str, Any]


@dataclass(frozen=True)
class TargetEvaluation:
    """How maps are evaluated.

    Attributes:
        assess: Makes the report.
        page: The report as an HTML page, with pictures of the maps.
        plot: Writes a picture of the report into a file.
    """

    assess: Callable[[Maps, Settings], Report]
    page: Callable[[Report, Maps], str]
    plot: Callable[[Report, Maps, Path], None]


def _class_page(report: Report, maps: Maps) -> str:
    # A sample may miss mapped classes, which the areas include.
    shown = report.get("area_adjusted", report)["classes"]
    classes = maps.classes([one["value"] for one in shown])
    pictures = overview(maps.classification, maps.reference, classes)
    return page(report, classes, pictures, _description(maps))


def _value_page(report: Report, maps: Maps) -> str:
    file = io.BytesIO()
    scatter(report, *pairs_of(maps), file)
    pictures = {**pictures_of(maps), "scatter": file.getvalue()}
    return page(report, [], pictures, _description(maps))


def _description(maps: Maps) -> dict[str, str]:
    """How the classification was made, from its metadata and its model."""
    description, problem = with_model(maps.description())
    if problem:
        maps.warn(problem)
    return description


EVALUATION = ByTarget(
    classes=TargetEvaluation(
        assess, _class_page, lambda report, maps, path: plots.confusion_matrix(report, path)
    ),
    value=TargetEvaluation(
        assess_values,
        _value_page,
        lambda report, maps, path: scatter(report, *pairs_of(maps), path),
    ),
)
