# SPDX-License-Identifier: GPL-2.0-or-later
"""What suggested squares are worth: labels by i.dl.review against as many random squares.

In the embedded example, squares of 64 cells in a tenth of the west are labelled at random, and a
U-Net is trained on them. In each of three rounds further squares are labelled: those that
i.dl.review suggests with the network of the round before, or random ones. After each round a new
network is trained and scored on the east, of which nothing is ever labelled. Both ways begin with
the same network. Mean over the seeds, and the least and most of the difference.

    python benchmarks/review.py [--rounds 3] [--squares 6] [--epochs 30] [--seeds 3] [--keep FILE]

With `--keep` the scores of each seed are kept in a file, from which a run that ended early, or one
of more seeds, continues.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from statistics import mean

import numpy as np

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(CHECKOUT / "demo"), str(CHECKOUT / "lib")]
from project import GROUP  # noqa: E402
from records import printed_object, record  # noqa: E402
from run import Demo, make_in_process  # noqa: E402
from scene import OUTSIDE, Scene, make_scene  # noqa: E402

SIZE = 64
"""Edge of a square in cells."""

FILTERS = 8
"""Of the U-Net: a small one, since 21 of them are trained."""

BATCH = 4
"""Patches of a step: of few patches, larger batches would leave few steps."""

DOWN, ACROSS = 16, 12
"""Squares of the west, three quarters of the scene."""

FIRST_SHARE = 0.1
"""Of the squares of the west that are labelled at the start."""

LEAST_LABELLED = 0.5
"""Share of a square that has labels: others give no patch."""

IMAGERY = (f"group={GROUP}", "dsm=dsm", "dtm=dtm")
FIGURES = ("overall_accuracy", "f1_macro", "mean_iou")

Square = tuple[int, int]


class Labelling:
    """Squares that are labelled, and the network that is trained on them.

    Args:
        demo: The project.
        name: Name of the dataset, the model and the maps.
        epochs: Of each training.
        seed: Of each training and of the grouping.
    """

    def __init__(self, demo: Demo, name: str, epochs: int, seed: int):
        self.demo, self.name, self.epochs, self.seed = demo, name, epochs, seed
        self.dataset, self.model = (demo.folder / f"{name}_{what}" for what in ("data", "model"))

    def region(self, east: bool) -> None:
        """Set the region to the east or to the west of the scene."""
        self.demo.grass("g.region", f"raster={GROUP}.red")
        edge = "w=e-64" if east else "e=e-64"
        self.demo.grass("g.region", edge)

    def learn(self, squares: set[Square]) -> dict:
        """Train on some squares; the scores in the east."""
        self.region(east=False)
        table = np.zeros((DOWN, ACROSS), int)
        table[tuple(np.array(sorted(squares)).T)] = 1
        lines = [" ".join(map(str, row)) for row in table.tolist()]
        told = dict(line.split("=") for line in self.demo.read("g.region", "-g").split())
        head = [f"{edge}: {told[edge[0]]}" for edge in ("north", "south", "east", "west")]
        head += [f"rows: {DOWN}", f"cols: {ACROSS}"]
        path = self.demo.folder / "squares.txt"
        path.write_text("\n".join([*head, *lines]) + "\n")
        grass = self.demo.grass
        grass("r.in.ascii", f"input={path}", "output=labelled", "--overwrite")
        rule = "labels = if(labelled == 1, reference, null())"
        grass("r.mapcalc", f"expression={rule}", "--overwrite")
        grass(
            "i.dl.patches", *IMAGERY, "labels=labels", f"size={SIZE}", "split_method=none",
            f"min_labelled={100 * LEAST_LABELLED:g}", f"output={self.dataset}", "--overwrite",
        )  # fmt: skip
        grass(
            "i.dl.train", f"input={self.dataset}", "network=unet", "depth=3", f"filters={FILTERS}",
            f"epochs={self.epochs}", f"batch_size={BATCH}", f"seed={self.seed}",
            f"output={self.model}", "--overwrite",
        )  # fmt: skip
        self.region(east=True)
        grass("i.dl.predict", *IMAGERY, f"model={self.model}", "output=classes", "--overwrite")
        told = self.demo.read(
            "i.dl.evaluate", "classification=classes", "reference=reference", "format=json"
        )
        return printed_object(told)

    def suggested(self, number: int) -> set[Square]:
        """The squares that i.dl.review suggests with the network as it is."""
        self.region(east=False)
        self.demo.grass(
            "i.dl.review", *IMAGERY, f"model={self.model}", f"dataset={self.dataset}",
            f"size={SIZE}", f"npatches={number}", f"seed={self.seed}", "suggestions=next_squares",
            "--overwrite",
        )  # fmt: skip
        told = dict(line.split("=") for line in self.demo.read("g.region", "-g").split())
        edge = SIZE * float(told["nsres"])
        centres = self.demo.read("v.out.ascii", "input=next_squares", "type=centroid").split()
        places = [tuple(map(float, line.split("|")[:2])) for line in centres]
        return {
            (int((float(told["n"]) - y) // edge), int((x - float(told["w"])) // edge))
            for x, y in places
        }


def one_seed(
    demo: Demo, labelled: list[Square], seed: int, arguments: argparse.Namespace
) -> dict[str, list[dict]]:
    """The scores of both ways, at the start and after each round.

    Args:
        demo: The project.
        labelled: The squares of the west that can be labelled.
        seed: Of the random squares and the trainings.
        arguments: Of the command.
    """
    order = [labelled[one] for one in np.random.default_rng(seed).permutation(len(labelled))]
    first = set(order[: round(FIRST_SHARE * len(order))])
    start = Labelling(demo, "start", arguments.epochs, seed)
    at_start = start.learn(first)
    scores = {}
    for way in ("suggested", "random"):
        labelling, squares, scores[way] = start, set(first), [at_start]
        for _ in range(arguments.rounds):
            if way == "suggested":
                squares |= labelling.suggested(arguments.squares)
            else:
                left = [one for one in order if one not in squares]
                squares |= set(left[: arguments.squares])
            labelling = Labelling(demo, way, arguments.epochs, seed)
            scores[way].append(labelling.learn(squares))
        print(f"seed {seed}, {way}:", [round(one["f1_macro"], 3) for one in scores[way]])
    return scores


def squares_with_labels(scene: Scene) -> list[Square]:
    """The squares of the west of which half is labelled at least, as i.dl.review has them."""
    west = scene.labels[: DOWN * SIZE, : ACROSS * SIZE] != OUTSIDE
    shares = west.reshape(DOWN, SIZE, ACROSS, SIZE).mean(axis=(1, 3))
    return [(int(row), int(col)) for row, col in np.argwhere(shares >= LEAST_LABELLED)]


def kept(file: Path | None) -> list[dict[str, list[dict]]]:
    """The scores of the seeds that an earlier run kept."""
    return json.loads(file.read_text()) if file and file.exists() else []


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--squares", type=int, default=6, help="squares labelled in each round")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--keep", type=Path, help="file for the scores of the seeds that are done")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        demo = Demo(Path(folder) / "demo")
        demo.clear()
        scene = make_scene()
        make_in_process(demo, scene)
        labelled = squares_with_labels(scene)
        seeds = kept(arguments.keep)
        for seed in range(len(seeds) + 1, arguments.seeds + 1):
            seeds.append(one_seed(demo, labelled, seed, arguments))
            if arguments.keep:
                arguments.keep.write_text(json.dumps(seeds))
    configuration = {key: one for key, one in vars(arguments).items() if key != "keep"}
    for number in range(arguments.rounds + 1):
        at_start = round(FIRST_SHARE * len(labelled))
        figures = {"labelled": at_start + number * arguments.squares}
        for key in FIGURES:
            suggested, at_random = (
                [one[way][number][key] for one in seeds] for way in ("suggested", "random")
            )
            gains = [a - b for a, b in zip(suggested, at_random, strict=True)]
            figures |= {f"{key}_suggested": mean(suggested), f"{key}_random": mean(at_random)}
            figures |= {f"{key}_gain_least": min(gains), f"{key}_gain_most": max(gains)}
        record("review", {**configuration, "round": number}, **figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
