# SPDX-License-Identifier: GPL-2.0-or-later
"""Diagrams of what i.dl.export, i.dl.import and i.dl.tune do, and of what lies around it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from painter import Painter

from grassdl.core.figures import new_figure
from grassdl.core.plots import BLUE, DPI, GREY, ORANGE

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class Step:
    """A box of a diagram.

    Attributes:
        title: In bold.
        text: Below it, in lines.
        ours: Whether it lies within the frame.
    """

    title: str
    text: str
    ours: bool = False


def draw_flow(steps: Sequence[Step], frame: str, path: Path) -> None:
    """Draw steps from left to right, those that are ours within a frame that has a name."""
    figure = new_figure(2.05 * len(steps), 1.75)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set_xlim(0, len(steps))
    axes.set_ylim(0, 1)
    ours = [place for place, step in enumerate(steps) if step.ours]
    _draw_box(axes, ours[0] + 0.02, 0.03, len(ours) - 0.04, 0.92, edge=ORANGE, face="#fdf3ec")
    axes.text(ours[0] + 0.06, 0.9, frame, fontsize=8, color=ORANGE, va="top")
    for place, step in enumerate(steps):
        _draw_box(axes, place + 0.07, 0.1, 0.86, 0.66, edge=BLUE if step.ours else GREY)
        middle = place + 0.5
        axes.text(middle, 0.69, step.title, ha="center", va="top", fontsize=9, weight="bold")
        axes.text(middle, 0.53, step.text, ha="center", va="top", fontsize=7.5, linespacing=1.3)
        if place:
            axes.annotate(
                "", (place + 0.07, 0.43), (place - 0.07, 0.43), arrowprops={"arrowstyle": "-|>"}
            )
    figure.savefig(path, format="png", dpi=DPI)


def _draw_box(
    axes: Axes, left: float, low: float, width: float, height: float, edge: str, face: str = "white"
) -> None:
    from matplotlib.patches import Rectangle

    axes.add_patch(Rectangle((left, low), width, height, edgecolor=edge, facecolor=face))


def draw_export(painter: Painter, path: Path) -> None:
    """What is in an exported file, and what the other tool has to do."""
    del painter
    steps = [
        Step("Other tool", "cuts images that\noverlap by twice the halo;\nNULL: the band means"),
        Step("Normalisation", "of values as\nthey are", ours=True),
        Step("Network", "its layers\nand weights", ours=True),
        Step("Probabilities", "softmax,\ntemperature", ours=True),
        Step("Other tool", "keeps the middles;\nclass values are\nin README.md"),
    ]
    draw_flow(steps, "model.onnx, model.xml or saved_model", path)


def draw_import(painter: Painter, path: Path) -> None:
    """What the options tell about a file in ONNX."""
    del painter
    steps = [
        Step("Maps", "bands=\nin this order,\nresolution="),
        Step("Values", "value x scale= \n+ offset=", ours=True),
        Step("Network", "the ONNX file;\nhalo=, stride=\nfor its tiles", ours=True),
        Step("Probabilities", "activation=\nauto, softmax,\nsigmoid or none", ours=True),
        Step("Class map", "classes=\nvalues, labels\nand colours"),
    ]
    draw_flow(steps, "model.onnx in the model folder", path)


def draw_tune(painter: Painter, path: Path) -> None:
    """What becomes of a trial."""
    del painter
    steps = [
        Step("Parameters", "low..high\nlow..high:log\na|b|c"),
        Step("Values", "the standard ones,\nten at random, then\nby earlier trials", ours=True),
        Step("Trial", "a training; stopped\nearly below the\nmedian of others", ours=True),
        Step("Mean IoU", "of the validation\npatches: table,\npicture, next values", ours=True),
        Step("Best trial", "trained again:\nmodel folder, scores\non test patches"),
    ]
    draw_flow(steps, "study, until trials= or time= are reached", path)
