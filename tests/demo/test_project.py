# SPDX-License-Identifier: GPL-2.0-or-later
"""The project of the embedded example, as a user sees it first: in a display."""

from __future__ import annotations

import subprocess
import sys

import numpy as np

from paths import CHECKOUT

PROGRAM = """
import sys
from dataclasses import dataclass
from pathlib import Path
sys.path.insert(0, {demo!r})
import numpy as np
import project

@dataclass
class Scene:
    bands: np.ndarray
    labels: np.ndarray
    west: float = 0.0
    north: float = 16.0
    resolution_m: float = 0.25

# Dark numbers of 12 bits, as the example has them, and a corner outside the flight strip.
draws = np.random.default_rng(1).lognormal(6, 0.5, (4, 64, 64))
bands = draws.clip(55, 2911).astype(np.uint16)
bands[:, :8, :8] = project.OUTSIDE
project.import_imagery(Scene(bands, np.zeros((64, 64), np.uint8)), Path({folder!r}))
"""


def grey_of(project, name, values):
    """The brightness, 0 to 255, in which a map shows values."""
    rules = project.run("r.colors.out", map=name).stdout.splitlines()
    stops = [line.split() for line in rules if line[0].isdigit()]
    levels = [int(color.split(":")[0]) for _, color in stops]
    return np.interp(values, [float(value) for value, _ in stops], levels)


def test_imagery_is_neither_white_nor_black_in_a_display(grass_project, tmp_path):
    program = PROGRAM.format(demo=str(CHECKOUT / "demo"), folder=str(tmp_path))
    subprocess.run([sys.executable, "-c", program], env=grass_project.environment, check=True)
    grass_project.run("g.region", raster="ortho.red")
    for band in ("red", "green", "blue", "nir"):
        values = grass_project.read_raster(f"ortho.{band}").compressed()
        shown = grey_of(grass_project, f"ortho.{band}", np.quantile(values, [0.01, 0.5, 0.99]))
        assert shown[0] < 20 and 60 < shown[1] < 190 and shown[2] > 230, band
