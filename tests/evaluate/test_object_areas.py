# SPDX-License-Identifier: GPL-2.0-or-later
"""Objects of i.dl.evaluate that are areas of vector maps."""

import json

import numpy as np
import pytest

from one_error import fails_with

CELLS = 20


@pytest.fixture(scope="module")
def maps(new_project, tmp_path_factory):
    """A map of two roofs that touch and a speck; `truth`: the roofs as areas of class 4."""
    project = new_project(tmp_path_factory.mktemp("objects"))
    truth = np.full((CELLS, CELLS), np.nan)
    truth[2:12, 2:8], truth[2:12, 8:14] = 1, 2
    mapped = np.where(np.isnan(truth), 0, 4)
    mapped[2] = 0
    mapped[16:18, 3] = 4
    project.write_raster("map", mapped)
    project.run("g.region", raster="map")
    areas(project, "truth", truth, "1 = 4\n2 = 4\n")
    objects = np.where(mapped == 4, truth, np.nan)
    objects[16:18, 3], objects[18, 18] = 3, 4
    areas(project, "objects", objects, "1 = 4\n2 = 4\n3 = 4\n4 = 7\n")
    return project


def areas(project, name, numbers, values):
    """Make a vector map of numbered areas with the class in column `value`."""
    project.write_raster("numbers", numbers, dtype="CELL")
    project.run("r.to.vect", flags="vt", input="numbers", output=name, type="area")
    project.run("v.db.addtable", map=name, columns="value integer")
    for line in values.splitlines():
        number, value = line.split(" = ")
        project.run("v.db.update", map=name, column="value", value=value, where=f"cat = {number}")


CALL = {"classification": "map", "areas": "truth", "column": "value", "background": 0, "objects": 4}


def objects_of(project, **options):
    told = project.run("i.dl.evaluate", **CALL, format="json", **options).stdout
    (found,) = json.loads(told)["objects"]
    return found


def test_reference_areas_that_touch_are_objects_of_their_own(maps):
    found = objects_of(maps)
    assert (found["predicted"], found["support"], found["matched"]) == (2, 2, 0)
    assert found["predicted_cells"] - found["support_cells"] == 2 - 12


def test_the_areas_of_a_vector_map_are_the_mapped_objects(maps):
    found = objects_of(maps, object_areas="objects", minsize=3)
    assert (found["predicted"], found["support"], found["matched"]) == (2, 2, 2)
    # Both lack one of ten rows.
    assert found["segmentation_quality"] == found["panoptic_quality"] == pytest.approx(0.9)
    assert found["f1_50_95"] == pytest.approx(0.8)
    assert found["area_bias"] == pytest.approx(-0.1)
    listing = maps.run("i.dl.evaluate", **CALL, object_areas="objects", minsize=3).stdout
    assert "areas of objects@PERMANENT" in listing and "from 3 cells on" in listing
    assert set(maps.maps()) == {"map", "numbers"}
    assert set(maps.maps("vector")) == {"objects", "truth"}


def test_a_map_without_any_object_misses_all_of_the_reference(maps):
    maps.run("v.edit", map="none", tool="create", quiet=True)
    found = objects_of(maps, object_areas="none")
    assert (found["predicted"], found["support"], found["matched"]) == (0, 2, 0)
    assert found["recall"] == 0
    maps.run("g.remove", flags="f", type="vector", name="none")


def test_objects_that_are_no_areas_are_refused(maps):
    maps.run("v.random", output="dots", npoints=2, quiet=True)
    done = maps.run("i.dl.evaluate", check=False, **CALL, object_areas="dots")
    fails_with(done, "<dots@PERMANENT>")
    maps.run("g.remove", flags="f", type="vector", name="dots")
