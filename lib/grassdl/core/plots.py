# SPDX-License-Identifier: GPL-2.0-or-later
"""All plots: confusion matrix, training history, maps side by side.

All files are PNG whatever their name, so that a scratch file can be written first.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .classes import MapClass
from .epoch_scores import MEAN_IOU, EpochScores
from .figures import new_figure
from .text import value_label, within_columns

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, ORANGE, GREY = "#0072b2", "#d55e00", "#6b6b6b"
"""Distinguishable for colour-blind readers (Okabe & Ito 2008)."""

DPI = 150
MAX_NUMBERED_CLASSES = 16
"""Most classes of a matrix with numbers in its cells."""

MAX_NAMED_CLASSES = 60
"""Most classes of a matrix in which every row has its name."""

LABEL_LENGTH = 24
NO_SHARE_COLOR = "#e6e6e6"
MOST_ACROSS = 4
"""Most pictures of maps in a row."""

NO_CLASS_COLOR = (255, 255, 255)


def confusion_matrix(report: dict[str, Any], path: str | os.PathLike[str]) -> None:
    """Draw the confusion matrix by reference class, and F1 by class beside it.

    Each column is the share of a reference class: its diagonal is the recall (producer's
    accuracy). A column without reference pixels is grey.

    Args:
        report: What `accuracy.report` returns.
        path: PNG file to write.
    """
    names = [_name(one) for one in report["classes"]]
    size = len(names)
    cell_in = 0.62 if size <= MAX_NUMBERED_CLASSES else max(0.22, 10 / size)
    side_in = min(max(size * cell_in, 2.6), 16)
    figure = new_padded_figure(side_in + 4.6, side_in + 1.9)
    matrix_axes, f1_axes = figure.subplots(
        1, 2, sharey=True, gridspec_kw={"width_ratios": [side_in, 1.7]}
    )
    font = 9 if size <= 30 else 6
    _draw_matrix(matrix_axes, np.array(report["confusion_matrix"]["counts"]), font)
    _name_classes(matrix_axes, names, font)
    _draw_f1(f1_axes, [one["f1"] for one in report["classes"]], font)
    figure.suptitle(_headline(report), fontsize=10)
    figure.savefig(path, format="png", dpi=DPI)


def history(
    rows: Sequence[Mapping[str, Any]],
    path: str | os.PathLike[str],
    scores: EpochScores = MEAN_IOU,
) -> None:
    """Draw loss and score by epoch, for training and validation, and mark the best epoch.

    The best epoch is that of the best validation score; without validation none is marked.

    Args:
        rows: One for each epoch with `epoch`, `loss`, the score such as `mean_iou` and, if there is
            a validation split, `val_loss` and `val_mean_iou`.
        path: PNG file to write.
        scores: The metrics of the epochs.
    """
    figure = new_padded_figure(9, 3.6)
    best = _best_epoch(rows, scores)
    panels = (("loss", "Loss"), (scores.key, scores.title[0].upper() + scores.title[1:]))
    for axes, (key, title) in zip(figure.subplots(1, 2), panels, strict=True):
        for prefix, name, color in (("", "training", BLUE), ("val_", "validation", ORANGE)):
            points = [(row["epoch"], row[prefix + key]) for row in rows if _has(row, prefix + key)]
            if points:
                # A single epoch makes no line: its dot must show.
                marker = "o" if len(points) == 1 else None
                axes.plot(*zip(*points, strict=True), color=color, label=name, marker=marker)
        if best is not None:
            axes.axvline(best, color=GREY, linestyle=":", label=f"best epoch: {best}")
        axes.set_title(title, fontsize=10, loc="left")
        axes.set_xlabel("Epoch")
        axes.set_xlim(rows[0]["epoch"] - 0.5, rows[-1]["epoch"] + 0.5)
        axes.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
        axes.grid(axis="y", color="#e4e4e4")
        _without_frame(axes)
    figure.axes[0].set_ylim(bottom=0)
    figure.axes[1].set_ylim(*scores.range)
    handles, labels = figure.axes[1].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper right", ncols=3, frameon=False)
    figure.savefig(path, format="png", dpi=DPI)


def class_map_panel(
    images: Sequence[tuple[str, np.ndarray]],
    classes: Collection[MapClass],
    path: str | os.PathLike[str],
) -> None:
    """Draw pictures of the same area side by side, in rows, over one legend of the classes.

    Args:
        images: Title and picture (rows, cols, 3), uint8 or float in 0..1; `paint` makes one of
            class indices.
        classes: The classes of the legend; without any there is no legend.
        path: PNG file to write.
    """
    from matplotlib.patches import Patch

    labels = [_short(one.label) for one in classes]
    down = -(-len(images) // MOST_ACROSS)
    across = -(-len(images) // down)
    width_in = 3.6 * across
    label_in = 0.55 + 0.08 * max(map(len, labels), default=0)
    lines = -(-len(labels) // max(1, int(width_in / label_in)))
    rows, cols = images[0][1].shape[:2]
    figure = new_padded_figure(width_in, down * (3.6 * rows / cols + 0.2) + 0.2 + 0.21 * lines)
    panels = figure.subplots(down, across, squeeze=False).ravel()
    for axes in panels:
        axes.set_axis_off()
    for axes, (title, picture) in zip(panels, images, strict=False):
        axes.imshow(picture, interpolation="antialiased")
        axes.set_title(title, fontsize=11)
    if labels:
        figure.legend(
            handles=[Patch(facecolor=one.rgb, edgecolor=GREY, linewidth=0.5) for one in classes],
            labels=labels,
            loc="outside lower center",
            ncols=-(-len(labels) // lines),
            frameon=False,
            fontsize=9,
        )
    figure.savefig(path, format="png", dpi=DPI)


def paint(indices: np.ndarray, classes: Iterable[MapClass]) -> np.ndarray:
    """The picture (rows, cols, 3) uint8 of class indices (rows, cols); no class is white."""
    colors = [[round(255 * part) for part in one.rgb] for one in classes]
    table = np.array([*colors, NO_CLASS_COLOR], np.uint8)
    return table[np.minimum(indices, len(colors))]


def new_padded_figure(width_in: float, height_in: float) -> Figure:
    """An empty white figure whose parts keep apart; sizes in inches."""
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    padded = ConstrainedLayoutEngine(w_pad=0.08, h_pad=0.08)
    return new_figure(width_in, height_in, layout=padded)


def _draw_matrix(axes: Axes, counts: np.ndarray, font: float) -> None:
    totals = counts.sum(axis=0).astype(np.float64)
    totals[totals == 0] = np.nan
    shares = counts / totals
    axes.set_facecolor(NO_SHARE_COLOR)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="equal", interpolation="nearest")
    axes.set_xlabel("Reference", fontsize=font + 1)
    axes.set_ylabel("Classification", fontsize=font + 1)
    axes.set_title("Share of each reference class", fontsize=font + 1, loc="left")
    if len(counts) > MAX_NUMBERED_CLASSES:
        return
    for (row, column), share in np.ndenumerate(shares):
        # Zeros would make the confusions hard to see.
        if share >= 0.005:
            color = "white" if share > 0.55 else "black"
            text = f"{share:.2f}"
            axes.text(column, row, text, color=color, ha="center", va="center", fontsize=font)


def _name_classes(axes: Axes, names: list[str], font: float) -> None:
    step = -(-len(names) // MAX_NAMED_CLASSES)
    places = range(0, len(names), step)
    shown = names[::step]
    axes.set_xticks(places, shown, rotation=45, ha="right", rotation_mode="anchor", fontsize=font)
    axes.set_yticks(places, shown, fontsize=font)
    if len(names) > MAX_NAMED_CLASSES:
        return
    # Thin lines between the cells connect the diagonal with the names.
    axes.set_xticks(np.arange(1, len(names)) - 0.5, minor=True)
    axes.set_yticks(np.arange(1, len(names)) - 0.5, minor=True)
    axes.grid(which="minor", color="#dddddd", linewidth=0.5)
    axes.tick_params(which="minor", length=0)


def _draw_f1(axes: Axes, figures: list[float | None], font: float) -> None:
    places = np.arange(len(figures))
    axes.barh(places, [figure or 0 for figure in figures], height=0.62, color=BLUE)
    if len(figures) <= MAX_NAMED_CLASSES:
        for place, figure in enumerate(figures):
            text = "–" if figure is None else f"{figure:.2f}"
            axes.text((figure or 0) + 0.04, place, text, va="center", fontsize=font)
    axes.set_xlim(0, 1.3)
    axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"], fontsize=font)
    axes.set_title("F1", fontsize=font + 1, loc="left")
    axes.tick_params(axis="y", which="both", length=0, labelleft=False)
    _without_frame(axes)
    axes.spines["bottom"].set_bounds(0, 1)


def _headline(report: dict[str, Any]) -> str:
    parts = [("Overall accuracy", "overall_accuracy"), ("kappa", "kappa"), ("mean IoU", "mean_iou")]
    figures = [f"{name} {report[key]:.3f}" for name, key in parts if report[key] is not None]
    return "   ".join([*figures, f"{report['pixels']:,} pixels".replace(",", "\u2009")])


def _best_epoch(rows: Sequence[Mapping[str, Any]], scores: EpochScores) -> int | None:
    scored = [row for row in rows if _has(row, scores.monitor)]
    best = {"max": max, "min": min}[scores.mode]
    return best(scored, key=lambda row: row[scores.monitor])["epoch"] if scored else None


def _has(row: Mapping[str, Any], key: str) -> bool:
    return row.get(key) is not None


def _without_frame(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)


def _name(one: dict[str, Any]) -> str:
    """The label of a class, with its value if that is not the same."""
    return _short(value_label(one["value"], one["label"]))


def _short(label: str) -> str:
    """The label, shortened, with characters escaped that Matplotlib would read as a formula."""
    return within_columns(label, LABEL_LENGTH).replace("$", r"\$")
