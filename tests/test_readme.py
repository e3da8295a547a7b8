# SPDX-License-Identifier: GPL-2.0-or-later
"""The README's ways to do the job, run as they are written, on a small project."""

import os
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest

import warm_modules
from paths import CHECKOUT

pytestmark = pytest.mark.skipif(
    "GRASS_ADDON_BASE" not in os.environ,
    reason="the modules are not installed: use make test",
)


@pytest.fixture
def suburb(grass_project):
    """A small project with the maps that the README names; two classes that imagery tells apart."""
    rng = np.random.default_rng(5)
    classes = np.ones((256, 256), int)
    for _ in range(60):
        row, col = rng.integers(0, 240, 2)
        classes[row : row + 16, col : col + 16] = 2
    names = [f"ortho.{band}" for band in ("red", "green", "blue", "nir")]
    for name in names:
        grass_project.write_raster(name, 1000 * classes + rng.integers(0, 200, classes.shape))
    grass_project.write_raster("dsm", 100.0 + 5 * classes)
    grass_project.write_raster("dtm", np.full(classes.shape, 100.0))
    grass_project.write_raster("reference", classes)
    grass_project.run("i.group", group="ortho", input=names)
    grass_project.run("g.region", raster="reference", flags="s")
    return grass_project


@pytest.fixture
def addons(tmp_path):
    """The installed modules, in a folder of addons of their own, where they start at once.

    They run in the working folder of this process.
    """
    modules = [path.parent.name for path in CHECKOUT.glob("i.dl.*/i.dl.*.py")]
    with warm_modules.addons(tmp_path / "addons", modules, eagerly=True) as folder:
        yield folder


def blocks(language):
    """The README's code blocks of a language."""
    text = (CHECKOUT / "README.md").read_text()
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def test_the_jobs_make_no_map_that_the_demo_has_made():
    made = re.compile(r"\b(?:output|confidence)=(\w+)")
    of_demo = set(made.findall((CHECKOUT / "demo" / "run.py").read_text()))
    assert "classes_network" in of_demo
    assert not of_demo & {name for job in blocks("sh") for name in made.findall(job)}


def test_the_python_script_runs_from_outside_grass(suburb, addons, tmp_path):
    (script,) = blocks("python")
    shutil.move(suburb.path, tmp_path / "suburb")
    script = script.replace("/data/grass", str(tmp_path)).replace("/data", str(tmp_path))
    shortened = script.replace("epochs=30", "epochs=1, filters=4, depth=1")
    assert shortened != script
    (tmp_path / "job.py").write_text(shortened)
    done = subprocess.run(
        [sys.executable, tmp_path / "job.py"],
        env={**os.environ, "GRASS_ADDON_BASE": str(addons)},
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert 0 < float(done.stdout.split()[-1]) <= 1


def test_the_console_job_and_the_batch_run_from_any_folder(suburb, addons, tmp_path, monkeypatch):
    console = next(block for block in blocks("sh") if block.startswith("g.region"))
    job = console.replace("output=model", "output=model epochs=1 filters=4 depth=1")
    monkeypatch.chdir(tmp_path)
    done = subprocess.run(
        ["bash", "-e", "-c", job],
        env={**suburb.environment, "PATH": f"{addons}/scripts:{suburb.environment['PATH']}"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "Overall accuracy" in done.stdout
    batch = next(block for block in blocks("sh") if block.startswith("grass "))
    batch = batch.replace("/data/grass/suburb", str(suburb.path)).replace("/data", str(tmp_path))
    plain = {**os.environ, "GRASS_ADDON_BASE": str(addons), "GRASS_OVERWRITE": "1"}
    monkeypatch.chdir("/")
    done = subprocess.run(["bash", "-e", "-c", batch], env=plain, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
