# SPDX-License-Identifier: GPL-2.0-or-later
"""Records of benchmarks: a line of JSON for each thing measured, in `results/BENCHMARK.jsonl`.

A line says what was measured (the configuration), the figures, and where they come from: commit,
time, command, machine and versions. Lines are added, never changed; `tables.py` makes the tables of
the READMEs from the newest of each configuration.

    record("patches", {"cells": 4000}, least_s=2.2, nprocs_1_s=3.7)
"""

from __future__ import annotations

import json
import os
import platform
import resource
import shlex
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from importlib import metadata
from pathlib import Path
from statistics import median

FOLDER = Path(__file__).resolve().parent
RESULTS = FOLDER / "results"
PACKAGES = ("keras", "tensorflow", "jax", "torch", "openvino", "numpy", "scikit-learn")
"""Those that the figures depend on; GRASS and Python are recorded beside them."""


def record(benchmark: str, configuration: dict, **figures: object) -> None:
    """Add a line to the records of a benchmark, and print what was measured.

    Args:
        benchmark: Name of the file of records.
        configuration: What was measured. A later record of the same configuration takes the place
            of this one in the tables.
        figures: Numbers by name, with the unit at its end; None where one was not measured, a
            dictionary where there is one for each class.
    """
    commit, changed = checkout()
    line = {
        "configuration": configuration,
        "figures": figures,
        "commit": commit,
        "changed": changed,
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": shlex.join([Path(sys.argv[0]).name, *map(_without_place, sys.argv[1:])]),
        "machine": machine(),
        "versions": versions(),
    }
    RESULTS.mkdir(exist_ok=True)
    with (RESULTS / f"{benchmark}.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
    print(f"{benchmark}, {_words(configuration)}: {_words(figures)}", flush=True)


def is_recorded(benchmark: str, configuration: dict) -> bool:
    """Whether there is a record of a configuration."""
    file = RESULTS / f"{benchmark}.jsonl"
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return any(json.loads(line)["configuration"] == configuration for line in lines)


def processor_s() -> float:
    """Processor time of all child processes that have ended, of all cores together."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def printed_object(told: str) -> dict:
    """The JSON object that a module printed, after what GRASS prints before it."""
    return json.loads(told[told.index("{") :])


def spread(results: Sequence[dict[str, float]]) -> dict[str, dict[str, float]]:
    """Median, least and most of each figure over several results."""
    columns = {name: [one[name] for one in results] for name in results[0]}
    return {
        name: {"median": median(found), "least": min(found), "most": max(found)}
        for name, found in columns.items()
    }


def _without_place(word: str) -> str:
    """A word of a command; of an absolute path the last part, as the rest is of one machine."""
    return Path(word).name if Path(word).is_absolute() else word


def checkout() -> tuple[str, bool]:
    """The commit that is measured, and whether anything but records was changed since."""
    commit = _output("git", "rev-parse", "--short=7", "HEAD")
    changes = _output("git", "status", "--porcelain", "--", ":/", f":(exclude){RESULTS.name}")
    return commit or "unknown", bool(changes)


@cache
def machine() -> dict:
    """Processor, the cores that this process may use, and the vector instructions."""
    found = {"processor": platform.processor() or "unknown", "vectors": []}
    about = Path("/proc/cpuinfo")
    for line in about.read_text().splitlines() if about.exists() else []:
        key, _, value = line.partition(":")
        if key.strip() == "model name":
            found["processor"] = value.strip()
        if key.strip() == "flags":
            found["vectors"] = sorted(one for one in value.split() if one[:3] in ("avx", "amx"))
    return {**found, "cores": len(os.sched_getaffinity(0))}


@cache
def versions() -> dict[str, str]:
    """Versions of Python, GRASS and of those packages that are installed."""
    found = {
        "python": platform.python_version(),
        "grass": _output(os.environ.get("GRASS", "grass"), "--config", "version"),
    }
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def _output(*words: str) -> str:
    """What a command prints; nothing where it fails or is not there."""
    try:
        done = subprocess.run(words, cwd=FOLDER, capture_output=True, text=True)
    except FileNotFoundError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _words(values: dict) -> str:
    """Values in a line to read."""
    return ", ".join(f"{name} {_word(value)}" for name, value in values.items())


def _word(value: object) -> str:
    if isinstance(value, dict):
        return f"({_words(value)})"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
