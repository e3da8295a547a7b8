# SPDX-License-Identifier: GPL-2.0-or-later
"""Heights from imagery: how well a network of values predicts them on held-back blocks.

Two cases: the height above ground of the embedded example (its surface minus its terrain model,
cells of 0.5 m), from red, green, blue and near infrared; and, with --data, the height of the
vegetation at Fort Bragg, North Carolina (lidar of 2012, 225 x 226 cells of 2 m), from the three
colours of NAIP imagery of 2012, of 1 m. Scores count the test patches. Median over the seeds, least
and most.

    python benchmarks/values.py [--data FOLDER] [--epochs 40] [--seeds 3]

FOLDER is the project nc_spm_evolution of the GRASS course on terrain evolution.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(CHECKOUT / "demo"), str(CHECKOUT / "lib")]
from project import GROUP  # noqa: E402
from records import record, spread  # noqa: E402
from run import Demo, make_in_process  # noqa: E402
from scene import make_scene  # noqa: E402

from grassdl.model.folder import load_card  # noqa: E402

FIGURES = ("rmse", "mae", "bias", "r2", "reference_deviation")


def embedded_example(demo: Demo) -> None:
    """Patches of imagery and height above ground, both with cells of 0.5 m."""
    make_in_process(demo, make_scene())
    grass = demo.grass
    grass("g.region", "raster=dsm")
    grass("r.mapcalc", "expression=height = dsm - dtm")
    grass("r.support", "map=height", "units=m")
    grass(
        "i.dl.patches", f"group={GROUP}", "resample=average", "labels=height", "size=64",
        "stride=32", "block_size=64", "split=60,15,25", f"output={demo.dataset}",
    )  # fmt: skip


def fort_bragg(demo: Demo, data: Path) -> None:
    """Patches of NAIP imagery and the height of the vegetation, 0 where there is none."""
    shutil.copytree(data, demo.mapset.parent)
    grass = demo.grass
    grass("g.region", "raster=naip_2012")
    for band, part in (("red", "r"), ("green", "g"), ("blue", "b")):
        grass("r.mapcalc", f"expression=naip_{band} = {part}#naip_2012")
    grass("g.region", "raster=vegetation_2012")
    grass("r.mapcalc", "expression=height = max(0, vegetation_2012 - elevation_2012)")
    grass("r.support", "map=height", "units=m")
    grass(
        "i.dl.patches", "input=naip_red,naip_green,naip_blue", "resample=average",
        "labels=height", "background=0", "size=32", "stride=16", "block_size=32",
        "split=60,15,25", f"output={demo.dataset}",
    )  # fmt: skip


def scores(demo: Demo, epochs: int, seed: int) -> dict[str, float]:
    """Scores on the test patches of a U-Net."""
    demo.grass(
        "i.dl.train", f"input={demo.dataset}", "network=unet", "depth=3", f"epochs={epochs}",
        f"seed={seed}", f"output={demo.model}", "--overwrite",
    )  # fmt: skip
    test = load_card(demo.model).test
    return {key: test[key] for key in FIGURES}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="the project nc_spm_evolution")
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    cases = {"embedded example, height above ground": embedded_example}
    if arguments.data:
        cases["Fort Bragg, height of vegetation"] = lambda demo: fort_bragg(demo, arguments.data)
    for case, prepare in cases.items():
        with tempfile.TemporaryDirectory() as folder:
            demo = Demo(Path(folder) / "demo")
            demo.clear()
            prepare(demo)
            found = [scores(demo, arguments.epochs, one + 1) for one in range(arguments.seeds)]
        told = {"case": case, "epochs": arguments.epochs, "seeds": arguments.seeds}
        record("values", told, **spread(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
