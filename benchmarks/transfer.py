# SPDX-License-Identifier: GPL-2.0-or-later
"""How many patches a new task takes, from random weights and from a trained model.

A U-Net is trained on areas of `naip_ohio` with their six classes. The new task has other classes
(sealed, trees, water, other) and few patches of another area. It is learnt from random weights,
from the model at the rate that i.dl.train chooses for it (a tenth of that for random weights), from
the model at the rate for random weights, and from the model with its encoder frozen at first (-f);
each is scored on a further area, whole. Areas for training, for the new task and for the score have
no part in common. Median, least and most of several draws of patches, each with a seed of its own.

    python benchmarks/transfer.py [--patches 16,32,64] [--epochs 100] [--seeds 3]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from statistics import median

from naip import TEST_AREA, Project, parsed
from records import record

PARENT_AREAS = ("03", "05", "06", "07")
NEW_AREA = "09"
RULES = "1 2 = 1 sealed\n4 = 2 trees\n5 = 3 water\n0 3 = 0 other\n"
"""Classes of the new task from those of the labels."""

WAYS = {
    "random": (),
    "model": ("model={parent}",),
    "model_usual_rate": ("model={parent}", "learning_rate=0.002"),
    "frozen": ("model={parent}", "-f"),
}
"""Options of i.dl.train by the way: from random weights, from the model, its encoder frozen."""

FIGURES = ("overall_accuracy", "f1_macro")


def train_parent(project: Project, folder: Path, areas: list[str], epochs: int) -> Path:
    """The model to start from."""
    datasets = [project.cut(area, folder, 128, 128) for area in areas]
    model = folder / "parent"
    project.run(
        "i.dl.train",
        f"input={','.join(map(str, datasets))}",
        f"epochs={epochs}",
        f"output={model}",
    )
    return model


def cut_new_task(project: Project, folder: Path, patches: int, seed: int) -> Path:
    """Some patches of the new area with the classes of the new task."""
    output = folder / f"new{patches}_{seed}"
    project.run("g.region", f"raster=new{NEW_AREA}")
    project.run(
        "i.dl.patches",
        f"group=a{NEW_AREA}",
        f"labels=new{NEW_AREA}",
        "size=128",
        "sampling=random",
        f"npatches={patches}",
        "block_size=256",
        "split=75,25,0",
        f"seed={seed}",
        f"output={output}",
    )
    return output


def score(project: Project, folder: Path, dataset: Path, epochs: int, *how: str) -> dict:
    """Train on the new task, classify the test area, and score it."""
    model = folder / "trial"
    project.run(
        "i.dl.train",
        f"input={dataset}",
        f"epochs={epochs}",
        f"output={model}",
        "patience=0",
        "--overwrite",
        *how,
    )
    project.run("g.region", f"raster=new{TEST_AREA}")
    project.run(
        "i.dl.predict", f"group=a{TEST_AREA}", f"model={model}", "output=new", "--overwrite"
    )
    return project.evaluate("new", f"new{TEST_AREA}")


def of_draws(results: list[dict]) -> dict[str, float]:
    """The median of each figure over all draws, and its least and most beside it."""
    summary = {"": median, "_least": min, "_most": max}
    return {
        f"{key}{end}": figure(one[key] for one in results)
        for key in FIGURES
        for end, figure in summary.items()
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--patches", default="16,32,64", help="numbers of patches of the task")
    parser.add_argument("--epochs", type=int, default=100, help="of the new task")
    parser.add_argument("--parent-areas", default=",".join(PARENT_AREAS))
    parser.add_argument("--parent-epochs", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=3, help="draws of patches of each number")
    arguments = parsed(parser)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        areas = arguments.parent_areas.split(",")
        project = Project(folder, arguments.data, (*areas, NEW_AREA, TEST_AREA))
        for area in (NEW_AREA, TEST_AREA):
            reclass = ("r.reclass", f"input=label{area}", f"output=new{area}", "rules=-")
            project.run(*reclass, stdin=RULES)
        parent = train_parent(project, folder, areas, arguments.parent_epochs)
        asked = {key: getattr(arguments, key) for key in ("epochs", "parent_epochs", "seeds")}
        for patches in map(int, arguments.patches.split(",")):
            figures = {}
            for way, options in WAYS.items():
                how = [option.format(parent=parent) for option in options]
                results = []
                for seed in range(1, 1 + arguments.seeds):
                    dataset = folder / f"new{patches}_{seed}"
                    if not dataset.exists():
                        cut_new_task(project, folder, patches, seed)
                    chosen = (f"seed={seed}", *how)
                    results.append(score(project, folder, dataset, arguments.epochs, *chosen))
                figures[way] = of_draws(results)
            record("transfer", {"patches": patches, **asked}, **figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
