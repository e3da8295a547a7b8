# SPDX-License-Identifier: GPL-2.0-or-later
"""The main job on the embedded example: from the maps of a project to a measured class map.

`make demo` runs this. It makes the project, calls the four modules as an analyst would, lets a
random forest of single pixels do the same work, and scores both on the held-back blocks.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from multiprocessing import Process
from pathlib import Path

import numpy as np
from forest import fit_and_predict
from project import GROUP, make_project
from scene import OUTSIDE, Scene, make_scene

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lib"))
from grassdl.core import plots  # noqa: E402
from grassdl.core.bands import ndsm, ndvi  # noqa: E402
from grassdl.core.classes import MapClass  # noqa: E402
from grassdl.dataset.patchset import PatchSet  # noqa: E402

PROJECT = "suburb"
GRASS = os.environ.get("GRASS", "grass")


class Demo:
    """A folder with the project, the dataset, the model and the pictures.

    Args:
        folder: To be made; an earlier demo in it is replaced.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self.mapset = folder / PROJECT / "PERMANENT"
        self.dataset = folder / "dataset"
        self.model = folder / "model"

    def clear(self) -> None:
        """Make the folder, without what an earlier demo left there."""
        if self.folder.exists():
            if not (self.folder / PROJECT).is_dir():
                sys.exit(f"ERROR: <{self.folder}> is not the folder of a demo: name another one")
            shutil.rmtree(self.folder)
        self.folder.mkdir(parents=True)

    def grass(self, *words: str) -> None:
        """Run a module in a session of the project, and show the call as a user would type it."""
        shown = " ".join(f'"{word}"' if " " in word or "'" in word else word for word in words)
        print(f"\n$ grass {PROJECT}/PERMANENT --exec {shown}", flush=True)
        call = [GRASS, str(self.mapset), "--exec", *words]
        with subprocess.Popen(call, stderr=subprocess.PIPE, text=True) as process:
            for line in process.stderr:
                if not _is_frame(line):
                    print(line, end="", file=sys.stderr, flush=True)
        if process.returncode:
            sys.exit(f"ERROR: {words[0]} failed")

    def read(self, *words: str) -> str:
        """What a module prints in a session of the project."""
        call = [GRASS, str(self.mapset), "--exec", *words]
        return subprocess.run(call, check=True, capture_output=True, text=True).stdout


def _is_frame(line: str) -> bool:
    """Whether a line is what `grass --exec` prints around a module's own messages."""
    frame = ("Starting GRASS", "Executing <", "Execution of <", "Cleaning up")
    percents = set(line) <= set("0123456789% \b\n")
    return percents or line.startswith(frame)


def make_in_process(demo: Demo, *scenes: Scene) -> None:
    """Make the project of one date or two in a process of its own, as a session of GRASS can be had
    but once."""
    maker = Process(target=make_project, args=(demo.folder / PROJECT, *scenes))
    maker.start()
    maker.join()
    if maker.exitcode:
        sys.exit("ERROR: the project could not be made")


def cut_patches(demo: Demo) -> None:
    """The dataset of the whole scene, with height and NDVI."""
    demo.grass(
        "i.dl.patches",
        f"group={GROUP}",
        "dsm=dsm",
        "dtm=dtm",
        f"red={GROUP}.red",
        f"nir={GROUP}.nir",
        "labels=reference",
        "size=64",
        "stride=32",
        "block_size=128",
        "split=60,15,25",
        f"output={demo.dataset}",
    )


def classify_with_network(demo: Demo, epochs: int) -> None:
    """Training and prediction."""
    demo.grass(
        "i.dl.train",
        f"input={demo.dataset}",
        "network=unet",
        "depth=3",
        f"epochs={epochs}",
        "batch_size=8",
        f"output={demo.model}",
    )
    demo.grass(
        "i.dl.predict",
        f"group={GROUP}",
        "dsm=dsm",
        "dtm=dtm",
        f"model={demo.model}",
        "output=classes_network",
        "confidence=confidence_network",
    )


def classify_with_forest(demo: Demo, scene: Scene) -> np.ndarray:
    """The per-pixel baseline, from the same training patches and bands."""
    print("\nRandom forest on single pixels of the same training patches...", flush=True)
    patches = PatchSet.open(demo.dataset)
    images, labels = patches.arrays("train")
    labelled = labels < len(patches.manifest.classes)
    heights = ndsm(scene.dsm, scene.dtm).repeat(2, axis=0).repeat(2, axis=1)
    red, nir = scene.bands[0].astype(float), scene.bands[3].astype(float)
    stack = np.dstack([*scene.bands, heights, ndvi(red, nir)])
    indices = fit_and_predict(images[labelled], labels[labelled], stack, seed=1)
    values = patches.manifest.classes.values[indices].astype(np.uint8)
    values[~scene.inside] = OUTSIDE
    raw = demo.folder / "classes_forest.bin"
    values.tofile(raw)
    rows, cols = values.shape
    demo.grass(
        "r.in.bin",
        f"input={raw}",
        "output=classes_forest",
        "bytes=1",
        f"anull={OUTSIDE}",
        f"rows={rows}",
        f"cols={cols}",
        f"west={scene.west}",
        f"east={scene.west + cols * scene.resolution_m}",
        f"north={scene.north}",
        f"south={scene.north - rows * scene.resolution_m}",
        "--quiet",
    )
    raw.unlink()
    return values


def score(demo: Demo) -> None:
    """Score both maps on the test patches, which neither was made from."""
    print(
        "\nScores of the maps count the cells of the test patches only. Those of i.dl.train above "
        "differ a little: it classifies each patch alone, so that cells at its edge lack their "
        "surroundings, and counts cells once for each of the patches that overlap there."
    )
    for name, title in (("forest", "random forest"), ("network", "U-Net")):
        print(f"\n{title}:", flush=True)
        demo.grass(
            "i.dl.evaluate",
            f"classification=classes_{name}",
            "reference=reference",
            f"dataset={demo.dataset}",
            f"plot={demo.folder / f'accuracy_{name}.png'}",
        )


def draw(demo: Demo, scene: Scene, forest: np.ndarray) -> Path:
    """Orthophoto, reference and both maps side by side."""
    classes = [
        MapClass(one.value, one.label, ":".join(map(str, one.colour))) for one in scene.classes
    ]
    raw = demo.folder / "classes_network.bin"
    demo.grass(
        "r.out.bin", "input=classes_network", f"output={raw}", "bytes=1", "null=0", "--quiet"
    )
    network = np.fromfile(raw, np.uint8).reshape(scene.labels.shape)
    raw.unlink()
    picture = demo.folder / "maps.png"
    panels = [
        ("reference", scene.labels),
        ("random forest on pixels", forest),
        ("U-Net", network),
    ]
    plots.class_map_panel(
        [
            ("orthophoto", true_color(scene)),
            *((title, plots.paint(values - 1, classes)) for title, values in panels),
        ],
        classes,
        picture,
    )
    return picture


def true_color(scene: Scene) -> np.ndarray:
    """Red, green and blue (rows, cols, 3) in 0..1, stretched between the 1 and 99 % quantiles."""
    return stretched(np.moveaxis(scene.bands[:3], 0, -1), scene.inside)


def stretched(picture: np.ndarray, inside: np.ndarray | None = None) -> np.ndarray:
    """Digital numbers (rows, cols, 3), or those `inside`, stretched to 0..1."""
    values = picture.astype(float)
    low, high = np.quantile(values if inside is None else values[inside], (0.01, 0.99))
    return np.clip((values - low) / (high - low), 0, 1) ** 0.7


def main() -> int:
    parser = argparse.ArgumentParser(description="Run the main job on the embedded example")
    parser.add_argument("--folder", type=Path, default=Path.home() / "i.dl-demo")
    parser.add_argument("--epochs", type=int, default=8)
    arguments = parser.parse_args()
    start = time.monotonic()
    demo = Demo(arguments.folder.absolute())
    demo.clear()
    print(f"Making the project {demo.folder / PROJECT}...", flush=True)
    scene = make_scene()
    make_in_process(demo, scene)
    cut_patches(demo)
    classify_with_network(demo, arguments.epochs)
    forest = classify_with_forest(demo, scene)
    score(demo)
    picture = draw(demo, scene, forest)
    minutes = (time.monotonic() - start) / 60
    print(f"\nDone in {minutes:.1f} minutes. Look at:")
    pictures = ["accuracy_network.png", "accuracy_forest.png", "model/history.png"]
    for path in (picture, *(demo.folder / name for name in pictures)):
        print(f"  {path}")
    print(f"or open the project: grass {demo.mapset}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
