# SPDX-License-Identifier: GPL-2.0-or-later
"""The contribution of height and NDVI: the embedded example, trained with and without them.

The patches are cut once; `bands=` of i.dl.train leaves out what is not wanted. Scores count the
test patches, which no training patch touches.

    python benchmarks/bands.py [--epochs 25] [--seeds 1]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from statistics import mean

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(CHECKOUT / "demo"), str(CHECKOUT / "lib")]
from records import record  # noqa: E402
from run import Demo, cut_patches, make_in_process  # noqa: E402
from scene import make_scene  # noqa: E402

from grassdl.model.folder import load_card  # noqa: E402

SPECTRAL = ("red", "green", "blue", "nir")
TRIALS = {
    "four bands, nDSM, NDVI": (*SPECTRAL, "ndsm", "ndvi"),
    "four bands, nDSM": (*SPECTRAL, "ndsm"),
    "four bands, NDVI": (*SPECTRAL, "ndvi"),
    "four bands": SPECTRAL,
}
FIGURES = ("overall_accuracy", "kappa", "f1_macro", "mean_iou")


def scores(demo: Demo, bands: tuple[str, ...], epochs: int, seed: int) -> dict:
    """Scores on the test patches of a network that was trained on some bands."""
    model = demo.folder / "trial"
    demo.grass(
        "i.dl.train",
        f"input={demo.dataset}",
        f"bands={','.join(bands)}",
        "network=unet",
        "depth=3",
        f"epochs={epochs}",
        f"seed={seed}",
        f"output={model}",
        "--overwrite",
    )
    return load_card(model).test


def means(results: list[dict]) -> dict:
    """The figures, and the F1 of each class, as means over the seeds."""
    labels = [one["label"] for one in results[0]["classes"]]
    by_class = zip(*[[one["f1"] for one in each["classes"]] for each in results], strict=True)
    return {
        **{key: mean(one[key] for one in results) for key in FIGURES},
        "f1": {label: mean(found) for label, found in zip(labels, by_class, strict=True)},
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=25)
    parser.add_argument("--seeds", type=int, default=1, help="trainings of each kind")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        demo = Demo(Path(folder) / "demo")
        demo.clear()
        make_in_process(demo, make_scene())
        cut_patches(demo)
        for name, bands in TRIALS.items():
            results = [
                scores(demo, bands, arguments.epochs, seed + 1) for seed in range(arguments.seeds)
            ]
            trial = {"bands": name, "epochs": arguments.epochs, "seeds": arguments.seeds}
            record("bands", trial, **means(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
