# SPDX-License-Identifier: GPL-2.0-or-later
"""Change between two dates of the embedded example: buildings added, trees felled.

Networks learn change from labels of change, or classify each date, and the two maps are compared.
All have 8 filters, take four bands, are trained on the same blocks, and scored on those that are
held back. Beside them stands what a threshold of the difference between both dates reaches at best.

    python benchmarks/change.py [--epochs 15] [--seeds 1 2 3] [--trials siamese_unet unet]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(CHECKOUT / "demo"), str(CHECKOUT / "lib")]
from later import BUILT, FELLED, changes, make_two_dates  # noqa: E402
from materials import BUILDING, CONIFEROUS, DECIDUOUS  # noqa: E402
from project import GROUP, LATER  # noqa: E402
from records import printed_object, record, spread  # noqa: E402
from run import Demo, make_in_process  # noqa: E402
from scene import OUTSIDE, Scene  # noqa: E402

from grassdl.core.bands import ndsm, ndvi  # noqa: E402

KINDS = {BUILT: "built", FELLED: "felled"}

SPLITS = (
    "splits = eval(block = (int(x() / 32) + 3 * int(y() / 32)) % 7, "
    "if(block < 4, 1, if(block == 4, 2, 3)))"
)
"""Blocks of 32 m for training, validation and test, the same for all datasets."""

TREE = f"({{0}} == {CONIFEROUS} || {{0}} == {DECIDUOUS})"
COMPARED = (
    f"compared = if(before != {BUILDING} && after == {BUILDING}, {BUILT}, "
    f"if({TREE.format('before')} && !{TREE.format('after')}, {FELLED}, 1))"
)
"""Of two maps of classes, the change that labels of change name."""


class Trials:
    """The project of two dates, and what is trained there.

    Args:
        folder: For project, datasets and models.
        epochs: Of each training.
    """

    def __init__(self, folder: Path, epochs: int):
        self._demo, self._epochs = Demo(folder), epochs

    def make_project(self, before: Scene, after: Scene) -> None:
        self._demo.clear()
        make_in_process(self._demo, before, after)
        self._demo.grass("g.region", "raster=change")
        self._demo.grass("r.mapcalc", f"expression={SPLITS}")

    def learnt(self, network: str, seed: int) -> dict[str, float]:
        """Scores of a network that has learnt change."""
        pair = [f"group={GROUP}", f"after={LATER}"]
        self._train([self._cut("change", *pair)], network, seed)
        self._predict("found", *pair)
        return self._score("found")

    def compared(self, dates: int, seed: int) -> dict[str, float]:
        """Scores of two maps of classes, learnt from labels of the first date or of both."""
        groups = {GROUP: "reference", LATER: "later_reference"}
        cut = [self._cut(labels, f"group={group}") for group, labels in groups.items()]
        self._train(cut[:dates], "unet", seed)
        for name, group in zip(("before", "after"), groups, strict=True):
            self._predict(name, f"group={group}")
        self._demo.grass("r.mapcalc", f"expression={COMPARED}", "--overwrite")
        return self._score("compared")

    def _cut(self, labels: str, *imagery: str) -> Path:
        folder = self._demo.folder / labels
        if not folder.exists():
            self._demo.grass(
                "i.dl.patches", *imagery, f"labels={labels}", "size=64", "split_method=map",
                "split_map=splits", f"output={folder}",
            )  # fmt: skip
        return folder

    def _train(self, datasets: list[Path], network: str, seed: int) -> None:
        self._demo.grass(
            "i.dl.train", f"input={','.join(map(str, datasets))}", f"network={network}", "depth=3",
            "filters=8", "batch_size=4", "class_weights=sqrt", f"epochs={self._epochs}",
            f"seed={seed}", f"output={self._demo.model}", "--overwrite",
        )  # fmt: skip

    def _predict(self, name: str, *imagery: str) -> None:
        model = f"model={self._demo.model}"
        self._demo.grass("i.dl.predict", *imagery, model, f"output={name}", "--overwrite")

    def _score(self, name: str) -> dict[str, float]:
        """F1 of each kind of change in the test blocks."""
        tested = f"expression=tested = if(splits == 3, {name}, null())"
        self._demo.grass("r.mapcalc", tested, "--overwrite")
        call = ["i.dl.evaluate", "classification=tested", "reference=change", "format=json"]
        told = self._demo.read(*call)
        found = printed_object(told)["classes"]
        return {KINDS[one["value"]]: one["f1"] or 0.0 for one in found if one["value"] in KINDS}


def best_threshold(difference: np.ndarray, wanted: np.ndarray) -> float:
    """The highest F1 of the cells whose difference is above a threshold, or below one."""
    best = 0.0
    for values in (difference, -difference):
        right = np.cumsum(wanted[np.argsort(-values)])
        best = max(best, (2 * right / (np.arange(1, right.size + 1) + wanted.sum())).max())
    return best


def thresholds(before: Scene, after: Scene) -> None:
    """Record what thresholds reach on the whole scene if the reference chooses them."""
    dates, change = (before, after), changes(before, after)
    heights = [ndsm(one.dsm, one.dtm).repeat(2, axis=0).repeat(2, axis=1) for one in dates]
    greens = [ndvi(*one.bands[[0, 3]].astype(float)) for one in dates]
    for name, (first, second) in (("NDVI", greens), ("height", heights)):
        difference, kinds = (one[change != OUTSIDE] for one in (second - first, change))
        f1 = {label: best_threshold(difference, kinds == kind) for kind, label in KINDS.items()}
        record("change", {"trial": f"difference of {name}"}, **f1)


TRIALS = {
    "siamese_unet": lambda trials, seed: trials.learnt("siamese_unet", seed),
    "unet": lambda trials, seed: trials.learnt("unet", seed),
    "two maps, labels of both dates": lambda trials, seed: trials.compared(2, seed),
    "two maps, labels of the first date": lambda trials, seed: trials.compared(1, seed),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--trials", nargs="+", choices=TRIALS, default=list(TRIALS))
    arguments = parser.parse_args()
    scenes = make_two_dates()
    thresholds(*scenes)
    with tempfile.TemporaryDirectory() as scratch:
        trials = Trials(Path(scratch) / "demo", arguments.epochs)
        trials.make_project(*scenes)
        for name in arguments.trials:
            found = [TRIALS[name](trials, seed) for seed in arguments.seeds]
            configuration = {"trial": name, "epochs": arguments.epochs, "seeds": len(found)}
            record("change", configuration, **spread(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
