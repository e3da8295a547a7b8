# SPDX-License-Identifier: GPL-2.0-or-later
"""Real imagery: train on six areas of USDA NAIP imagery, score a seventh.

Runs the four modules on `naip_ohio` (see --data) for each network, and a random forest on single
pixels (four bands and NDVI) beside them. Area 01 is scored once, at the end; early stopping looks
at blocks of the six training areas.

    python benchmarks/naip.py [--data FOLDER] [--networks unet,nicknet:4]

A network without a number is trained as many epochs as i.dl.train chooses.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(CHECKOUT / "demo"), str(CHECKOUT / "lib")]
from forest import fit_and_predict  # noqa: E402
from records import printed_object, record  # noqa: E402

from grassdl.core.bands import ndvi  # noqa: E402
from grassdl.dataset.patchset import JoinedPatchSets, PatchSet  # noqa: E402

DATA = CHECKOUT.parent / "shared" / "data" / "naip_ohio"
TRAINING_AREAS = ("00", "03", "05", "06", "07", "09")
TEST_AREA = "01"
LABELS = {0: "other", 1: "building", 2: "road", 3: "bare land", 4: "trees", 5: "water"}
BANDS = ("red", "green", "blue", "nir")
FOREST_SAMPLES = 300_000
FIGURES = (
    "overall_accuracy",
    "kappa",
    "f1_macro",
    "mean_iou",
    "training_min",
    "prediction_min",
)
GRASS = os.environ.get("GRASS", "grass")


class Project:
    """A GRASS project of the areas, each with its imagery group and labels.

    Args:
        folder: Where to make it.
        data: Folder of the areas' GeoTIFFs.
        areas: Areas to import.
    """

    def __init__(self, folder: Path, data: Path, areas: tuple[str, ...]):
        self.mapset = folder / "ohio" / "PERMANENT"
        subprocess.run(
            [GRASS, "-c", "EPSG:26917", "-e", str(folder / "ohio")], check=True, capture_output=True
        )
        for area in areas:
            self._import_area(data, area)

    def _import_area(self, data: Path, area: str) -> None:
        for kind in ("rgbn", "label"):
            source = data / f"cluster{area}_{kind}.tif"
            self.run("r.in.gdal", "-o", f"input={source}", f"output={kind}{area}")
        # Gaps between the tiles are 0 in all bands; a dark pond is 0 in one.
        raw = [f"rgbn{area}.{place}" for place in (1, 2, 3, 4)]
        self.run("g.region", f"raster={raw[0]}")
        for name, band in zip(raw, BANDS, strict=True):
            rule = f"a{area}.{band} = if({' + '.join(raw)} == 0, null(), {name})"
            self.run("r.mapcalc", f"expression={rule}")
            self.run("r.semantic.label", f"map=a{area}.{band}", f"semantic_label={band}")
        members = ",".join(f"a{area}.{band}" for band in BANDS)
        self.run("i.group", f"group=a{area}", f"input={members}")
        categories = "".join(f"{value}|{label}\n" for value, label in LABELS.items())
        call = ["r.category", f"map=label{area}", "separator=pipe", "rules=-"]
        self.run(*call, stdin=categories)

    def run(self, *words: str, stdin: str | None = None) -> str:
        """Run a module in a session of the project; its output."""
        call = [GRASS, str(self.mapset), "--exec", *words]
        done = subprocess.run(call, input=stdin, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{' '.join(words)}\n{done.stderr}")
        return done.stdout

    def cut(self, area: str, folder: Path, size: int, stride: int) -> Path:
        """The patch dataset of one area: 85 % for training, blocks of 15 % for validation."""
        self.run("g.region", f"raster=label{area}")
        output = folder / f"patches{area}"
        self.run(
            "i.dl.patches",
            f"group=a{area}",
            f"labels=label{area}",
            f"size={size}",
            f"stride={stride}",
            "block_size=256",
            "split=85,15,0",
            f"output={output}",
        )
        return output

    def evaluate(self, classification: str, reference: str = f"label{TEST_AREA}") -> dict:
        """The scores of a class map of the test area."""
        told = self.run(
            "i.dl.evaluate",
            f"classification={classification}",
            f"reference={reference}",
            "format=json",
        )
        return printed_object(told)


def network_scores(
    project: Project, datasets: list[Path], network: str, epochs: str, folder: Path
) -> dict:
    """Train a network, classify the test area, and score it; no epochs are the default ones."""
    model = folder / network
    start = time.monotonic()
    project.run(
        "i.dl.train",
        f"input={','.join(map(str, datasets))}",
        f"network={network}",
        *([f"epochs={epochs}"] if epochs else []),
        f"output={model}",
    )
    trained = time.monotonic()
    project.run("g.region", f"raster=label{TEST_AREA}")
    project.run(
        "i.dl.predict", f"group=a{TEST_AREA}", f"model={model}", f"output={network}", "--overwrite"
    )
    predicted = time.monotonic()
    scores = project.evaluate(network)
    scores["training_min"] = (trained - start) / 60
    scores["prediction_min"] = (predicted - trained) / 60
    return scores


def forest_scores(project: Project, datasets: list[Path], folder: Path) -> dict:
    """The same work by a random forest on single pixels, with NDVI as a fifth band."""
    start = time.monotonic()
    joined = JoinedPatchSets([PatchSet.open(one) for one in datasets])
    pixels, classes = [], []
    for part in joined.arrays("train"):
        images, labels = part.read(slice(None))
        labelled = labels < len(joined.classes)
        pixels.append(images[labelled])
        classes.append(labels[labelled])
    project.run("g.region", f"raster=label{TEST_AREA}")
    bands = [_read_band(project, f"a{TEST_AREA}.{band}", folder) for band in BANDS]
    image = with_ndvi(np.dstack(bands))
    trained_on = with_ndvi(np.concatenate(pixels))
    indices = fit_and_predict(
        trained_on, np.concatenate(classes), image, max_samples=FOREST_SAMPLES
    )
    values = joined.classes.values[indices]
    raw = folder / "forest.bin"
    values.astype(np.uint8).tofile(raw)
    region = dict(line.split("=") for line in project.run("g.region", "-g").split() if "=" in line)
    edges = {"north": "n", "south": "s", "east": "e", "west": "w", "rows": "rows", "cols": "cols"}
    place = [f"{name}={region[key]}" for name, key in edges.items()]
    project.run("r.in.bin", f"input={raw}", "output=forest", "bytes=1", *place, "--overwrite")
    minutes = (time.monotonic() - start) / 60
    return {**project.evaluate("forest"), "training_min": minutes}


def _read_band(project: Project, name: str, folder: Path) -> np.ndarray:
    raw = folder / "band.bin"
    project.run("r.out.bin", f"input={name}", f"output={raw}", "bytes=1", "null=0", "--overwrite")
    region = dict(line.split("=") for line in project.run("g.region", "-g").split() if "=" in line)
    return np.fromfile(raw, np.uint8).reshape(int(region["rows"]), int(region["cols"]))


def with_ndvi(pixels: np.ndarray) -> np.ndarray:
    """Pixels (..., 4) as red, green, blue, nir and NDVI (..., 5) float32."""
    red, nir = (pixels[..., place].astype(float) for place in (0, 3))
    return np.concatenate([pixels.astype(np.float32), ndvi(red, nir)[..., None]], axis=-1)


def figures(scores: dict) -> dict:
    """Those of the scores that are recorded."""
    by_class = {one["label"]: one["f1"] for one in scores["classes"]}
    return {**{key: scores[key] for key in FIGURES if key in scores}, "f1": by_class}


def parsed(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """The arguments, the folder of the imagery among them; ends the program where that is not."""
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the imagery")
    arguments = parser.parse_args()
    if not arguments.data.is_dir():
        print(f"Skipped: the imagery is not there ({arguments.data})")
        sys.exit(0)
    return arguments


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", default="unet", help="names, each with :EPOCHS or without")
    parser.add_argument("--size", type=int, default=128, help="edge of a patch")
    parser.add_argument("--stride", type=int, default=64, help="step between patches")
    parser.add_argument("--output", type=Path, help="folder to keep (default: a temporary one)")
    arguments = parsed(parser)
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.output or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        project = Project(folder, arguments.data, (*TRAINING_AREAS, TEST_AREA))
        datasets = [
            project.cut(area, folder, arguments.size, arguments.stride) for area in TRAINING_AREAS
        ]
        patches = {"size": arguments.size, "stride": arguments.stride}
        found = forest_scores(project, datasets, folder)
        record("naip", {"classifier": "random forest", **patches}, **figures(found))
        for told in arguments.networks.split(","):
            network, _, epochs = told.partition(":")
            found = network_scores(project, datasets, network, epochs, folder)
            trial = {"classifier": network, "epochs": int(epochs) if epochs else "default"}
            record("naip", {**trial, **patches}, **figures(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
