# SPDX-License-Identifier: GPL-2.0-or-later
"""What LinkNet gains by learning from an ensemble of U-Nets.

The embedded example, without height and NDVI. Three U-Nets become a teacher; LinkNet is trained
from the labels alone and with the teacher beside them, with several seeds. Scores count the test
patches; the time is that of classifying the whole example in Keras.

    python benchmarks/distillation.py [--epochs 25] [--seeds 3]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(CHECKOUT / "demo"), str(CHECKOUT / "lib")]
from project import GROUP  # noqa: E402
from records import printed_object, processor_s, record, spread  # noqa: E402
from run import Demo, cut_patches, make_in_process  # noqa: E402
from scene import make_scene  # noqa: E402

BANDS = ("red", "green", "blue", "nir")
FIGURES = ("overall_accuracy", "kappa", "f1_macro", "mean_iou")


class Trials:
    """Models of a demo's dataset, and their figures."""

    def __init__(self, demo: Demo, epochs: int):
        self.demo, self.epochs = demo, epochs

    def train(self, name: str, *words: str) -> Path:
        """The folder of a model."""
        model = self.demo.folder / name
        self.demo.grass(
            "i.dl.train",
            f"input={self.demo.dataset}",
            f"bands={','.join(BANDS)}",
            f"epochs={self.epochs}",
            f"output={model}",
            *words,
        )
        return model

    def figures(self, model: Path | str) -> dict[str, float]:
        """Scores of the test patches, and processor time of a map."""
        call = ("i.dl.evaluate", f"model={model}", f"dataset={self.demo.dataset}", "format=json")
        told = self.demo.read(*call)
        scores = printed_object(told)
        imagery = ",".join(f"{GROUP}.{band}" for band in BANDS)
        begin = processor_s()
        self.demo.grass(
            "i.dl.predict",
            f"input={imagery}",
            f"model={model}",
            "output=trial",
            "engine=keras",
            "--overwrite",
        )
        return {**{name: scores[name] for name in FIGURES}, "map_cpu_s": processor_s() - begin}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=25)
    parser.add_argument("--seeds", type=int, default=3, help="members, and LinkNets of each kind")
    arguments = parser.parse_args()
    seeds = range(1, arguments.seeds + 1)
    with tempfile.TemporaryDirectory() as folder:
        demo = Demo(Path(folder) / "demo")
        demo.clear()
        make_in_process(demo, make_scene())
        cut_patches(demo)
        trials = Trials(demo, arguments.epochs)
        teachers = [trials.train(f"unet{seed}", "depth=3", f"seed={seed}") for seed in seeds]
        teacher = ",".join(map(str, teachers))
        ways = {
            "U-Net": teachers,
            "LinkNet": [
                trials.train(f"linknet{seed}", "network=linknet", f"seed={seed}") for seed in seeds
            ],
            "LinkNet, taught": [
                trials.train(
                    f"taught{seed}", "network=linknet", f"seed={seed}", f"teacher={teacher}"
                )
                for seed in seeds
            ],
            "the teacher": [teacher],
        }
        for name, models in ways.items():
            asked = {"model": name, "epochs": arguments.epochs, "seeds": arguments.seeds}
            record("distillation", asked, **spread([trials.figures(one) for one in models]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
