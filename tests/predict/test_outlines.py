# SPDX-License-Identifier: GPL-2.0-or-later
"""Outlines of the vector map of i.dl.predict that are drawn anew."""

import json
import re

import numpy as np
import pytest

from predicting import refused
from small_model import CLASSES

GRASS, ROOF = 2, 5


@pytest.fixture
def scene(grass_project, model):
    """Maps of probabilities p_2, p_5, p_9 of a slanted roof and a round one."""
    y, x = np.mgrid[:60, :60] + 0.5
    turned = np.radians(20)
    u = np.cos(turned) * (x - 25) + np.sin(turned) * (y - 25)
    v = np.cos(turned) * (y - 25) - np.sin(turned) * (x - 25)
    classes = np.full((60, 60), GRASS)
    classes[(abs(u) < 15) & (abs(v) < 8)] = ROOF
    classes[(x - 48) ** 2 + (y - 48) ** 2 < 49] = ROOF
    for one in CLASSES:
        grass_project.write_raster(f"p_{one.value}", (classes == one.value).astype(np.float32))
    grass_project.run("g.region", raster="p_2")
    options = {"model": model[0], "probabilities": "p", "output": "classes", "vector": "areas"}
    return grass_project, options


def areas(project, name):
    """Corners and cells of each area of a vector map, whose topology must be clean."""
    told = project.run("v.info", flags="t", map=name).stdout
    found = dict(line.split("=") for line in told.split())
    built = project.run("v.build", map=name, option="build").stderr.lower()
    assert "incorrect boundaries" not in built and "duplicate" not in built
    assert found["areas"] == found["centroids"]
    file = project.path / f"{name}.geojson"
    project.run("v.out.ogr", input=name, output=file, format="GeoJSON", type="area", overwrite=True)
    features = json.loads(file.read_text())["features"]
    file.unlink()
    corners = {
        one["properties"]["cat"]: len(one["geometry"]["coordinates"][0]) - 1 for one in features
    }
    project.run("v.to.rast", input=name, output="drawn", use="cat", type="area", overwrite=True)
    return corners, project.read_raster("drawn").filled(0)


def test_roofs_get_right_angles_and_what_has_none_keeps_its_outline(scene):
    project, options = scene
    options |= {"objects": "objects", "object_classes": ROOF, "minsize": 20}
    project.run("i.dl.predict", **options)
    before, _ = areas(project, "areas")
    done = project.run("i.dl.predict", **options, regularize=ROOF, overwrite=True)
    after, cells = areas(project, "areas")
    assert before[1] > 40 and after[1] == 4
    objects = project.read_raster("objects").filled(0)
    for cat in (1, 2):
        both = (objects == cat) & (cells == cat)
        assert both.sum() / ((objects == cat) | (cells == cat)).sum() > 0.8
    told = re.search(r"(\d) of 2 objects.*, (0\.\d+) at\s+least", " ".join(done.stderr.split()))
    assert float(told[2]) >= 0.8
    table = project.run("v.db.select", flags="c", map="areas", columns="cat,value,cells").stdout
    assert [line.split("|")[1] for line in table.split()] == ["5", "5"]


def test_areas_of_all_classes_are_generalised_without_gaps(scene):
    project, options = scene
    project.run("i.dl.predict", **options)
    before, _ = areas(project, "areas")
    project.run("i.dl.predict", **options, generalize=1.5, overwrite=True)
    after, cells = areas(project, "areas")
    assert sum(after.values()) < sum(before.values()) / 2
    assert (cells > 0).all()


def test_a_region_without_objects_has_an_empty_map_however_outlines_are_drawn(scene):
    project, options = scene
    options |= {"objects": "objects", "object_classes": ROOF, "minsize": 5000, "regularize": ROOF}
    project.run("i.dl.predict", **options, generalize=1.5)
    told = project.run("v.info", flags="t", map="areas").stdout.split()
    assert {"areas=0", "centroids=0"} <= set(told)
    table = project.run("v.db.select", flags="c", map="areas", columns="cat,value,cells").stdout
    assert not table.strip()


def test_what_cannot_be_regularised_is_told_in_one_line(scene, model, bands):
    project, options = scene
    given = {"vector": "v", "objects": "o", "object_classes": 5}
    refused(project, model, "Class 7", "that have are 5", **given, regularize="5,7")
    refused(project, model, "generalize", "0 to 1000000000", vector="v", generalize=-1)
    refused(project, model, "generalize", "0 to 1000000000", vector="v", generalize="1e300")
