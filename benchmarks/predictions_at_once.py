# SPDX-License-Identifier: GPL-2.0-or-later
"""Two runs of i.dl.predict at once, one thread each, against both in turn, with all threads.

A batch of many maps is run either way; what counts is the time of both runs in turn over that of
both at once. More than 1 means that runs at once do not stand in each other's way, and gain what
one run loses while it starts and writes.

    python benchmarks/predictions_at_once.py [--edge 3000] [--rounds 3]
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from patches import seconds
from prediction import GRASS, Benchmark, checked, in_session
from records import record

NETWORK = "unet:filters=32"
MAPSETS = ("first", "second")


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    given.add_argument("--edge", type=int, default=3000, help="rows and columns of the maps")
    given.add_argument("--rounds", type=int, default=3, help="runs of each, of which the median")
    options = given.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        runs = Runs(Path(scratch), options.edge)
        for precision in ("float32", "bfloat16"):
            measured = {"edge": options.edge, "precision": precision}
            record("predictions_at_once", measured, **runs.measure(precision, options.rounds))


class Runs:
    """A model, and two mapsets to run it in."""

    def __init__(self, scratch: Path, edge: int):
        sizes = argparse.Namespace(rows=edge, cols=edge, network=NETWORK)
        self.benchmark = Benchmark(scratch, sizes)
        self.mapsets = [self.benchmark.mapset.with_name(name) for name in MAPSETS]
        for mapset in self.mapsets:
            checked([GRASS, "-c", mapset, "-e"])
            in_session(mapset, "g.region", "raster=band0@PERMANENT")

    def measure(self, precision: str, rounds: int) -> dict:
        """Time of both runs, either way, and the ratio."""
        # The first run converts the network.
        self.predict(self.mapsets[0], precision, 0)
        turns = [(self.in_turn(precision), self.at_once(precision)) for _ in range(rounds)]
        in_turn, at_once = (statistics.median(taken) for taken in zip(*turns, strict=True))
        return {"in_turn_s": in_turn, "at_once_s": at_once, "ratio": in_turn / at_once}

    def in_turn(self, precision: str) -> float:
        """Wall-clock time of both runs, the second after the first."""

        def both() -> None:
            for one in self.mapsets:
                self.predict(one, precision, 0)

        return seconds(both)

    def at_once(self, precision: str) -> float:
        """Wall-clock time of both runs side by side."""

        def both() -> None:
            with ThreadPoolExecutor(len(self.mapsets)) as pool:
                list(pool.map(lambda one: self.predict(one, precision, 1), self.mapsets))

        return seconds(both)

    def predict(self, mapset: Path, precision: str, nprocs: int) -> None:
        """Run the module in a mapset."""
        maps = ",".join(f"{name}@PERMANENT" for name in self.benchmark.names)
        in_session(
            mapset, "i.dl.predict", f"input={maps}", f"model={self.benchmark.model}",
            "output=classes", f"precision={precision}", f"nprocs={nprocs}", "--overwrite",
        )  # fmt: skip


if __name__ == "__main__":
    main()
