# SPDX-License-Identifier: GPL-2.0-or-later
"""The contribution of each ingredient of the recipe of i.dl.train: one changed at a time.

U-Nets are trained on four areas of `naip_ohio` and scored on two others, whole, their cells counted
together. Area 01, whose score the README tells, has no part in it: the defaults were chosen here.
The first row is the plainest recipe; the next ones each add what the default has, up to the default
itself, and all others change the default by what they name. Another seed tells how much chance
there is.

    python benchmarks/recipe.py [--epochs 40] [--trials "dropout 0.3" zoom]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from naip import CHECKOUT, LABELS, Project, parsed
from records import record

sys.path.insert(0, str(CHECKOUT / "lib"))
from grassdl.core import accuracy  # noqa: E402
from grassdl.core.classes import MapClass  # noqa: E402

TRAINING_AREAS = ("00", "03", "05", "09")
SCORED_AREAS = ("06", "07")

TRIALS = {
    "no augmentation, constant rate": {
        "augmentation": "none",
        "schedule": "constant",
        "averaging": 0,
    },
    "+ cosine": {"augmentation": "none", "averaging": 0},
    "+ flips and turns": {"augmentation": "flip,rotate90", "averaging": 0},
    "+ averaged weights": {"augmentation": "flip,rotate90"},
    "+ brightness and contrast: the default": {},
    "another seed": {"seed": 2},
    "zoom": {"augmentation": "flip,rotate90,brightness,contrast,zoom"},
    "cross-entropy + Dice": {"loss": "cross_entropy_dice"},
    "class weights sqrt": {"class_weights": "sqrt"},
    "label smoothing 0.1": {"label_smoothing": 0.1},
    "dropout 0.3": {"dropout": 0.3},
    "twice the epochs": {"epochs": 80},
}
"""Options of i.dl.train by the name of a row."""

FIGURES = ("overall_accuracy", "kappa", "f1_macro", "mean_iou")


def score(project: Project, model: Path) -> dict:
    """Classify the areas to score; the figures of all of their cells."""
    counts = np.zeros((len(LABELS), len(LABELS)), np.int64)
    for area in SCORED_AREAS:
        project.run("g.region", f"raster=label{area}")
        project.run(
            "i.dl.predict", f"group=a{area}", f"model={model}", "output=trial", "--overwrite"
        )
        matrix = project.evaluate("trial", f"label{area}")["confusion_matrix"]
        places = np.ix_(matrix["classes"], matrix["classes"])
        counts[places] += np.array(matrix["counts"])
    return accuracy.report(counts, [MapClass(*one, "0:0:0") for one in LABELS.items()])


def trained(project: Project, folder: Path, datasets: list[Path], name: str, epochs: int) -> dict:
    """Train by a recipe; its figures."""
    model = folder / "trial"
    start = time.monotonic()
    project.run(
        "i.dl.train",
        f"input={','.join(map(str, datasets))}",
        *(f"{option}={value}" for option, value in ({"epochs": epochs} | TRIALS[name]).items()),
        f"output={model}",
        "--overwrite",
    )
    minutes = (time.monotonic() - start) / 60
    found = score(project, model)
    return {**{key: found[key] for key in FIGURES}, "training_min": minutes}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--trials", nargs="+", default=list(TRIALS), choices=TRIALS)
    parser.add_argument("--stride", type=int, default=128, help="step between patches of 128")
    arguments = parsed(parser)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        project = Project(folder, arguments.data, (*TRAINING_AREAS, *SCORED_AREAS))
        datasets = [project.cut(area, folder, 128, arguments.stride) for area in TRAINING_AREAS]
        for name in arguments.trials:
            trial = {"trial": name, "epochs": arguments.epochs, "stride": arguments.stride}
            record("recipe", trial, **trained(project, folder, datasets, name, arguments.epochs))
    return 0


if __name__ == "__main__":
    sys.exit(main())
