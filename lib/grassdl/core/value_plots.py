# SPDX-License-Identifier: GPL-2.0-or-later
"""Pictures of predicted values against those of a reference: PNG files whatever their name."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from .plots import DPI, new_padded_figure
from .value_accuracy import HEADLINE

HEXAGONS = 60
"""Number of hexagonal bins along the axis of the reference."""

RESIDUAL_PERCENT = 98
"""Percentile of the absolute differences at which the colour scale of the residuals ends."""


def scatter(
    report: Mapping[str, Any],
    predicted: np.ndarray,
    reference: np.ndarray,
    file: str | os.PathLike[str] | io.BytesIO,
) -> None:
    """Draw predicted against reference values, as counts in hexagonal bins.

    Args:
        report: What `value_accuracy.report` returns, for the title.
        predicted, reference: Values of some cells (n,).
        file: PNG file to write.
    """
    figure = new_padded_figure(5.2, 4.6)
    axes = figure.subplots()
    low = float(min(predicted.min(), reference.min()))
    high = float(max(predicted.max(), reference.max()))
    high = high if high > low else low + 1
    drawn = axes.hexbin(
        reference, predicted, gridsize=HEXAGONS, bins="log", mincnt=1, cmap="viridis",
        extent=(low, high, low, high),
    )  # fmt: skip
    axes.plot([low, high], [low, high], color="black", linewidth=0.8, label="equal")
    axes.set_xlim(low, high)
    axes.set_ylim(low, high)
    axes.set_aspect("equal")
    axes.set_xlabel("Reference")
    axes.set_ylabel("Predicted")
    known = {title: report[key] for key, title in HEADLINE.items() if report[key] is not None}
    figures = [f"{title} {one:.3g}" for title, one in known.items()]
    axes.set_title("   ".join(figures), fontsize=9, loc="left")
    figure.colorbar(drawn, ax=axes, label="Cells of a sample")
    figure.savefig(file, format="png", dpi=DPI)


def map_pictures(predicted: np.ndarray, reference: np.ndarray) -> dict[str, bytes]:
    """PNG files of two maps in the same colours and of their difference.

    Args:
        predicted, reference: Values (rows, cols), NaN where either is NULL.

    Returns:
        The files by name: `predicted`, `reference` and `residuals` (predicted minus reference);
        none where all cells are NULL.
    """
    if np.isnan(predicted).all():
        return {}
    both = np.concatenate([predicted, reference])
    low, high = np.nanmin(both), np.nanmax(both)
    residuals = predicted - reference
    most = float(np.nanpercentile(np.abs(residuals), RESIDUAL_PERCENT)) or 1.0
    shown = {
        "predicted": (predicted, "viridis", low, high),
        "reference": (reference, "viridis", low, high),
        "residuals": (residuals, "RdBu_r", -most, most),
    }
    return {name: _picture(*one) for name, one in shown.items()}


def _picture(values: np.ndarray, colors: str, low: float, high: float) -> bytes:
    rows, cols = values.shape
    figure = new_padded_figure(4.6, max(1.5, 3.6 * min(rows / cols, 2)))
    axes = figure.subplots()
    axes.set_axis_off()
    drawn = axes.imshow(values, cmap=colors, vmin=low, vmax=high, interpolation="nearest")
    figure.colorbar(drawn, ax=axes, extend="neither")
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=DPI)
    return file.getvalue()
