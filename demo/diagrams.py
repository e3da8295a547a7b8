# SPDX-License-Identifier: GPL-2.0-or-later
"""Diagrams of what modules, a network, a cluster and a service do, and of what lies around them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from painter import CHECKOUT

from grassdl.core.figures import new_figure
from grassdl.core.plots import BLUE, GREY, ORANGE

WIDTH = 800
"""Of a diagram in pixels."""

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
    figure.savefig(path, format="png", dpi=WIDTH / figure.get_figwidth())


def _draw_box(
    axes: Axes, left: float, low: float, width: float, height: float, edge: str, face: str = "white"
) -> None:
    from matplotlib.patches import Rectangle

    axes.add_patch(Rectangle((left, low), width, height, edgecolor=edge, facecolor=face))


EXPORT = [
    Step("Other tool", "cuts images that\noverlap by twice the halo;\nNULL: the band means"),
    Step("Normalisation", "of values as\nthey are", ours=True),
    Step("Network", "its layers\nand weights", ours=True),
    Step("Probabilities", "softmax,\ntemperature", ours=True),
    Step("Other tool", "keeps the middles;\nclass values are\nin README.md"),
]

IMPORT = [
    Step("Maps", "bands=\nin this order,\nresolution="),
    Step("Values", "value x scale= \n+ offset=", ours=True),
    Step("Network", "the ONNX file;\nhalo=, stride=\nfor its tiles", ours=True),
    Step("Probabilities", "activation=\nauto, softmax,\nsigmoid or none", ours=True),
    Step("Class map", "classes=\nvalues, labels\nand colours"),
]

TUNE = [
    Step("Parameters", "low..high\nlow..high:log\na|b|c"),
    Step("Values", "the standard ones,\nten at random, then\nby earlier trials", ours=True),
    Step("Trial", "a training; stopped\nearly below the\nmedian of others", ours=True),
    Step("Mean IoU", "of the validation\npatches: table,\npicture, next values", ours=True),
    Step("Best trial", "trained again:\nmodel folder, scores\non test patches"),
]

CHANGE = [
    Step("Two dates", "the same bands\nof both, scaled\nby one mean"),
    Step("Encoder", "sees each date\nwith the same\nweights", ours=True),
    Step("Differences", "of what it sees\nat the two dates", ours=True),
    Step("Decoder", "back to the\nresolution of\nthe imagery", ours=True),
    Step("Map of change", "a class of\neach cell"),
]

SERIES = [
    Step("Series", "dates of a strds:\nbands, and where\nthey are observed"),
    Step("Encoder", "sees each date\nwith the same\nweights", ours=True),
    Step("Attention", "to the dates that\ntell most; none to\nmissing ones", ours=True),
    Step("Decoder", "back to the\nresolution of\nthe imagery", ours=True),
    Step("Class map", "NULL where all\ndates are missing"),
]

VALUES = [
    Step("Known values", "a map, areas or\npoints with numbers;\nNULL: unlabelled"),
    Step("Network", "any of those\nfor classes", ours=True),
    Step("One output", "linear: z for\neach cell", ours=True),
    Step("Scale", "mean + deviation x z,\nof the values of\nthe training", ours=True),
    Step("Map of values", "in their units;\nRMSE, bias, R2,\nresiduals"),
]

CLUSTER = [
    Step("Maps, model", "on a file system\nthat all see"),
    Step("Scheduler", "hands out strips\nof rows", ours=True),
    Step("Workers", "one strip each;\na lost one is\ncomputed again", ours=True),
    Step("Strips", "that are finished\nstay: -r continues\nwith the others", ours=True),
    Step("Class map", "as one process\nmakes it, to the\nlast bit"),
]

SERVICE = [
    Step("Request", "POST: a chain of\nmodules with\noptions in JSON"),
    Step("actinia", "may this user call\nthese modules\nin this project?", ours=True),
    Step("GRASS", "i.dl.patches, i.dl.train,\ni.dl.predict,\ni.dl.evaluate", ours=True),
    Step("Export", "GeoTIFF,\nreport", ours=True),
    Step("Answer", "GET: state of\nthe job, then\nits files"),
]

DIAGRAMS = {
    "i.dl.export/i_dl_export_parts.png": (EXPORT, "model.onnx, model.xml or saved_model"),
    "i.dl.import/i_dl_import_parts.png": (IMPORT, "model.onnx in the model folder"),
    "i.dl.tune/i_dl_tune_study.png": (TUNE, "study, until trials= or time= are reached"),
    "manual/i_dl_change.png": (CHANGE, "siamese_unet"),
    "manual/i_dl_cluster.png": (CLUSTER, "scheduler="),
    "manual/i_dl_series.png": (SERIES, "utae"),
    "manual/i_dl_service.png": (SERVICE, "the service"),
    "manual/i_dl_values.png": (VALUES, "model of a value"),
}
"""Files, and what is drawn in them: steps, and the title of their frame."""


def draw_diagrams(is_wanted: Callable[[str], bool]) -> None:
    """Draw the diagrams whose files are wanted."""
    for target, (steps, frame) in DIAGRAMS.items():
        if is_wanted(target):
            draw_flow(steps, frame, CHECKOUT / target)
