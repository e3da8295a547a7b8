# SPDX-License-Identifier: GPL-2.0-or-later
"""The effect of a class of borders on objects that touch: tree crowns in an aerial image.

U-Nets are trained on the west of a NEON image of 0.1 m, where crowns are drawn as ellipses in their
boxes, with and without a class of borders, and their objects are compared with the crowns of the
east: all of them, and with `minsize` the connected areas or objects of at least so many cells.

    python benchmarks/objects.py [--data FOLDER] [--borders 0 2] [--seeds 1 2 3]
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from records import record

CHECKOUT = Path(__file__).resolve().parent.parent
DATA = CHECKOUT.parent / "shared" / "data" / "osbs_crowns"
IMAGE = "OSBS_029"
CELLS = 400
GRASS = os.environ.get("GRASS", "grass")

TRAINED_COLS = 260
MINSIZE = 100
FIGURES = (
    "predicted",
    "support",
    "precision",
    "recall",
    "f1",
    "segmentation_quality",
    "panoptic_quality",
    "f1_50_95",
    "area_bias",
)


class Project:
    """A GRASS project of the image and the crowns, as ids of cells and as areas."""

    def __init__(self, folder: Path, data: Path):
        self.mapset = folder / "crowns" / "PERMANENT"
        call = [GRASS, "-c", "EPSG:32617", "-e", str(folder / "crowns")]
        subprocess.run(call, check=True, capture_output=True)
        # White crowns have the value that is declared as no data.
        image, ids = folder / "image.tif", folder / "ids.bin"
        call = ["gdal_translate", "-q", "-a_nodata", "none", str(data / f"{IMAGE}.tif"), str(image)]
        subprocess.run(call, check=True)
        self.run("r.in.gdal", "-o", f"input={image}", "output=image")
        self.run("g.region", "raster=image.red")
        region = dict(one.split("=") for one in self.run("g.region", "-g").split())
        crowns(data / f"{IMAGE}.csv").tofile(ids)
        edges = [f"{key}={region[key[0]]}" for key in ("north", "south", "east", "west")]
        size = [f"rows={CELLS}", f"cols={CELLS}", "bytes=4", "anull=0"]
        self.run("r.in.bin", f"input={ids}", "output=ids", *edges, *size)
        self.run("r.to.vect", "-vt", "input=ids", "output=crowns", "type=area")
        self.run("v.db.addtable", "map=crowns", "columns=value integer")
        self.run("v.db.update", "map=crowns", "column=value", "value=1")
        split = float(region["w"]) + TRAINED_COLS * float(region["ewres"])
        self.train, self.test = f"e={split}", f"w={split}"

    def run(self, *words: str) -> str:
        """Run a module in a session of the project; its output."""
        call = [GRASS, str(self.mapset), "--exec", *words]
        done = subprocess.run(call, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{' '.join(words)}\n{done.stderr}")
        return done.stdout


def crowns(boxes: Path) -> np.ndarray:
    """The crown of every cell, int32 from 1 on, 0 for none; the smaller of two lies above."""
    with boxes.open() as file:
        rows = [[float(row[key]) for key in ("xmin", "ymin", "xmax", "ymax")]
                for row in csv.DictReader(file)]  # fmt: skip
    y, x = np.mgrid[:CELLS, :CELLS] + 0.5
    ids = np.zeros((CELLS, CELLS), "<i4")
    ordered = sorted(rows, key=lambda one: -(one[2] - one[0]) * (one[3] - one[1]))
    for number, (west, north, east, south) in enumerate(ordered, start=1):
        across = (2 * x - west - east) / (east - west)
        down = (2 * y - north - south) / (south - north)
        ids[across**2 + down**2 <= 1] = number
    return ids


def measure(
    project: Project, folder: Path, borders: int, seed: int, epochs: int, weights: str
) -> dict:
    """Train and predict; the figures of the objects of the east."""
    dataset, model = folder / f"patches{borders}", folder / "model"
    bands = "input=image.red,image.green,image.blue"
    project.run("g.region", "raster=image.red", project.train)
    if not dataset.exists():
        apart = [f"borders={borders}"] if borders else []
        project.run(
            "i.dl.patches", bands, "segments=ids", "value=1", "background=0", *apart, "size=64",
            "stride=16", "block_size=64", "split=85,15,0", f"output={dataset}",
        )  # fmt: skip
    project.run(
        "i.dl.train", f"input={dataset}", "network=unet", "depth=3", f"epochs={epochs}",
        f"seed={seed}", f"class_weights={weights}", f"output={model}", "--overwrite",
    )  # fmt: skip
    project.run("g.region", "raster=image.red", project.test)
    project.run(
        "i.dl.predict", bands, f"model={model}", "output=classes", "objects=objects",
        "object_classes=1", "vector=areas", f"minsize={MINSIZE}", "--overwrite",
    )  # fmt: skip
    told = project.run(
        "i.dl.evaluate", "classification=classes", "areas=crowns", "column=value", "background=0",
        "objects=1", "object_areas=areas", f"minsize={MINSIZE}", "format=json",
    )  # fmt: skip
    (found,) = json.loads(told)["objects"]
    return {key: found[key] for key in FIGURES}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--borders", type=int, nargs="+", default=[0, 2])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--weights", default="none", help="class weights of the training")
    arguments = parser.parse_args()
    if not arguments.data.is_dir():
        sys.exit(f"ERROR: <{arguments.data}> is not there: say with --data where the image is")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        project = Project(folder, arguments.data)
        for borders in arguments.borders:
            found = [
                measure(project, folder, borders, seed, arguments.epochs, arguments.weights)
                for seed in arguments.seeds
            ]
            means = {key: float(np.mean([one[key] or 0 for one in found])) for key in FIGURES}
            of_seeds = [round(one["panoptic_quality"] or 0, 4) for one in found]
            configuration = {
                "borders": borders,
                "epochs": arguments.epochs,
                "weights": arguments.weights,
                "seeds": len(found),
            }
            record("objects", configuration, **means, panoptic_quality_of_seeds=of_seeds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
