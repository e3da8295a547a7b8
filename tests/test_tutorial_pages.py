# SPDX-License-Identifier: GPL-2.0-or-later
"""The manual's pages that are tutorials: their commands run as they are written, on small maps.

`tools/run_manual.py` runs all pages at their full size, in the project of the example.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys

import numpy as np
import pytest

import warm_modules
from manual_blocks import blocks
from paths import CHECKOUT
from tutorial_maps import write_heights, write_season

sys.path.insert(0, str(CHECKOUT / "demo"))
from later import changes, make_two_dates

MODULES = [path.parent.name for path in CHECKOUT.glob("i.dl.*/i.dl.*.py")]

SMALLER = (
    (re.compile(r"\b(epochs|filters|depth|size|block_size|batch_size|split)=[\d,]+ ?"), ""),
    (re.compile(r"\bi\.dl\.train(?= )"), "i.dl.train epochs=1 filters=2 depth=1"),
    (re.compile(r"\bi\.dl\.patches(?= )"), "i.dl.patches size=16 block_size=32 split=60,15,25"),
)
"""What is replaced so that a page takes seconds."""


def write_two_dates(project):
    """The project of `demo/project.py --later`, of fewer cells and without heights."""
    scenes = make_two_dates(size=128)
    for group, reference, scene in zip(
        ("ortho", "later"), ("reference", "later_reference"), scenes, strict=True
    ):
        maps = [f"{group}.{number}" for number in range(4)]
        for name, values in zip(maps, scene.bands, strict=True):
            project.write_raster(name, np.ma.masked_equal(values.astype(int), 0), resolution=0.25)
        project.run("i.group", group=group, input=maps)
        labels = np.ma.masked_equal(scene.labels.astype(int), 0)
        project.write_raster(reference, labels, resolution=0.25)
    change = np.ma.masked_equal(changes(*scenes).astype(int), 0)
    project.write_raster("change", change, resolution=0.25)


PAGES = {
    "i.dl_howto_change": (write_two_dates, "found_change compared from_to sure_change"),
    "i.dl_howto_series": (write_season, "crops_2022"),
    "i.dl_howto_values": (write_heights, "height_map height_error height_closer"),
}
"""What makes the maps that a page takes, and names of those that its commands make."""


@pytest.mark.parametrize("page", PAGES)
def test_the_commands_of_a_tutorial_make_its_maps(page, grass_project, tmp_path):
    write_maps, names = PAGES[page]
    write_maps(grass_project)
    script = "".join(block.text for block in blocks() if block.page == page)
    for pattern, replacement in SMALLER:
        script = pattern.sub(replacement, script)
    with warm_modules.addons(tmp_path / "addons", MODULES, eagerly=True) as addons:
        path = f"{addons / 'scripts'}{os.pathsep}{grass_project.environment['PATH']}"
        done = subprocess.run(
            ["bash", "-exc", script],
            env={**grass_project.environment, "PATH": path, "HOME": str(tmp_path)},
            capture_output=True,
            text=True,
        )
    assert done.returncode == 0, done.stderr
    missing = set(names.split()) - set(grass_project.maps())
    assert not missing, done.stdout
