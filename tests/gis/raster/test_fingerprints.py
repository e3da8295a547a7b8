# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether a change of a map's cells shows, and nothing else."""

import json
import os
import subprocess
import sys
import time

import numpy as np
import pytest
from osgeo import gdal

from paths import LIBRARY

NAMES = ["plain", "classed", "joined", "linked"]

STAMPS = f"""
import json
from grassdl.gis.raster.fingerprints import map_stamp
print(json.dumps({{name: map_stamp(f"{{name}}@PERMANENT") for name in {NAMES}}}))
"""


@pytest.fixture
def stamps(grass_project, tmp_path):
    """Tells the stamps of a map, and of others that refer to it or to a file."""
    grass_project.write_raster("plain", np.arange(144).reshape(12, 12))
    grass_project.write_raster("other", np.ones((12, 12), int), north=24)
    grass_project.run("r.reclass", input="plain", output="classed", rules="-", stdin="* = 1\n")
    grass_project.run("r.buildvrt", input="plain,other", output="joined")
    write_file(tmp_path / "linked.tif", 1)
    grass_project.run("r.external", flags="o", input=tmp_path / "linked.tif", output="linked")
    library = LIBRARY
    path = os.pathsep.join([str(library), grass_project.environment["PYTHONPATH"]])

    def told():
        done = subprocess.run(
            [sys.executable, "-c", STAMPS],
            env={**grass_project.environment, "PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=True,
        )
        return json.loads(done.stdout)

    return told


def write_file(path, value):
    """A GeoTIFF of 12 x 12 cells of one value."""
    image = gdal.GetDriverByName("GTiff").Create(str(path), 12, 12)
    image.SetGeoTransform((0, 1, 0, 12, 0, -1))
    image.GetRasterBand(1).Fill(value)


def changed(before, after):
    return [name for name in NAMES if before[name] != after[name]]


def test_stamps_change_with_cells_and_nulls_also_behind_other_maps(grass_project, stamps, tmp_path):
    first = stamps()
    grass_project.run("r.support", map="plain", title="Other title")
    grass_project.run("r.colors", map="plain", color="grey")
    assert changed(first, stamps()) == []

    grass_project.run("r.null", map="plain", setnull=5)
    second = stamps()
    assert changed(first, second) == ["plain", "classed", "joined"]

    grass_project.run("r.mapcalc", expression="plain = row()", overwrite=True)
    third = stamps()
    assert changed(second, third) == ["plain", "classed", "joined"]

    time.sleep(0.02)
    write_file(tmp_path / "linked.tif", 2)
    assert changed(third, stamps()) == ["linked"]
