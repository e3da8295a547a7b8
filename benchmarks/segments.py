# SPDX-License-Identifier: GPL-2.0-or-later
"""What segments add to the time of a prediction: i.dl.predict with and without them, and with the
features of the network's last hidden layer by segment.

An untrained U-Net of the usual size classifies random imagery of four bands, by default of
2000 x 2000 cells in six classes, with segments of 8 x 8 cells (more than most segmentations have).
The calls take turns; the ratio of the shortest times should stay below 1.1 without features. The
ratio of processor times is the same on a machine that has other work, too.

    python benchmarks/segments.py [--size CELLS] [--filters NUMBER] [--runs NUMBER]
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from records import record

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(CHECKOUT / "lib"))
GRASS = os.environ.get("GRASS", "grass")
MODULE = CHECKOUT / "i.dl.predict" / "i.dl.predict.py"
BANDS, CLASSES, SEGMENT = 4, 6, 8


def make_model(folder: Path, filters: int) -> None:
    """A U-Net with random weights, as i.dl.train would save it."""
    from grassdl.runtime import keras_backend

    keras_backend.prepare()
    from grassdl.core.bands import Band
    from grassdl.core.classes import ClassScheme, MapClass
    from grassdl.model.card import ModelCard
    from grassdl.model.folder import save_card
    from grassdl.model.weights import save_network
    from grassdl.networks import registry
    from grassdl.networks.analysis.receptive_field import reach

    mean, deviation = [100.0] * BANDS, [30.0] * BANDS
    network = registry.build(
        "unet", 128, BANDS, CLASSES, mean=mean, deviation=deviation, filters=filters
    )
    extent = reach(network)
    folder.mkdir()
    save_card(
        ModelCard(
            name="random",
            network="unet",
            network_options={"filters": filters},
            bands=[
                Band(f"b{place}", False, {"map": f"b{place}"}, None, 1.0, "nearest", "", "uint8")
                for place in range(BANDS)
            ],
            mean=mean,
            deviation=deviation,
            target=ClassScheme(MapClass(one, f"class {one}", "0:0:0") for one in range(CLASSES)),
            resolution=(1.0, 1.0),
            size=128,
            parameters=network.count_params(),
            stride=extent.stride,
            halo=extent.halo,
            receptive_field=extent.receptive_field,
            training={},
            dataset_ids=["random"],
            versions={},
            test=None,
            command="",
        ),
        folder,
    )
    save_network(network, folder)


def in_session(mapset: Path, *words: str) -> None:
    """Run a command in a GRASS session."""
    call = [GRASS, str(mapset), "--exec", *words]
    done = subprocess.run(call, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(words)}\n{done.stderr}")


def measured(mapset: Path, *words: str) -> tuple[float, float]:
    """Seconds that a command takes, by the clock and of processors."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    in_session(mapset, *words)
    seconds = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    busy = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds, busy


def make_maps(mapset: Path, size: int) -> None:
    """Bands of random numbers, and square segments."""
    edges = ["n=" + str(size), "s=0", "w=0", "e=" + str(size), "res=1"]
    in_session(mapset, "g.region", *edges)
    for place in range(BANDS):
        rule = f"b{place} = rand(0, 200)"
        in_session(mapset, "r.mapcalc", f"expression={rule}", f"seed={place}")
    across = -(-size // SEGMENT)
    rule = f"seg = ((row() - 1) / {SEGMENT}) * {across} + (col() - 1) / {SEGMENT}"
    in_session(mapset, "r.mapcalc", f"expression={rule}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=2000, help="edge of the region in cells")
    parser.add_argument("--filters", type=int, default=16, help="of the U-Net")
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        mapset, model = folder / "project" / "PERMANENT", folder / "model"
        make_model(model, arguments.filters)
        subprocess.run(
            [GRASS, "-c", "EPSG:32631", "-e", str(mapset.parent)], check=True, capture_output=True
        )
        make_maps(mapset, arguments.size)
        plain = [
            sys.executable,
            str(MODULE),
            f"input={','.join(f'b{place}' for place in range(BANDS))}",
            f"model={model}",
            "output=classes",
            "--overwrite",
        ]
        table = f"segment_stats={folder / 'segments.csv'}"
        segmented = [*plain, "segments=seg", "segment_output=objects", table]
        calls = {
            "plain": plain,
            "segments": segmented,
            "features": [*segmented, "segment_features=last"],
        }
        times: dict[str, list[tuple[float, float]]] = {name: [] for name in calls}
        for _ in range(arguments.runs):
            for name, words in calls.items():
                times[name].append(measured(mapset, *words))
    figures = {}
    for place, kind in enumerate(("clock_s", "processor_s")):
        shortest = {name: min(one[place] for one in found) for name, found in times.items()}
        figures[kind] = shortest | {
            f"{name}_ratio": shortest[name] / shortest["plain"] for name in ("segments", "features")
        }
    record("segments", {"size": arguments.size, "filters": arguments.filters}, **figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
