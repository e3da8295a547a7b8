# SPDX-License-Identifier: GPL-2.0-or-later
"""The effect of a class of borders on objects: crowns and buildings, that touch and that do not.

U-Nets are trained on the west of an image with and without a class of borders, and their objects of
at least `minsize` cells are compared with those of the east: without borders they are the connected
areas of the class. What these would be worth of a perfect map is measured, too: the gain that
borders could bring at most. The cases are

- `crowns`: a NEON image of 0.1 m, where crowns are drawn as ellipses in their boxes,
- `buildings`: footprints in a panchromatic image of Atlanta, none of which touch,
- `example`: the crowns of the embedded example, most of which touch.

    python benchmarks/objects.py [--cases crowns] [--borders 0 2] [--seeds 1 2 3] [--data FOLDER]
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import numpy as np
from records import record

CHECKOUT = Path(__file__).resolve().parent.parent
DATA = CHECKOUT.parent / "shared" / "data"
GRASS = os.environ.get("GRASS", "grass")

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
    """A GRASS project of an image and its objects, as ids of cells and as areas."""

    def __init__(self, folder: Path, epsg: int):
        self.folder = folder
        self.mapset = folder / "objects" / "PERMANENT"
        call = [GRASS, "-c", f"EPSG:{epsg}", "-e", str(folder / "objects")]
        subprocess.run(call, check=True, capture_output=True)

    def run(self, *words: str) -> str:
        """Run a module in a session of the project; its output."""
        call = [GRASS, str(self.mapset), "--exec", *words]
        done = subprocess.run(call, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{' '.join(words)}\n{done.stderr}")
        return done.stdout

    def region(self) -> dict[str, str]:
        """The region, as `g.region -g` prints it."""
        return dict(one.split("=") for one in self.run("g.region", "-g").split())

    def import_cells(self, name: str, values: np.ndarray, null: float) -> None:
        """Write an array over the region, of its rows and columns."""
        region, raw = self.region(), self.folder / "cells.bin"
        values.astype("<f4" if values.dtype.kind == "f" else "<i4").tofile(raw)
        kind = ["-f"] if values.dtype.kind == "f" else []
        edges = [f"{key}={region[key[0]]}" for key in ("north", "south", "east", "west")]
        size = [f"rows={values.shape[0]}", f"cols={values.shape[1]}", "bytes=4", f"anull={null}"]
        self.run("r.in.bin", *kind, f"input={raw}", f"output={name}", *edges, *size)


@dataclass(frozen=True)
class Case:
    """What is measured on.

    Attributes:
        fill: Imports the bands, sets the region to them, and imports `ids`, the objects' numbers.
        epsg: Of the coordinates.
        bands: Names of the bands.
        trained: Share of the columns that the network is trained on.
        minsize: Cells of an object at least.
        stride: Cells from one patch to the next.
    """

    fill: Callable[[Project, Path], None]
    epsg: int
    bands: tuple[str, ...]
    trained: float
    minsize: int
    stride: int


def crown_boxes(data: Path) -> np.ndarray:
    """West, north, east and south edge in cells of the crowns of the NEON image (n, 4)."""
    with (data / "osbs_crowns" / "OSBS_029.csv").open() as file:
        rows = list(csv.DictReader(file))
    return np.array([[float(one[key]) for key in ("xmin", "ymin", "xmax", "ymax")] for one in rows])


def drawn(boxes: np.ndarray, cells: int) -> np.ndarray:
    """Numbers (cells, cells) of ellipses in boxes (n, 4); the smaller of two lies above."""
    west, north, east, south = boxes.T
    y, x = np.mgrid[:cells, :cells] + 0.5
    ids = np.zeros((cells, cells), np.int32)
    for number, one in enumerate(np.argsort(-(east - west) * (south - north)), start=1):
        across = (2 * x - west[one] - east[one]) / (east[one] - west[one])
        down = (2 * y - north[one] - south[one]) / (south[one] - north[one])
        ids[across**2 + down**2 <= 1] = number
    return ids


def fill_crowns(project: Project, data: Path) -> None:
    """Crowns of the NEON image, as ellipses in their boxes; the smaller of two lies above."""
    # White crowns have the value that is declared as no data.
    source, image = data / "osbs_crowns" / "OSBS_029", project.folder / "image.tif"
    call = ["gdal_translate", "-q", "-a_nodata", "none", f"{source}.tif", str(image)]
    subprocess.run(call, check=True)
    project.run("r.in.gdal", "-o", f"input={image}", "output=image")
    project.run("g.region", "raster=image.red")
    cells = int(project.region()["cols"])
    ids = drawn(crown_boxes(data), cells)
    project.import_cells("ids", ids, null=0)


def fill_buildings(project: Project, data: Path) -> None:
    """Footprints of Atlanta."""
    source = data / "atlanta_buildings"
    project.run("r.in.gdal", "-o", f"input={source / 'pan.tif'}", "output=pan")
    project.run("g.region", "raster=pan")
    project.run("v.in.ogr", "-o", f"input={source / 'buildings.geojson'}", "output=footprints")
    project.run("v.to.rast", "input=footprints", "output=ids", "use=cat", "type=area")


def fill_example(project: Project, data: Path) -> None:
    """The crowns of the embedded example, numbered while they are planted."""
    sys.path.insert(0, str(CHECKOUT / "demo"))
    import layout
    from scene import SIZE, make_scene

    ids, add_crown = np.zeros((SIZE, SIZE), np.int32), layout.add_crown

    def planted(land, *words) -> None:
        before = land.height.copy()
        add_crown(land, *words)
        ids[land.height != before] = ids.max() + 1

    with mock.patch.object(layout, "add_crown", planted):
        scene = make_scene()
    ids[~scene.inside] = 0
    height = np.repeat(np.repeat(scene.dsm - scene.dtm, 2, 0), 2, 1)
    half = SIZE * scene.resolution_m
    edges = [f"n={half}", "s=0", f"e={half}", "w=0", f"res={scene.resolution_m}"]
    project.run("g.region", *edges)
    for name, values in zip(CASES["example"].bands, (*scene.bands, height), strict=True):
        project.import_cells(name, values, null=0 if values.dtype.kind != "f" else -9999)
    project.import_cells("ids", ids, null=0)


CASES = {
    "crowns": Case(
        fill_crowns, 32617, ("image.red", "image.green", "image.blue"), 0.65, minsize=100, stride=16
    ),
    "buildings": Case(fill_buildings, 32616, ("pan",), 0.62, minsize=100, stride=32),
    "example": Case(
        fill_example, 31370, ("red", "green", "blue", "nir", "height"), 0.625, minsize=20, stride=64
    ),
}


class Trial:
    """A project of a case, and what is measured in it.

    Args:
        folder: For the project.
        case: The case.
        data: Where the images are.
    """

    def __init__(self, folder: Path, case: Case, data: Path):
        self.case, self.folder = case, folder
        self.project = Project(folder, case.epsg)
        case.fill(self.project, data)
        run = self.project.run
        run("r.mapcalc", "expression=perfect = if(isnull(ids), 0, 1)")
        run("r.to.vect", "-vt", "input=ids", "output=objects_there", "type=area")
        run("v.db.addtable", "map=objects_there", "columns=value integer")
        run("v.db.update", "map=objects_there", "column=value", "value=1")
        region = self.project.region()
        across = int(region["cols"]) * case.trained // 8 * 8
        split = float(region["w"]) + across * float(region["ewres"])
        self.train = [f"{key}={region[key]}" for key in "nsw"] + [f"e={split}"]
        self.test = [f"{key}={region[key]}" for key in "nse"] + [f"w={split}"]

    def perfect(self) -> dict:
        """The figures of the connected areas of a perfect map of the class."""
        self.project.run("g.region", *self.test)
        return self._figures("classification=perfect")

    def measure(self, borders: int, seed: int, epochs: int, weights: str) -> dict:
        """Train and predict; the figures of the objects of the east."""
        dataset, model = self.folder / f"patches{borders}", self.folder / "model"
        bands, run = f"input={','.join(self.case.bands)}", self.project.run
        run("g.region", *self.train)
        if not dataset.exists():
            apart = [f"borders={borders}"] if borders else []
            run(
                "i.dl.patches", bands, "segments=ids", "value=1", "background=0", *apart,
                "size=64", f"stride={self.case.stride}", "block_size=64", "split=85,15,0",
                f"output={dataset}",
            )  # fmt: skip
        run(
            "i.dl.train", f"input={dataset}", "network=unet", "depth=3", f"epochs={epochs}",
            f"seed={seed}", f"class_weights={weights}", f"output={model}", "--overwrite",
        )  # fmt: skip
        run("g.region", *self.test)
        run(
            "i.dl.predict", bands, f"model={model}", "output=classes", "objects=objects",
            "object_classes=1", "vector=areas", f"minsize={self.case.minsize}", "--overwrite",
        )  # fmt: skip
        return self._figures("classification=classes", "object_areas=areas")

    def _figures(self, *mapped: str) -> dict:
        told = self.project.run(
            "i.dl.evaluate", *mapped, "areas=objects_there", "column=value", "background=0",
            "objects=1", f"minsize={self.case.minsize}", "format=json",
        )  # fmt: skip
        (found,) = json.loads(told)["objects"]
        return {key: found[key] for key in FIGURES}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--borders", type=int, nargs="*", default=[0, 2])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--weights", default="none", help="class weights of the training")
    arguments = parser.parse_args()
    if not arguments.data.is_dir():
        sys.exit(f"ERROR: <{arguments.data}> is not there: say with --data where the images are")
    for name in arguments.cases:
        with tempfile.TemporaryDirectory() as folder:
            trial = Trial(Path(folder), CASES[name], arguments.data)
            record("objects", {"case": name, "borders": "perfect map"}, **trial.perfect())
            for borders in arguments.borders:
                found = [
                    trial.measure(borders, seed, arguments.epochs, arguments.weights)
                    for seed in arguments.seeds
                ]
                means = {key: float(np.mean([one[key] or 0 for one in found])) for key in FIGURES}
                of_seeds = [round(one["panoptic_quality"] or 0, 4) for one in found]
                configuration = {
                    "case": name,
                    "borders": borders,
                    "epochs": arguments.epochs,
                    "weights": arguments.weights,
                    "seeds": len(found),
                }
                record("objects", configuration, **means, panoptic_quality_of_seeds=of_seeds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
