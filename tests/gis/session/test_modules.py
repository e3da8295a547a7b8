# SPDX-License-Identifier: GPL-2.0-or-later
"""Modules of GRASS at the same time, and their end when one of them fails or is interrupted."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from paths import LIBRARY

HEAD = """
from functools import partial
from grassdl.gis.session.modules import run_module, side_by_side

def slow(name):
    # In one piece: threads write at the same time.
    print("begun\\n", end="", flush=True)
    run_module("r.mapcalc", expression=f"{name} = 1 + 0 * rand(0, 9)", seed=1)
    run_module("r.colors", map=name, color="grey")
"""


@pytest.fixture
def script(grass_project):
    """Starts a script in the session, on a map too large to be made in an instant."""
    grass_project.write_raster("plain", np.ones((4, 4), int))
    library = LIBRARY
    path = os.pathsep.join([str(library), grass_project.environment["PYTHONPATH"]])
    environment = {**grass_project.environment, "PYTHONPATH": path}

    def start(text, cells):
        grass_project.run("g.region", n=cells, s=0, w=0, e=cells, res=1)
        return subprocess.Popen(
            [sys.executable, "-c", HEAD + text],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start


# More than there are threads: some have not begun when the end comes.
MANY = [f"map{number}" for number in range(os.cpu_count() + 4)]


def test_all_tasks_are_done(grass_project, script):
    done = script(f"side_by_side(partial(slow, name) for name in {MANY})", 10)
    assert done.wait(timeout=60) == 0
    assert set(MANY) <= set(grass_project.maps())
    assert grass_project.read_raster(MANY[-1]).tolist() == np.ones((10, 10), int).tolist()


def test_a_task_that_fails_ends_the_modules_of_all(grass_project, script):
    text = f"""
failing = partial(run_module, "r.colors", map="plain", color="no such colours")
side_by_side([failing, *(partial(slow, name) for name in {MANY})])
"""
    done = script(text, 40_000)
    # Whole, a map takes minutes.
    message = done.communicate(timeout=60)[1]
    assert done.returncode == 1
    assert "CalledModuleError: Module run `r.colors" in message
    assert set(MANY).isdisjoint(grass_project.maps())


def test_an_interrupt_ends_the_modules_of_all(grass_project, script):
    running = script(f"side_by_side(partial(slow, name) for name in {MANY})", 40_000)
    assert [running.stdout.readline() for _ in range(2)] == ["begun\n", "begun\n"]
    time.sleep(0.5)
    running.send_signal(signal.SIGINT)
    assert "KeyboardInterrupt" in running.communicate(timeout=60)[1]
    assert set(MANY).isdisjoint(grass_project.maps())
    assert not list((grass_project.mapset / ".tmp").glob("*/*"))
