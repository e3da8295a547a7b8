# SPDX-License-Identifier: GPL-2.0-or-later
"""Speed and memory of i.dl.evaluate against `r.stats -cn`, which counts the same pairs of cells.

Two class maps of 6 classes with errors in patches, by default of 8000 x 8000 cells, are compared
by both in the same session; the one that counts the blocks, too, must not take twice as long.

    python benchmarks/evaluation.py [--size CELLS]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from records import printed_object, record

CHECKOUT = Path(__file__).resolve().parent.parent
GRASS = os.environ.get("GRASS", "grass")
MODULE = CHECKOUT / "i.dl.evaluate" / "i.dl.evaluate.py"
RUNS = 3

EVALUATE = [sys.executable, str(MODULE), "classification=map", "reference=truth", "--quiet"]
CALLS = {
    "r.stats -cn": ["r.stats", "-cn", "input=map,truth", "--quiet"],
    "i.dl.evaluate": EVALUATE,
    "with compare": [*EVALUATE, "compare=other"],
    "with distance=2": [*EVALUATE, "distance=2"],
    "with objects=2": [*EVALUATE, "objects=2"],
}


def in_session(mapset: Path, *words: str) -> str:
    """Run a command in a GRASS session; its output."""
    done = subprocess.run([GRASS, str(mapset), "--exec", *words], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(words)}\n{done.stderr}")
    return done.stdout


def make_maps(mapset: Path, size: int) -> None:
    """Classes in patches of 40 cells; in the maps some patches of 8 cells are of another class."""
    in_session(mapset, "g.region", "n=8000", "s=0", "w=0", "e=8000", f"rows={size}", f"cols={size}")
    patch = "((row() / 40) * 7919 + (col() / 40) * 104729 + (row() / 40) * (col() / 40)) % 6 + 1"
    in_session(mapset, "r.mapcalc", f"expression=truth = {patch}", "--quiet")
    for name, share in (("map", 7), ("other", 5)):
        wrong = f"((row() / 8) * 6007 + (col() / 8) * 9001) % {share} == 0"
        rule = f"{name} = if({wrong}, (truth + row() / 8) % 6 + 1, truth)"
        in_session(mapset, "r.mapcalc", f"expression={rule}", "--quiet")


def measure(words: list[str]) -> None:
    """Print the shortest time and the largest memory of some runs of a command, as JSON."""
    seconds = []
    for _ in range(RUNS):
        start = time.perf_counter()
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
        seconds.append(time.perf_counter() - start)
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(json.dumps({"seconds": min(seconds), "mebibytes": memory}))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=8000, help="rows and columns of the maps")
    parser.add_argument("--measure", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        measure(arguments.measure)
        return 0
    with tempfile.TemporaryDirectory() as scratch:
        project = Path(scratch) / "project"
        subprocess.run(
            [GRASS, "-c", "EPSG:32631", "-e", str(project)], check=True, capture_output=True
        )
        mapset = project / "PERMANENT"
        make_maps(mapset, arguments.size)
        first = None
        for name, words in CALLS.items():
            told = in_session(mapset, sys.executable, __file__, "--measure", *words)
            found = printed_object(told)
            first = first or found["seconds"]
            configuration = {"cells": arguments.size, "call": name}
            record("evaluation", configuration, ratio=found["seconds"] / first, **found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
