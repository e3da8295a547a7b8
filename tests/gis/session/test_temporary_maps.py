# SPDX-License-Identifier: GPL-2.0-or-later
"""Maps under temporary names: those of live processes stay, those of killed ones go."""

import os
import subprocess
import sys

import numpy as np
import pytest

from paths import LIBRARY

MAKE = """
import sys
from grassdl.gis.session.modules import run_module
from grassdl.gis.session.temporary_maps import remove_debris, temporary_name
run_module("g.copy", raster=f"plain,{temporary_name('i_dl_test_tmp', '_x')}")
print(temporary_name("i_dl_test_tmp", "_x"), flush=True)
sys.stdin.read()
"""

CLEAR = """
from grassdl.gis.session.temporary_maps import remove_debris, temporary_name
temporary_name("i_dl_test_tmp")
remove_debris("i_dl_test_tmp")
"""


@pytest.fixture
def script(grass_project):
    """Starts a script in the session."""
    grass_project.write_raster("plain", np.ones((4, 4), int))
    library = LIBRARY
    path = os.pathsep.join([str(library), grass_project.environment["PYTHONPATH"]])
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}

    def start(text):
        environment = {**grass_project.environment, "PYTHONPATH": path}
        return subprocess.Popen([sys.executable, "-c", text], env=environment, **pipes)

    return start


def locks(project):
    return [path.name for path in project.mapset.glob(".i_dl_*")]


def test_maps_of_a_killed_process_go_with_the_next_run_whatever_its_number(grass_project, script):
    running = script(MAKE)
    name = running.stdout.readline().strip()
    assert script(CLEAR).wait(timeout=60) == 0
    assert name in grass_project.maps()
    running.kill()
    running.communicate()
    assert len(locks(grass_project)) == 1
    # What a killed run of an older version left, which had the number of the next one: in a
    # container all runs have the same.
    grass_project.run("g.copy", raster="plain,i_dl_test_tmp_4711_x")
    pretending = "import os; os.getpid = lambda: 4711\n"
    assert script(pretending + CLEAR).wait(timeout=60) == 0
    assert grass_project.maps() == ["plain"]
    assert locks(grass_project) == []


def test_a_process_that_ends_by_itself_leaves_no_lock(grass_project, script):
    assert script(CLEAR).wait(timeout=60) == 0
    assert locks(grass_project) == []
