# SPDX-License-Identifier: GPL-2.0-or-later
"""Where regions, maps and points lie on each other, around the Earth too."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from paths import LIBRARY

PROGRAM = """
import json, sys
from dataclasses import replace
import numpy as np
from grassdl.gis.inputs.band_maps import BandMaps
from grassdl.gis.inputs.bands import BandStack, describe_bands, frame_of
from grassdl.gis.raster.region import Region

region = Region.current()
bands = describe_bands([BandMaps(["map@PERMANENT"], [], {})], region)
found = {
    "place": region.place_of(Region.of_raster("map@PERMANENT")),
    "frame": frame_of(bands, region),
    "points": region.cells_of(np.array([[-179.5, 9.5], [180.5, 9.5], [0, 9.5]])).tolist(),
}
top, rows, left, cols = found["frame"]
# The edges of a window of all its rows differ from its own in the last digit.
odd = replace(region, north=1.5403476339771451, south=0.663097633977145, rows=3509)
found["whole"] = odd.in_blocks(1) == odd
window = region.window(top, rows, left, cols)
window.use()
found["values"] = BandStack(bands, window).read(0, 1)[0][0, :, 0].tolist()
print(json.dumps(found))
"""


@pytest.fixture
def looked_up(geographic_project):
    """What a process of the project finds in a region of 10 rows of one degree."""
    project = geographic_project
    library = os.pathsep.join([str(LIBRARY), project.environment["PYTHONPATH"]])

    def look(west, east):
        project.run("g.region", n=10, s=0, w=west, e=east, res=1)
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM],
            env={**project.environment, "PYTHONPATH": library},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return look


def write_columns(project, west, cols):
    """A map of 10 rows whose cells are the numbers of their columns from 1."""
    values = np.tile(np.arange(1, cols + 1), (10, 1))
    project.write_raster("map", values, north=10, west=west)


def test_a_region_told_in_the_west_lies_on_a_map_across_180_degrees(geographic_project, looked_up):
    write_columns(geographic_project, 150, 60)
    for west, east in ((190, 200), (-170, -160)):
        found = looked_up(west, east)
        assert found["place"] == [0, -40]
        assert found["frame"] == [0, 10, -40, 60]
        assert found["values"] == list(range(1, 61))
        assert found["points"][:2] == [[0.5, -9.5], [0.5, -9.5]]


def test_a_map_around_the_earth_has_an_edge_only_for_regions_that_keep_to_it(
    geographic_project, looked_up
):
    write_columns(geographic_project, -180, 360)
    inside = looked_up(170, 180)
    assert inside["frame"] == [0, 10, -350, 360]
    across = looked_up(170, 190)
    top, rows, left, cols = across["frame"]
    assert (top, rows, cols) == (0, 10, 360)
    # The region is far from the edge, which lies a whole number of strides from the map's own.
    assert min(-left, left + cols - 20) > 24
    assert left + 350 == 256
    assert across["values"] == [(350 + left + col) % 360 + 1 for col in range(360)]
    assert across["points"][0] == [0.5, 10.5]
    everything = looked_up(0, 360)
    assert everything["whole"]
    assert everything["frame"] == [0, 10, 0, 360]
    assert everything["values"] == [*range(181, 361), *range(1, 181)]


def test_both_ends_of_a_map_that_nearly_meet_are_read_where_a_region_holds_them(
    geographic_project, looked_up
):
    write_columns(geographic_project, -175, 350)
    found = looked_up(170, 190)
    _, _, left, cols = found["frame"]
    assert cols == 360
    here = found["values"][-left : -left + 20]
    assert here == [346, 347, 348, 349, 350, *[0] * 10, 1, 2, 3, 4, 5]
