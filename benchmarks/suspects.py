# SPDX-License-Identifier: GPL-2.0-or-later
"""Planted wrong labels that i.dl.review finds: how many of the first suspects are wrong labels.

In the embedded example squares of 12 cells that hold one class are training areas, and 5 % of them,
drawn at random, get another class. An ensemble of U-Nets is trained on folds of patches of these,
and i.dl.review lists its suspects. As many of the first are looked at as wrong labels were planted:
which share of them lies in an area with a wrong label (precision), which share of these areas they
find (recall), and which share of them also suggests the true class. Mean over the seeds, and the
figures of each.

    python benchmarks/suspects.py [--per-class 60] [--folds 4] [--epochs 20] [--seeds 3]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import replace
from multiprocessing import Process
from pathlib import Path
from statistics import mean

import numpy as np

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(CHECKOUT / "demo"), str(CHECKOUT / "lib")]
from areas import TrainingArea  # noqa: E402
from project import GROUP, import_training_areas, make_project  # noqa: E402
from records import record  # noqa: E402
from run import PROJECT, Demo  # noqa: E402
from scene import CLASSES, Scene, make_scene  # noqa: E402

WRONG_SHARE = 0.05

EDGE, APART = 12, 4
"""Cells of the edge of an area, and between two of them."""

FIGURES = ("precision", "recall", "right_class")


def pure_areas(scene: Scene, per_class: int) -> list[TrainingArea]:
    """Squares that hold one class, at most `per_class` of each, drawn at random."""
    generator = np.random.default_rng(1)
    step = EDGE + APART
    rows, cols = (np.arange(0, edge - step + 1, step) for edge in scene.labels.shape)
    places = np.array([(row, col) for row in rows for col in cols])
    windows = np.lib.stride_tricks.sliding_window_view(scene.labels, (EDGE, EDGE))
    cells = windows[tuple(places.T)].reshape(len(places), -1)
    areas = []
    for one in CLASSES:
        pure = places[(cells == one.value).all(axis=1)]
        for place in generator.permutation(pure)[:per_class]:
            top, left = place * scene.resolution_m
            north, west = scene.north - top, scene.west + left
            south, east = north - EDGE * scene.resolution_m, west + EDGE * scene.resolution_m
            corners = ((west, north), (east, north), (east, south), (west, south), (west, north))
            areas.append(TrainingArea(one.value, one.label, corners))
    return areas


def with_wrong_labels(
    areas: list[TrainingArea], seed: int
) -> tuple[list[TrainingArea], dict[int, int]]:
    """Training areas, some of them with another class; the true values of these by category."""
    generator = np.random.default_rng(seed)
    given, truth = list(areas), {}
    number = round(WRONG_SHARE * len(areas))
    for place in generator.choice(len(areas), number, replace=False).tolist():
        others = [one for one in CLASSES if one.value != areas[place].value]
        other = others[generator.integers(len(others))]
        given[place] = replace(areas[place], value=other.value, label=other.label)
        truth[place + 1] = areas[place].value
    return given, truth


def import_areas(demo: Demo, areas: list[TrainingArea]) -> None:
    """Replace the training areas of the project by others."""
    from grass_session import Session

    with (
        Session(gisdb=str(demo.folder), location=PROJECT, mapset="PERMANENT"),
        tempfile.TemporaryDirectory() as scratch,
    ):
        import grass.script as gs

        gs.run_command("g.remove", type="vector", name="training_areas", flags="f", quiet=True)
        import_training_areas(areas, Path(scratch))


def in_process(function, *arguments) -> None:
    """Call a function that has a session of GRASS, of which a process can have but one."""
    process = Process(target=function, args=arguments)
    process.start()
    process.join()
    if process.exitcode:
        sys.exit(f"ERROR: {function.__name__} failed")


def first_suspects(demo: Demo, number: int) -> list[tuple[int, int]]:
    """The category of the training area of each of the first suspects, and the suggested class."""
    demo.grass("g.region", f"raster={GROUP}.red")
    raster = ("v.to.rast", "type=area", "--overwrite")
    demo.grass(*raster, "input=suspects", "output=rank", "use=attr", "attribute_column=rank")
    demo.grass(*raster, "input=training_areas", "output=area", "use=cat")
    cells = demo.read("r.stats", "-nc", "input=rank,area", "separator=comma")
    area_of = {}
    for line in sorted(cells.split(), key=lambda line: int(line.split(",")[2])):
        rank, area, _ = map(int, line.split(","))
        area_of[rank] = area
    told = demo.read("v.db.select", "-c", "map=suspects", "columns=rank,suggested")
    suggested = dict(map(int, line.split("|")) for line in told.split())
    return [(area_of[rank], suggested[rank]) for rank in sorted(suggested)[:number]]


def measure(demo: Demo, areas: list[TrainingArea], seed: int, settings: argparse.Namespace) -> dict:
    """Plant wrong labels, train, and look at the first suspects."""
    given, truth = with_wrong_labels(areas, seed)
    in_process(import_areas, demo, given)
    dataset, model = demo.folder / "areas", demo.folder / "folds"
    demo.grass("g.region", f"raster={GROUP}.red")
    demo.grass(
        "i.dl.patches", f"group={GROUP}", "dsm=dsm", "dtm=dtm", "training=training_areas",
        "column=value", "size=64", "stride=64", "min_labelled=0.1", "block_size=64",
        "split=100,0,0", f"folds={settings.folds}", f"output={dataset}", "--overwrite",
    )  # fmt: skip
    demo.grass(
        "i.dl.train", f"input={dataset}", "network=unet", "depth=3", f"epochs={settings.epochs}",
        "fold=all", f"seed={seed}", f"output={model}", "--overwrite",
    )  # fmt: skip
    demo.grass(
        "i.dl.review", f"model={model}", f"dataset={dataset}", "suspects=suspects", "--overwrite"
    )
    found = first_suspects(demo, len(truth))
    wrong = [(area, suggested) for area, suggested in found if area in truth]
    return {
        "precision": len(wrong) / len(truth),
        "recall": len({area for area, _ in wrong}) / len(truth),
        "right_class": sum(truth[area] == suggested for area, suggested in wrong) / len(truth),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--per-class", type=int, default=60, help="training areas of each class")
    parser.add_argument("--folds", type=int, default=4)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=3)
    settings = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        demo = Demo(Path(folder) / "demo")
        demo.clear()
        scene = make_scene()
        in_process(make_project, demo.folder / PROJECT, scene)
        areas = pure_areas(scene, settings.per_class)
        results = [measure(demo, areas, seed + 1, settings) for seed in range(settings.seeds)]
    figures = {key: mean(one[key] for one in results) for key in FIGURES}
    of_seeds = {f"{key}_of_seeds": [round(one[key], 3) for one in results] for key in FIGURES}
    counts = {"areas": len(areas), "planted": round(WRONG_SHARE * len(areas))}
    record("suspects", vars(settings), **counts, **figures, **of_seeds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
