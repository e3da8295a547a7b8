# SPDX-License-Identifier: GPL-2.0-or-later
"""What it costs to distribute a prediction: two workers of one thread against one process of two.

Scheduler and workers are processes of this machine, started before and not timed, as those of a
cluster are. Besides, the time of a map of 50 000 x 50 000 cells on some nodes is worked out from
what was measured; it is not measured itself.

    python benchmarks/cluster.py [--edge 6000] [--rounds 3]
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Scheduler and workers are those of the tests.
sys.path.append(str(Path(__file__).resolve().parents[1] / "tests" / "helpers"))
from patches import seconds  # noqa: E402
from prediction import Benchmark, environment, in_session  # noqa: E402
from records import record  # noqa: E402

from dask_cluster import DaskCluster  # noqa: E402

NETWORK = "unet:filters=32"
CORNER = 256
"""Edge of a region that takes hardly longer than the start."""

LARGE_EDGE = 50_000
NODES = (1, 10, 100)
WORKERS_OF_A_NODE = 16
STRIP_ROWS = 144
"""Rows of a strip of the large map, as tiles have them within the standard memory."""


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    given.add_argument("--edge", type=int, default=6000, help="rows and columns of the map")
    given.add_argument("--rounds", type=int, default=3, help="runs of each, of which the median")
    given.add_argument("--engine", default="auto")
    given.add_argument("--tile", type=int, help="edge of a tile in cells; else by memory")
    options = given.parse_args()
    with tempfile.TemporaryDirectory() as scratch, workers(Path(scratch), 2) as address:
        measured = Comparison(Path(scratch), options, address).measure()
    configuration = {"edge": options.edge, "engine": options.engine, "tile": options.tile}
    record("cluster", configuration, **measured)
    for nodes in NODES:
        of = {**configuration, "large_edge": LARGE_EDGE, "nodes": nodes}
        record("cluster_worked_out", of, **worked_out(measured, nodes))


class Comparison:
    """A project, a model, and both ways to run it."""

    def __init__(self, scratch: Path, options: argparse.Namespace, address: str):
        self.edge, self.rounds, self.address = options.edge, options.rounds, address
        sizes = argparse.Namespace(rows=options.edge, cols=options.edge, network=NETWORK)
        self.benchmark = Benchmark(scratch, sizes)
        self.words = [f"engine={options.engine}"]
        self.words += [f"tile_size={options.tile}"] if options.tile else []

    def measure(self) -> dict:
        """Wall-clock times, their ratio, and what the large map is worked out from."""
        # The first run converts the network.
        self.predict(CORNER)
        starts = self.predict(CORNER), self.predict(CORNER, scheduler=self.address)
        turns = [
            (self.predict(self.edge), self.predict(self.edge, scheduler=self.address))
            for _ in range(self.rounds)
        ]
        one, two = (statistics.median(taken) for taken in zip(*turns, strict=True))
        making = self.making_s()
        return {
            "one_process_s": one,
            "two_workers_s": two,
            "ratio": two / one,
            "start_s": starts[0],
            "cluster_start_s": starts[1],
            "making_s": making,
            "worker_mpx_s": self.edge**2 / max(two - starts[1] - making, 1e-3) / 2e6,
            "making_mpx_s": self.edge**2 / making / 1e6,
        }

    def predict(self, edge: int, scheduler: str = "") -> float:
        """Seconds of the module on the corner of the maps."""
        mapset, names = self.benchmark.mapset, ",".join(self.benchmark.names)
        how = [f"scheduler={scheduler}", "nprocs=1"] if scheduler else ["nprocs=2"]
        north = self.edge
        in_session(mapset, "g.region", f"n={north}", f"s={north - edge}", "w=0", f"e={edge}")
        return seconds(
            lambda: in_session(
                mapset, "i.dl.predict", f"input={names}", f"model={self.benchmark.model}",
                "output=classes", "--overwrite", *self.words, *how,
            )
        )  # fmt: skip

    def making_s(self) -> float:
        """Seconds that the map takes when all rows are there, which only the module does."""
        rows = self.benchmark.model.parent / "rows.bin"
        rows.write_bytes(bytes(self.edge**2))
        return seconds(
            lambda: in_session(
                self.benchmark.mapset, "r.in.bin", f"input={rows}", "output=made", "bytes=1",
                f"north={self.edge}", "south=0", "west=0", f"east={self.edge}",
                f"rows={self.edge}", f"cols={self.edge}", "--overwrite",
            )
        )  # fmt: skip


def worked_out(measured: dict, nodes: int) -> dict:
    """Minutes for the large map, by arithmetic: whole rounds of strips on all workers, as quick as
    those that were measured, between the start and the making of the map by one process."""
    workers, strips = nodes * WORKERS_OF_A_NODE, math.ceil(LARGE_EDGE / STRIP_ROWS)
    strip_s = STRIP_ROWS * LARGE_EDGE / 1e6 / measured["worker_mpx_s"]
    computing = math.ceil(strips / workers) * strip_s
    making = LARGE_EDGE**2 / 1e6 / measured["making_mpx_s"]
    total = measured["cluster_start_s"] + computing + making
    return {
        "workers": workers,
        "computing_min": computing / 60,
        "making_min": making / 60,
        "total_min": total / 60,
    }


@contextmanager
def workers(folder: Path, number: int) -> Iterator[str]:
    """The address of a scheduler with workers of one thread each."""
    cluster = DaskCluster(folder, environment())
    try:
        for _ in range(number):
            cluster.start_worker()
        cluster.await_workers(number)
        yield cluster.address
    finally:
        cluster.close()


if __name__ == "__main__":
    main()
