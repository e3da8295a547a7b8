# SPDX-License-Identifier: GPL-2.0-or-later
"""i.dl.patches against the least that its work takes.

The least is to read the same maps row by row through GRASS's C library, into one row of memory,
and to write as many bytes with NumPy. Both run in GRASS sessions on the same made-up maps, five
bands of 16 bit and labels, in turn, and what counts is their ratio.

    python benchmarks/patches.py [--sizes 4000,8000] [--repeat 3]
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from records import record

GRASS = os.environ.get("GRASS", "grass")
BANDS = 5
PATCH = 64
MOST_RANDOM = 200_000
"""Random patches that are cut at most: 9 GB of them."""

FIELD = 80
"""Edge in cells of the fields that the made-up land consists of."""

LEAST = f"""
import ctypes, sys
import numpy as np
import grass.lib.gis as libgis
import grass.lib.raster as libraster

libgis.G_gisinit("benchmark")
row_of_cells = np.empty(int(sys.argv[1]), np.int32)
address = ctypes.c_void_p(row_of_cells.ctypes.data)
for name in [*(f"band{{place}}" for place in range({BANDS})), "labels"]:
    file = libraster.Rast_open_old(name, "")
    for row in range(int(sys.argv[1])):
        libraster.Rast_get_row(file, address, row, libraster.CELL_TYPE)
    libraster.Rast_close(file)
cells = (int(sys.argv[1]) // {PATCH}) ** 2 * {PATCH}**2
piece = np.ones(1_000_000, np.uint8)
with open(sys.argv[2], "wb") as target:
    for _ in range(cells * ({BANDS} * 2 + 1) // len(piece)):
        piece.tofile(target)
"""

WATCH = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
"""Runs a command and prints its memory in kB: a forked child of this process has that of ours."""


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    given.add_argument("--sizes", default="4000,8000", help="rows and columns of the regions")
    given.add_argument("--repeat", type=int, default=3, help="runs of each, of which the median")
    options = given.parse_args()
    for cells in (int(size) for size in options.sizes.split(",")):
        with tempfile.TemporaryDirectory() as scratch:
            record("patches", {"cells": cells}, **compare(Path(scratch), cells, options.repeat))


def compare(scratch: Path, cells: int, repeat: int) -> dict:
    """What is measured on one size of maps."""
    mapset = make_project(scratch, cells)
    program = scratch / "least.py"
    program.write_text(LEAST)
    folder = scratch / "patches"
    memory = 0.0

    def least() -> None:
        in_session(mapset, sys.executable, program, str(cells), scratch / "bytes")

    def patches(nprocs: int, *more: str) -> None:
        nonlocal memory
        shutil.rmtree(folder, ignore_errors=True)
        words = [f"band{place}" for place in range(BANDS)]
        used = in_session(
            mapset, "i.dl.patches", f"input={','.join(words)}", "labels=labels", f"size={PATCH}",
            f"nprocs={nprocs}", f"output={folder}", *more,
        )  # fmt: skip
        memory = max(memory, used)

    runs = [least, lambda: patches(1), lambda: patches(2)]
    times = [[] for _ in runs]
    for _ in range(repeat):
        for taken, run in zip(times, runs, strict=True):
            taken.append(seconds(run))
    base, one, two = (statistics.median(taken) for taken in times)
    number = min(cells * cells // 320, MOST_RANDOM)
    drawn = seconds(lambda: patches(1, "sampling=random", f"npatches={number}"))
    return {
        "least_s": base,
        "nprocs_1_s": one,
        "nprocs_1_ratio": one / base,
        "nprocs_2_s": two,
        "nprocs_2_ratio": two / base,
        "random_s": drawn,
        "random_patches": number,
        "memory_gb": memory,
    }


def seconds(run: Callable[[], None]) -> float:
    """Wall-clock time of a run."""
    begin = time.perf_counter()
    run()
    return time.perf_counter() - begin


def in_session(mapset: Path, *words: str | Path) -> float:
    """Run a command in a GRASS session; the memory of its largest process in GB."""
    call = [GRASS, mapset, "--exec", sys.executable, "-c", WATCH, *words]
    done = subprocess.run(call, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{words[0]} failed: {done.stderr}")
    return float(done.stdout.split()[-1]) / 1e6


def make_project(scratch: Path, cells: int) -> Path:
    """A project of fields with sensor noise, and their seven classes."""
    project = scratch / "project"
    subprocess.run([GRASS, "-c", "EPSG:32631", "-e", str(project)], check=True, capture_output=True)
    mapset = project / "PERMANENT"
    rng = np.random.default_rng(0)
    fields = -(-cells // FIELD)
    for place in range(BANDS):
        values = spread(rng.integers(500, 6000, (fields, fields)), cells)
        values += rng.integers(-60, 60, values.shape, dtype=np.int32)
        import_raster(mapset, f"band{place}", values, scratch)
    import_raster(mapset, "labels", spread(rng.integers(1, 8, (fields, fields)), cells), scratch)
    in_session(mapset, "g.region", "raster=labels")
    return mapset


def spread(fields: np.ndarray, cells: int) -> np.ndarray:
    """Fields of one value each as cells (cells, cells) int32."""
    place = np.arange(cells) // FIELD
    return fields.astype(np.int32)[place[:, None], place]


def import_raster(mapset: Path, name: str, values: np.ndarray, scratch: Path) -> None:
    """Make a raster map of 1 m cells."""
    file = scratch / "values.raw"
    values.astype("<i4").tofile(file)
    edge = len(values)
    in_session(
        mapset, "r.in.bin", "-s", f"input={file}", f"output={name}", "bytes=4", "order=little",
        f"rows={edge}", f"cols={edge}", f"north={edge}", "south=0", "west=0", f"east={edge}",
    )  # fmt: skip
    file.unlink()


if __name__ == "__main__":
    main()
