# SPDX-License-Identifier: GPL-2.0-or-later
"""Segments by a network of patches and by a network of cells, on the same ground.

In the embedded example `i.segment` makes segments, and blocks of 128 cells are for training,
validation or test. A U-Net learns the classes of all cells of the training blocks; a segment then
has the class of its highest mean probability, or that of most of its cells. A `patch_cnn` learns
the class of patches around the segments' centres there, and gives each segment the class of the
patch at its centre (Zhang et al. 2018). All maps are scored on the cells of the test blocks, of
which neither network saw a label; so is the class that most cells of each segment have in the
reference, which no class by segment can surpass. Median over the seeds, least and most.

    python benchmarks/patch_classes.py [--epochs 12] [--patch-epochs 20] [--sizes 32] [--seeds 3]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(CHECKOUT / "demo"), str(CHECKOUT / "lib")]
from project import GROUP  # noqa: E402
from records import printed_object, record, spread  # noqa: E402
from run import Demo, make_in_process  # noqa: E402
from scene import make_scene  # noqa: E402

IMAGERY = (f"group={GROUP}", "dsm=dsm", "dtm=dtm")

SPLIT = (
    "block = (int((row() - 1) / 128) * 3 + int((col() - 1) / 128)) % 8, "
    "if(block <= 1, 3, if(block == 2, 2, 1))"
)
"""Of eight blocks two are for test, one is for validation; in every row and column of blocks."""

BY_SPLIT = ("split_method=map", "split_map=split")

FIGURES = ("overall_accuracy", "kappa", "f1_macro", "mean_iou")


def prepare(demo: Demo, sizes: list[int]) -> None:
    """Segments with their classes, the splits, and the datasets of cells and of patches."""
    grass = demo.grass
    grass("g.region", f"raster={GROUP}.red")
    grass("r.mapcalc", f"expression=split = eval({SPLIT})")
    grass("r.mapcalc", "expression=held_back = if(split == 3, reference, null())")
    colors = ",".join(f"{GROUP}.{name}" for name in ("red", "green", "blue"))
    grass("i.segment", f"group={colors}", "output=segments", "threshold=0.05", "minsize=50")
    grass("r.mode", "base=segments", "cover=reference", "output=majority")
    table = demo.folder / "classes.csv"
    pairs = demo.read("r.stats", "-n", "input=segments,majority", "separator=pipe").split()
    table.write_text("\n".join(["cat|class", *pairs]) + "\n")
    grass(
        "i.dl.patches", *IMAGERY, "labels=reference", "size=64", "stride=32", *BY_SPLIT,
        f"output={demo.dataset}",
    )  # fmt: skip
    for size in sizes:
        grass(
            "i.dl.patches", *IMAGERY, "segments=segments", f"segment_classes={table}",
            "target=patch", "sampling=objects", "negatives=0", f"size={size}", *BY_SPLIT,
            f"output={demo.folder / f'patches_{size}'}",
        )  # fmt: skip


def score(demo: Demo, name: str) -> dict[str, float]:
    """The scores of a map in the test blocks."""
    told = demo.read(
        "i.dl.evaluate", f"classification={name}", "reference=held_back", "format=json"
    )
    found = printed_object(told)
    return {key: found[key] for key in FIGURES}


def train(demo: Demo, dataset: Path, seed: int, *words: str) -> None:
    """Train a network."""
    demo.grass(
        "i.dl.train", f"input={dataset}", f"output={demo.model}", f"seed={seed}", *words,
        "--overwrite",
    )  # fmt: skip


def by_cells(demo: Demo, epochs: int, seed: int) -> dict[str, dict[str, float]]:
    """The scores of a U-Net: of cells, and of segments by both rules."""
    train(demo, demo.dataset, seed, "network=unet", "depth=3", f"epochs={epochs}")
    predict = ("i.dl.predict", f"model={demo.model}", "segments=segments", "--overwrite")
    demo.grass(*predict, *IMAGERY, "output=cells", "probabilities=p", "segment_output=by_mean")
    demo.grass(*predict, "probabilities=p", "segment_method=majority", "segment_output=by_majority")
    names = {
        "U-Net, cells": "cells",
        "U-Net, mean probability": "by_mean",
        "U-Net, majority": "by_majority",
    }
    return {title: score(demo, name) for title, name in names.items()}


def by_patches(demo: Demo, size: int, epochs: int, seed: int) -> dict[str, float]:
    """The scores of the class of the patch at the centre of each segment."""
    dataset = demo.folder / f"patches_{size}"
    train(demo, dataset, seed, "network=patch_cnn", f"epochs={epochs}")
    demo.grass(
        "i.dl.predict", *IMAGERY, f"model={demo.model}", "segments=segments", "output=by_patch",
        "--overwrite",
    )  # fmt: skip
    return score(demo, "by_patch")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=12, help="of the U-Net")
    parser.add_argument("--patch-epochs", type=int, default=20, help="of patch_cnn")
    parser.add_argument("--sizes", default="32", help="edges of patch_cnn's patches in cells")
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    sizes = [int(one) for one in arguments.sizes.split(",")]
    found: dict[str, list[dict[str, float]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        demo = Demo(Path(folder) / "demo")
        demo.clear()
        make_in_process(demo, make_scene())
        prepare(demo, sizes)
        highest = spread([score(demo, "majority")])
        for seed in range(1, arguments.seeds + 1):
            scores = by_cells(demo, arguments.epochs, seed)
            for size in sizes:
                title = f"patch_cnn, patches of {size} x {size} cells"
                scores[title] = by_patches(demo, size, arguments.patch_epochs, seed)
            for title, one in scores.items():
                found.setdefault(title, []).append(one)
    told = {"way": "reference, majority", "epochs": 0, "seeds": arguments.seeds}
    record("patch_classes", told, **highest)
    for title, results in found.items():
        epochs = arguments.patch_epochs if title.startswith("patch_cnn") else arguments.epochs
        record(
            "patch_classes",
            {"way": title, "epochs": epochs, "seeds": arguments.seeds},
            **spread(results),
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
