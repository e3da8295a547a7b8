# SPDX-License-Identifier: GPL-2.0-or-later
"""The picture of a study: its trials, and the importance of each parameter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.figures import new_figure
from ..core.plots import BLUE, DPI, GREY, ORANGE
from ..core.text import within_columns
from .parameters import Parameter, Range
from .report import Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ACROSS = 4
"""Panels in a row."""

MOST_SHOWN = 8
"""Most parameters with a panel of their own: the most important ones."""

LABEL_LENGTH = 18

MOST_ACROSS = 24
"""Most letters of all labels of an axis before they are turned."""


def draw(
    rows: Sequence[Row],
    parameters: Sequence[Parameter],
    importances: Mapping[str, float],
    path: Path,
) -> None:
    """Draw the scores of the trials, the importances, and the scores over each parameter.

    Args:
        rows: The trials, in their order.
        parameters: What was varied.
        importances: The share of each parameter, the largest first; empty if there is none yet.
        path: PNG file to write.
    """
    scored = [row for row in rows if row.mean_iou is not None]
    order = list(importances) or [one.name for one in parameters]
    shown = sorted(parameters, key=lambda one: order.index(one.name))[:MOST_SHOWN]
    down = 1 + -(-len(shown) // ACROSS)
    figure = new_figure(3.0 * ACROSS, 2.8 * down, layout="constrained")
    grid = figure.add_gridspec(down, ACROSS)
    _draw_course(figure.add_subplot(grid[0, : ACROSS - 1]), scored)
    _draw_importances(figure.add_subplot(grid[0, ACROSS - 1]), importances)
    for place, one in enumerate(shown):
        axes = figure.add_subplot(grid[1 + place // ACROSS, place % ACROSS])
        _draw_parameter(axes, scored, one)
        if not place % ACROSS:
            axes.set_ylabel("Mean IoU")
    figure.savefig(path, format="png", dpi=DPI)


def _draw_course(axes: Axes, rows: Sequence[Row]) -> None:
    """The score of each trial, and of the best one so far."""
    for complete, name in ((True, "complete"), (False, "stopped early")):
        points = [(row.number, row.mean_iou) for row in rows if row.is_complete == complete]
        _scatter(axes, points, complete, name)
    scores = (row.mean_iou if row.is_complete else None for row in rows)
    best = list(accumulate((score or 0.0 for score in scores), max))
    if any(best):
        numbers = [row.number for row in rows]
        axes.plot(numbers, best, color=ORANGE, drawstyle="steps-post", label="best so far")
    axes.set_title("Trials", fontsize=10, loc="left")
    axes.set_xlabel("Trial")
    axes.set_ylabel("Mean IoU of validation")
    axes.locator_params(axis="x", integer=True, min_n_ticks=1)
    if rows:
        above = (1, 0.98)
        axes.legend(loc="lower right", bbox_to_anchor=above, ncols=3, frameon=False, fontsize=8)
    _finish(axes)


def _draw_importances(axes: Axes, importances: Mapping[str, float]) -> None:
    axes.set_title("Importance", fontsize=10, loc="left")
    if not importances:
        axes.text(0.5, 0.5, "too few trials", ha="center", va="center", color=GREY)
        axes.set_axis_off()
        return
    names = [within_columns(name, LABEL_LENGTH) for name in importances]
    places = range(len(names))
    axes.barh(places, list(importances.values()), height=0.62, color=BLUE)
    for place, share in zip(places, importances.values(), strict=True):
        axes.text(share + 0.02, place, f"{share:.2f}", va="center", fontsize=8)
    axes.set_yticks(places, names, fontsize=8)
    axes.invert_yaxis()
    axes.set_xlim(0, 1.15)
    axes.set_xticks([0, 0.5, 1])
    axes.set_xlabel("Share of the differences")
    _finish(axes)


def _draw_parameter(axes: Axes, rows: Sequence[Row], parameter: Parameter) -> None:
    """The scores over the values of a parameter."""
    name = parameter.name
    if isinstance(parameter, Range):
        places = {row.number: float(row.words[name]) for row in rows}
        if parameter.log:
            axes.set_xscale("log")
        elif parameter.whole:
            axes.locator_params(axis="x", integer=True, min_n_ticks=1)
        axes.set_xlim(*_margins(parameter))
    else:
        places = {row.number: float(parameter.ends.index(row.words[name])) for row in rows}
        labels = [within_columns(one, LABEL_LENGTH).replace("$", r"\$") for one in parameter.ends]
        is_long = sum(map(len, labels)) > MOST_ACROSS
        turned: dict[str, Any] = {"rotation": 20, "ha": "right"} if is_long else {}
        axes.set_xticks(range(len(labels)), labels, fontsize=8, **turned)
        axes.set_xlim(-0.5, len(labels) - 0.5)
    for complete in (True, False):
        points = [(places[row.number], row.mean_iou) for row in rows if row.is_complete == complete]
        _scatter(axes, points, complete)
    best = max((row for row in rows if row.is_complete), key=_score, default=None)
    if best is not None:
        axes.scatter(places[best.number], _score(best), s=60, facecolor="none", edgecolor=ORANGE)
    axes.set_title(name, fontsize=10, loc="left")
    _finish(axes)


def _score(row: Row) -> float:
    return row.mean_iou or 0.0


def _margins(parameter: Range) -> tuple[float, float]:
    """The ends of an axis a little beyond those of a range."""
    low, high = parameter.low, parameter.high
    if parameter.log:
        beyond = (high / low) ** 0.05
        return low / beyond, high * beyond
    return low - 0.05 * (high - low), high + 0.05 * (high - low)


def _scatter(
    axes: Axes,
    points: Sequence[tuple[float, float | None]],
    complete: bool,
    label: str | None = None,
) -> None:
    if points:
        marker, color = ("o", BLUE) if complete else ("x", GREY)
        across, up = zip(*points, strict=True)
        axes.scatter(across, up, s=18, marker=marker, color=color, linewidths=1, label=label)


def _finish(axes: Axes) -> None:
    axes.grid(axis="y", color="#e4e4e4")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
