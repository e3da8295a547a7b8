# SPDX-License-Identifier: GPL-2.0-or-later
"""Memory of i.dl.predict on ever higher regions, beside that of its bare network on one tile.

Peak memory of the whole process is to depend on the tile and the region's width, never on its
height, and to stay below the larger of `memory` and 1 GB plus what the network itself needs. That
is measured in a process of its own, in the same engine: how much the peak grows when a loaded
network, tried on a small window, computes one window of the size that i.dl.predict chose.

    python benchmarks/prediction_memory.py [--rows 10000,30000,60000] [--cols 1000] [--memory 300]
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from patches import GRASS, in_session
from records import record

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lib"))

BANDS = 5
CLASSES = 7
FILTERS, DEPTH = 8, 3
STRIDE = 2**DEPTH

MODEL = f"""
import sys
from pathlib import Path
from grassdl.runtime import keras_backend
keras_backend.prepare()
from grassdl.core.bands import Band
from grassdl.core.classes import ClassScheme, MapClass
from grassdl.model.card import ModelCard
from grassdl.model.folder import load_card, save_card
from grassdl.model.weights import save_network
from grassdl.networks import registry
from grassdl.networks.analysis.receptive_field import reach

names = [f"band{{place}}" for place in range({BANDS})]
mean, deviation = [3000.0] * {BANDS}, [1500.0] * {BANDS}
options = dict(filters={FILTERS}, depth={DEPTH})
network = registry.build(
    "unet", 64, {BANDS}, {CLASSES}, mean=mean, deviation=deviation, **options
)
extent = reach(network)
folder = Path(sys.argv[1])
folder.mkdir()
save_card(ModelCard(
    name="benchmark", network="unet", network_options=options,
    bands=[Band(one, False, {{"map": one}}, None, 1.0, "nearest", "", "uint16") for one in names],
    mean=mean, deviation=deviation,
    target=ClassScheme([MapClass(n, f"class {{n}}", "0:0:0") for n in range({CLASSES})]),
    resolution=(1.0, 1.0), size=64, parameters=network.count_params(), stride=extent.stride,
    halo=extent.halo, receptive_field=extent.receptive_field, training={{}}, dataset_ids=[],
    versions={{}}, test=None, command="benchmark",
), folder)
save_network(network, folder)
"""

BARE = """
import resource, sys
import numpy as np
from grassdl.model.card import ModelCard
from grassdl.model.folder import load_card, save_card
from grassdl.predict.engines.selection import load_engine
from grassdl.predict.settings import Settings

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

folder, rows, cols = sys.argv[1], *map(int, sys.argv[2:])
card = load_card(folder)
settings = Settings(folder, "exact", 1, card.stride, card.halo, None, False, 0, 0, False)
engine = load_engine(card, settings, lambda line: None).engine
for edge in (64, 256):
    engine(np.zeros((edge, edge, len(card.bands)), np.float32))
before = peak()
engine(np.ones((rows, cols, len(card.bands)), np.float32))
print(peak() - before)
"""


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    given.add_argument("--rows", default="10000,30000,60000", help="heights of the regions")
    given.add_argument("--cols", type=int, default=1000, help="their width")
    given.add_argument("--memory", type=int, default=300, help="the option memory, in MB")
    options = given.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        model = Path(scratch) / "model"
        in_library(MODEL, model)
        for rows in (int(number) for number in options.rows.split(",")):
            with tempfile.TemporaryDirectory() as place:
                mapset = make_project(Path(place), rows, options.cols)
                measured = {"rows": rows, "cols": options.cols, "memory": options.memory}
                record("prediction_memory", measured, **measure(mapset, model, **measured))


def measure(mapset: Path, model: Path, rows: int, cols: int, memory: int) -> dict:
    """The peak of the module on one region, and its bound."""
    inputs = ",".join(f"band{place}" for place in range(BANDS))
    peak = in_session(
        mapset, "i.dl.predict", f"input={inputs}", f"model={model}", "output=classes",
        f"memory={memory}",
    )  # fmt: skip
    height, width = window_of(mapset, rows, cols)
    bare = float(in_library(BARE, model, str(height), str(width))) / 1e6
    bound = max(memory / 1e3, 1 + bare)
    return {
        "window": f"{height} x {width}",
        "peak_gb": peak,
        "bare_gb": bare,
        "bound_gb": bound,
        "kept": "yes" if peak < bound else "NO",
    }


def window_of(mapset: Path, rows: int, cols: int) -> tuple[int, int]:
    """Rows and columns of the largest window, halo included, by the map's history."""
    call = [GRASS, mapset, "--exec", "r.info", "-e", "map=classes"]
    told = subprocess.run(call, capture_output=True, text=True, check=True).stdout
    height, width, halo = map(
        int, re.search(r"tiles of (\d+) x (\d+) cells, halo (\d+)", told).groups()
    )
    return tuple(
        min(core + 2 * halo, -(-length // STRIDE) * STRIDE)
        for core, length in ((height, rows), (width, cols))
    )


def in_library(program: str, *words: str | Path) -> str:
    """What a program prints that uses the library without GRASS."""
    environment = {**os.environ, "PYTHONPATH": sys.path[0], "TF_CPP_MIN_LOG_LEVEL": "3"}
    call = [sys.executable, "-c", program, *words]
    return subprocess.run(
        call, env=environment, check=True, stdout=subprocess.PIPE, text=True
    ).stdout


def make_project(scratch: Path, rows: int, cols: int) -> Path:
    """A project of five bands of 16 bit."""
    project = scratch / "project"
    subprocess.run([GRASS, "-c", "EPSG:32631", "-e", str(project)], check=True, capture_output=True)
    mapset = project / "PERMANENT"
    in_session(mapset, "g.region", f"n={rows}", "s=0", "w=0", f"e={cols}", "res=1")
    for place in range(BANDS):
        values = f"500 + (row() * {7 + place} + col() * {13 - place}) % 5500"
        in_session(mapset, "r.mapcalc", f"expression=band{place} = {values}")
    return mapset


if __name__ == "__main__":
    main()
