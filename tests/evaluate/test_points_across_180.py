# SPDX-License-Identifier: GPL-2.0-or-later
"""i.dl.evaluate with points on a map across 180 degrees."""

import json

import numpy as np


def test_points_told_on_either_side_of_180_degrees_lie_in_their_cells(geographic_project):
    project = geographic_project
    values = np.tile(np.repeat([1, 2, 1, 2], 5), (10, 1))
    project.write_raster("map", values, north=10, west=170)
    # Two places, each told in two ways, and one whose class is wrong.
    places = [(-177.5, 1), (182.5, 1), (-173.5, 2), (186.5, 2), (187.5, 1), (172.5, 1)]
    text = "".join(f"{x}|4.5|{value}\n" for x, value in places)
    project.run("v.in.ascii", input="-", stdin=text, output="points", x=1, y=2, cat=3)
    sample = {"classification": "map", "points": "points", "format": "json"}
    project.run("g.region", n=10, s=0, w=170, e=190, res=1)
    found = json.loads(project.run("i.dl.evaluate", **sample).stdout)
    assert found["confusion_matrix"]["counts"] == [[3, 0], [1, 2]]
    project.run("g.region", w=180, e=190)
    refusal = project.run("i.dl.evaluate", check=False, **sample).stderr
    assert "1 of 6 points of <points@PERMANENT> lie outside the region" in refusal
    assert "172.5, 4.5" in refusal
