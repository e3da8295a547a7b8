# SPDX-License-Identifier: GPL-2.0-or-later
"""i.dl.predict against the bare network, and against a plain sliding-window script.

All run on the same made-up maps, five bands with 8 % NULL, and the same network with random
weights, in turn.

The bare network computes a window of the module's tile and halo again and again, in the module's
engine: what counts is the rate of the module, start to end, maps in, maps out, as a share of it, in
pixels computed (halo included) and in pixels of the map. A rate is the median of the runs, that of
the bare network first the median of its windows, and a ratio the median of those of each run. The
start of GRASS, Python and the network is measured once on a small corner and told beside, since it
does not grow with the map. The module chooses its tiles from `memory`, unless they are given.

The script is written as people write it: all bands as one array, windows that overlap by half,
Keras' `predict`, probabilities added up in an array of the whole scene.

    python benchmarks/prediction.py [--rows 6000] [--cols 6000] [--network unet:filters=32]
        [--engine openvino] [--memory 2000] [--tile 512] [--precisions float32,bfloat16]
        [--rounds 3] [--no-script]
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from records import record

GRASS = os.environ.get("GRASS", "grass")
LIBRARY = Path(__file__).resolve().parent.parent / "lib"
BANDS, CLASSES = 5, 7
MEAN, DEVIATION = 3000.0, 1200.0
NULL_SHARE = 0.08
SCRIPT_WINDOW = 512
"""Edge in cells of the plain script's windows."""
CORNER = 256
"""Edge in cells of the region on which the start is measured."""
FIELD = 80
"""Edge in cells of the fields that the made-up land consists of."""

CONFIGURATION = ("network", "engine", "memory", "tile", "rows", "cols")
"""Options that describe what was measured, the precision beside them."""

MODEL = """
import ast, sys
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

name, options, bands, classes, mean, deviation, folder = sys.argv[1:]
bands, classes, folder = int(bands), int(classes), Path(folder)
options = ast.literal_eval(options)
means, deviations = [float(mean)] * bands, [float(deviation)] * bands
network = registry.build(name, 64, bands, classes, mean=means, deviation=deviations, **options)
extent = reach(network)
folder.mkdir()
save_card(ModelCard(
    name="benchmark", network=name, network_options=options,
    bands=[
        Band(f"band{i}", False, {"map": f"band{i}@PERMANENT"}, None, 1.0, "nearest", "", "uint16")
        for i in range(bands)
    ],
    mean=means, deviation=deviations,
    target=ClassScheme([MapClass(i, f"class {i}", f"{9 * i}:9:9") for i in range(1, classes + 1)]),
    resolution=(1.0, 1.0), size=64, parameters=network.count_params(), stride=extent.stride,
    halo=extent.halo, receptive_field=extent.receptive_field, training={}, dataset_ids=["0" * 16],
    versions={}, test=None, command="",
), folder)
save_network(network, folder)
print(extent.halo or 0, extent.stride)
"""

BARE = """
import sys, time
import numpy as np
from grassdl.core.readers import by_layers
from grassdl.model.card import ModelCard
from grassdl.model.folder import load_card, save_card
from grassdl.predict.engines.selection import load_engine
from grassdl.predict.settings import Settings

folder, engine, precision, rows, cols, mean, deviation = sys.argv[1:]
card = load_card(folder)
settings = Settings(
    folder, "exact", 1, card.stride, card.halo or 0, None, False, 0, 0, False, engine, precision
)
engine = load_engine(card, settings, lambda line: None).engine
shape = (int(rows), int(cols), len(card.bands))
values = np.random.default_rng(0).normal(float(mean), float(deviation), shape)
# As the module has its windows, or else the engine brings them into that order each time.
window = by_layers(values.astype(np.float32))
engine(window)
begin, seconds = time.perf_counter(), []
while time.perf_counter() - begin < 10 or len(seconds) < 5:
    before = time.perf_counter()
    engine(window)
    seconds.append(time.perf_counter() - before)
print(shape[0] * shape[1] / np.median(seconds))
"""

SCRIPT = """
import sys
import numpy as np
from grass.pygrass.raster import raster2numpy, numpy2raster
from grassdl.runtime import keras_backend
keras_backend.prepare()
import keras
from grassdl.model.folder import load_card, save_card
from grassdl.model.weights import load_network

folder, edge, classes, *names = sys.argv[1:]
edge, classes = int(edge), int(classes)
network = load_network(folder)
image = np.dstack([raster2numpy(name) for name in names])
null = (image == np.iinfo(np.int32).min).any(axis=-1)
image = np.where(null[..., None], 0, image).astype(np.float32)
rows, cols = null.shape
pad = [(0, -(-length // (edge // 2)) * (edge // 2) + edge // 2 - length) for length in (rows, cols)]
image = np.pad(image, [*pad, (0, 0)], mode="reflect")
total = np.zeros((*image.shape[:2], classes), np.float32)
count = np.zeros((*image.shape[:2], 1), np.float32)
for row in range(0, image.shape[0] - edge + 1, edge // 2):
    for col in range(0, image.shape[1] - edge + 1, edge // 2):
        window = image[None, row : row + edge, col : col + edge]
        total[row : row + edge, col : col + edge] += network.predict(window, verbose=0)[0]
        count[row : row + edge, col : col + edge] += 1
found = (total / count).argmax(axis=-1)[:rows, :cols].astype(np.int32) + 1
found[null] = np.iinfo(np.int32).min
numpy2raster(found, "CELL", "by_script", overwrite=True)
"""


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    given.add_argument("--rows", type=int, default=6000)
    given.add_argument("--cols", type=int, default=6000)
    given.add_argument("--network", default="unet:filters=32", help="NAME:option=value,...")
    given.add_argument("--engine", default="auto")
    given.add_argument("--precisions", default="float32,bfloat16")
    given.add_argument("--memory", type=int, default=2000, help="the option memory, in MB")
    given.add_argument("--tile", type=int, help="edge of a tile in cells; else by memory")
    given.add_argument("--rounds", type=int, default=3, help="runs of each, of which the median")
    given.add_argument("--no-script", action="store_true", help="leave out the plain script")
    options = given.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        Benchmark(Path(scratch), options).run()


class Benchmark:
    """A project with its maps and a model, and what is run on them."""

    def __init__(self, scratch: Path, options: argparse.Namespace):
        self.options = options
        self.pixels = options.rows * options.cols
        self.names = [f"band{place}" for place in range(BANDS)]
        self.mapset = make_project(scratch, options.rows, options.cols)
        self.model = scratch / "model"
        name, _, more = options.network.partition(":")
        pairs = [one.split("=") for one in more.split(",") if one]
        told = python(
            MODEL, name, repr({key: int(value) for key, value in pairs}), BANDS, CLASSES, MEAN,
            DEVIATION, self.model,
        )  # fmt: skip
        self.stride = int(told.split()[-1])

    def run(self) -> None:
        """Record what is measured in each precision."""
        plain = None if self.options.no_script else self.script()
        of = {key: getattr(self.options, key) for key in CONFIGURATION}
        for precision in self.options.precisions.split(","):
            record("prediction", {**of, "precision": precision}, **self.measure(precision, plain))

    def measure(self, precision: str, plain: float | None) -> dict:
        """Rates in Mpixel/s, and their ratios; the plain script's rate is None where not run."""
        words = [
            f"engine={self.options.engine}",
            f"precision={precision}",
            f"memory={self.options.memory}",
            *([f"tile_size={self.options.tile}"] if self.options.tile else []),
        ]
        # The first run converts the network.
        self.predict(*words, corner=True)
        start, _ = self.predict(*words, corner=True)
        window, overhead = self.tiling(self.predict(*words)[1])
        # In turn, since a machine is not always as fast: each run has the bare network before and
        # after it, and is compared with the mean of both.
        bares, runs = [self.bare(precision, window)], []
        for _ in range(self.options.rounds):
            runs.append(self.predict(*words)[0])
            bares.append(self.bare(precision, window))
        beside = (np.array(bares[:-1]) + bares[1:]) / 2
        seconds = np.array(runs)
        on_map = self.pixels / seconds
        computed = on_map * overhead
        # The start is not the map's, but for the corner, which is little.
        steady = computed * seconds / np.maximum(seconds - start, 1e-9)
        ratio, of_steady, of_map = np.median([computed, steady, on_map] / beside, axis=1)
        return {
            "window_rows": window[0],
            "window_cols": window[1],
            "overhead": overhead,
            "bare_mpx_s": np.median(bares) / 1e6,
            "computed_mpx_s": np.median(computed) / 1e6,
            "ratio": ratio,
            "ratio_without_start": of_steady,
            "map_mpx_s": np.median(on_map) / 1e6,
            "map_ratio": of_map,
            "seconds": np.median(seconds),
            "start_s": start,
            "script_mpx_s": self.pixels / plain / 1e6 if plain else None,
            "script_ratio": plain / np.median(seconds) if plain else None,
        }

    def tiling(self, told: str) -> tuple[tuple[int, int], float]:
        """Rows and columns of a window, and the pixels computed by pixel of the map, as the module
        told them."""
        found = re.search(
            r"tiles of (\d+) x (\d+) cells with a halo of (\d+) cells \(.*?\): ([\d.]+) cells",
            " ".join(told.split()),
        )
        height, width, halo, overhead = found.groups()
        window = [
            min(int(core) + 2 * int(halo), -(-length // self.stride) * self.stride)
            for core, length in zip(
                (height, width), (self.options.rows, self.options.cols), strict=True
            )
        ]
        return tuple(window), float(overhead)

    def predict(self, *words: str, corner: bool = False) -> tuple[float, str]:
        """Wall-clock time of the module, on the whole or on its north-western corner, and what it
        told."""
        part = (
            [f"n={self.options.rows}", f"s={self.options.rows - CORNER}", "w=0", f"e={CORNER}"]
            if corner
            else ["raster=band0"]
        )
        in_session(self.mapset, "g.region", *part)
        begin = time.perf_counter()
        told = in_session(
            self.mapset, "i.dl.predict", f"input={','.join(self.names)}", f"model={self.model}",
            "output=by_module", "--overwrite", *words,
        )  # fmt: skip
        return time.perf_counter() - begin, told

    def bare(self, precision: str, window: tuple[int, int]) -> float:
        """Pixels by second of the network on windows of one size."""
        told = python(BARE, self.model, self.options.engine, precision, *window, MEAN, DEVIATION)
        return float(told.split()[-1])

    def script(self) -> float:
        """Wall-clock time of the plain script, on windows of the usual size."""
        in_session(self.mapset, "g.region", "raster=band0")
        file = self.model.parent / "script.py"
        file.write_text(SCRIPT)
        even = SCRIPT_WINDOW // (2 * self.stride) * 2 * self.stride
        begin = time.perf_counter()
        in_session(self.mapset, sys.executable, file, self.model, even, CLASSES, *self.names)
        return time.perf_counter() - begin


def environment() -> dict[str, str]:
    """This one, with the library of this checkout."""
    paths = [str(LIBRARY), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


def python(program: str, *words: object) -> str:
    """What a program prints."""
    call = [sys.executable, "-c", program, *map(str, words)]
    return checked(call).stdout


def in_session(mapset: Path, *words: object) -> str:
    """Run a command in a GRASS session; returns its standard error."""
    return checked([GRASS, mapset, "--exec", *map(str, words)]).stderr


def checked(call: list) -> subprocess.CompletedProcess:
    """Run a command, which must end well."""
    done = subprocess.run(call, capture_output=True, text=True, env=environment())
    if done.returncode:
        raise RuntimeError(f"{call[:4]} failed: {done.stderr}")
    return done


def make_project(scratch: Path, rows: int, cols: int) -> Path:
    """A project of fields with sensor noise; a slanted gap in the first band is NULL."""
    project = scratch / "project"
    checked([GRASS, "-c", "EPSG:32631", "-e", project])
    mapset = project / "PERMANENT"
    rng = np.random.default_rng(0)
    for place in range(BANDS):
        fields = rng.integers(500, 6000, (-(-rows // FIELD), -(-cols // FIELD)), dtype=np.int32)
        values = fields[np.arange(rows)[:, None] // FIELD, np.arange(cols) // FIELD]
        values += rng.integers(-60, 60, values.shape, dtype=np.int32)
        if place == 0:
            # A slanted gap, as between flight strips: no window lies within it, so that all of
            # them are computed.
            along = np.arange(rows)[:, None] / rows + np.arange(cols) / cols
            gap = np.abs(along - 1) < 1 - np.sqrt(1 - NULL_SHARE)
            values[gap] = np.iinfo(np.int32).min
        file = scratch / "values.raw"
        values.astype("<i4").tofile(file)
        in_session(
            mapset, "r.in.bin", "-s", f"input={file}", f"output=band{place}", "bytes=4",
            "order=little", f"rows={rows}", f"cols={cols}", f"north={rows}", "south=0", "west=0",
            f"east={cols}", f"anull={np.iinfo(np.int32).min}",
        )  # fmt: skip
        file.unlink()
    return mapset


if __name__ == "__main__":
    main()
