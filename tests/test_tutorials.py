# SPDX-License-Identifier: GPL-2.0-or-later
"""The notebooks of tutorials/, run from their first cell to their last on small data."""

from __future__ import annotations

import re
import subprocess
import sys

import nbformat
import pytest

import warm_modules
from paths import CHECKOUT

sys.path.insert(0, str(CHECKOUT / "tools"))
import tutorials

MODULES = [path.parent.name for path in CHECKOUT.glob("i.dl.*/i.dl.*.py")]

LAST_MAPS = {
    "1_shrubs": ("shrubs/slope", "shrub_classes shrub_numbers shrub_areas"),
    "2_land_cover": ("suburb", "land_cover_1 land_cover_2 which_is_right"),
    "3_segments": ("suburb", "by_cell by_segment by_majority forest_with_network"),
}
"""By notebook: its project, and the maps of its last cells."""

MOST_BYTES = 110_000
"""Of a picture that is committed."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory, grass_template):
    """Where the notebooks put data and projects; the second and the third share one."""
    return tmp_path_factory.mktemp("tutorials")


@pytest.mark.slow
@pytest.mark.parametrize("name", tutorials.NOTEBOOKS)
def test_a_tutorial_runs_to_its_end_and_makes_its_maps(name, folder, tmp_path):
    project, names = LAST_MAPS[name]
    with warm_modules.addons(tmp_path / "addons", MODULES, eagerly=True) as addons:
        tutorials.execute(name, folder, I_DL_TUTORIALS="small", GRASS_ADDON_BASE=str(addons))
    listing = ["g.list", "type=raster,vector"]
    words = ["grass", str(folder / project / "PERMANENT"), "--exec", *listing]
    found = subprocess.run(words, check=True, capture_output=True, text=True).stdout.split()
    assert [one for one in names.split() if one not in found] == []


@pytest.mark.parametrize("name", tutorials.NOTEBOOKS)
def test_a_tutorial_is_committed_with_what_it_showed(name):
    notebook = nbformat.read(CHECKOUT / "tutorials" / f"{name}.ipynb", as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    # In one go from the first to the last.
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell.outputs]
    assert [output for output in outputs if output.output_type == "error"] == []
    pictures = [one.data["image/png"] for one in outputs if "image/png" in one.get("data", {})]
    assert pictures
    assert max(map(len, pictures)) * 3 / 4 <= MOST_BYTES
    text = nbformat.writes(notebook)
    assert "@@" not in text
    # No paths of the machine it ran on.
    assert re.findall(r"/(?:tmp|home|root|work)/", text) == []


def test_tutorials_are_no_part_of_what_is_installed():
    builds = [CHECKOUT / "Makefile", CHECKOUT / "CMakeLists.txt", CHECKOUT / "tools" / "install.sh"]
    assert [path.name for path in builds if "tutorials" in path.read_text()] == []
    # g.extension looks for modules in every folder that has one.
    assert list((CHECKOUT / "tutorials").glob("**/Makefile")) == []
