# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs i.dl.predict, and kills its own process while results get their names (by SIGKILL).

    python predict_and_die.py PLACE SCRIPT ARGUMENTS

PLACE is one of `table`, when the vector map of segments has its name and their table has not;
`rasters`, when only the raster maps lack theirs; `end`, when all have them and what the run kept is
still there.
"""

import os
import runpy
import signal
import sys
from pathlib import Path

place, *sys.argv = sys.argv[1:]
HOME = Path(sys.argv[0]).resolve().parent.parent
sys.path[:0] = [str(HOME / "lib"), str(HOME / "etc" / "i.dl")]
from grassdl.gis.outputs import output_maps, segment_tables  # noqa: E402
from grassdl.predict import checkpoint  # noqa: E402


def die(*arguments: object, **options: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def dying_at_rename(module: str, **options: object) -> None:
    """Run a module of GRASS, but die instead of naming raster maps."""
    if module == "g.rename":
        die()
    run_module(module, **options)


run_module = output_maps.run_module
if place == "table":
    segment_tables.StagedFiles.name = die
elif place == "rasters":
    output_maps.run_module = dying_at_rename
elif place == "end":
    checkpoint._remove = die
runpy.run_path(sys.argv[0], run_name="__main__")
