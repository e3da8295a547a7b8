# SPDX-License-Identifier: GPL-2.0-or-later
"""The vector map of i.dl.predict: areas of the class map, with class and confidence."""

import numpy as np
import pytest
from scipy import ndimage

from predicting import predict, refused
from small_model import CLASSES

MINSIZE = 6


def areas_of(project, name):
    """Number, value, label and confidence of every area, by category; and of every cell its
    category."""
    listed = project.run("v.db.select", flags="c", map=name, separator="tab").stdout
    rows = [line.split("\t") for line in listed.splitlines()]
    project.run("v.to.rast", input=name, output=f"{name}_cats", use="cat", type="area", quiet=True)
    cells = project.read_raster(f"{name}_cats").filled(0).astype(int)
    project.run("g.remove", flags="f", type="raster", name=f"{name}_cats")
    return {int(cat): (int(value), text, float(sure)) for cat, value, text, sure in rows}, cells


def check_topology(project, name, number):
    """As many areas as centroids, and none of them without a class or unclosed."""
    told = project.run("v.info", flags="t", map=name).stdout
    found = dict(line.split("=") for line in told.split())
    assert int(found["areas"]) == int(found["centroids"]) + holes(project, name)
    assert int(found["centroids"]) == number
    built = project.run("v.build", map=name, option="build").stderr.lower()
    assert "incorrect boundaries" not in built and "duplicate" not in built


def holes(project, name):
    """Areas of the map that are NULL: they have no centroid."""
    classes = project.read_raster("classes")
    grid = np.pad(np.ma.getmaskarray(classes), 1, constant_values=True)
    _, number = ndimage.label(grid)
    return number - 1


def number_of_areas(values):
    """Areas of cells of one class that share edges."""
    return sum(ndimage.label(values == value)[1] for value in CLASSES.values)


def test_areas_are_those_of_the_class_map(grass_project, bands, model):
    done = predict(grass_project, model, confidence="sure", vector="areas")
    assert "ERROR: " not in done.stderr
    assert grass_project.maps("vector") == ["areas"]
    assert set(grass_project.maps()) == {"one", "two", "classes", "sure"}
    classes = grass_project.read_raster("classes")
    sure = grass_project.read_raster("sure")
    table, cells = areas_of(grass_project, "areas")
    assert np.array_equal(cells == 0, np.ma.getmaskarray(classes))
    assert len(table) == number_of_areas(classes.filled(0))
    labels = {one.value: one.label for one in CLASSES}
    for cat, (value, label, confidence) in table.items():
        inside = cells == cat
        assert set(classes[inside]) == {value}
        assert label == labels[value]
        assert confidence == pytest.approx(sure[inside].mean(), abs=1e-6)
    check_topology(grass_project, "areas", len(table))
    area = grass_project.run("v.to.db", flags="pc", map="areas", option="area").stdout
    sizes = [float(line.split("|")[1]) for line in area.splitlines() if line[0].isdigit()]
    assert sum(sizes) == pytest.approx(classes.count(), rel=1e-9)
    history = grass_project.run("v.info", flags="h", map="areas").stdout
    assert "i.dl.predict" in history and "vector=areas" in history


def test_specks_go_into_their_neighbours_in_the_vector_map_alone(grass_project, bands, model):
    predict(grass_project, model, vector="areas")
    _, before = areas_of(grass_project, "areas")
    predict(grass_project, model, output="confidence", vector="large", minsize=MINSIZE)
    classes = grass_project.read_raster("classes")
    assert np.array_equal(grass_project.read_raster("confidence").filled(0), classes.filled(0))
    table, cells = areas_of(grass_project, "large")
    assert np.array_equal(cells == 0, np.ma.getmaskarray(classes))
    assert np.bincount(before.ravel())[1:].min() < MINSIZE
    # All of these areas have neighbours.
    assert np.bincount(cells.ravel())[1:].min() >= MINSIZE
    values = np.array([0, *(table[cat][0] for cat in range(1, len(table) + 1))])[cells]
    large = np.bincount(before.ravel())[before] >= MINSIZE
    assert np.array_equal(values[large], classes.filled(0)[large])
    check_topology(grass_project, "large", len(table))
    # No two areas of a class touch.
    assert len(table) == number_of_areas(values)


def test_tables_of_dbf_files_are_written_too(grass_project, bands, model):
    run = grass_project.run
    run("db.connect", driver="dbf", database="$GISDBASE/$LOCATION_NAME/$MAPSET/dbf/")
    predict(grass_project, model, vector="areas")
    lines = run("v.db.select", flags="c", map="areas", columns="value,label").stdout.splitlines()
    pairs = {tuple(line.split("|", 1)) for line in lines}
    assert pairs == {(str(one.value), one.label) for one in CLASSES}


class TestBadInput:
    def test_maps_that_grass_would_write_elsewhere(self, grass_project, bands, model):
        (grass_project.mapset / "GDAL").write_text("format: GTiff\ndirectory: /nowhere\n")
        refused(grass_project, model, "r.external.out is active", "'r.external.out -r' first")
        (grass_project.mapset / "GDAL").unlink()
        (grass_project.mapset / "OGR").write_text("dsn: /nowhere\nformat: GPKG\n")
        refused(grass_project, model, "v.external.out is active", vector="areas")

    def test_names_that_are_too_long(self, grass_project, bands, model):
        name = "x" * 201
        refused(grass_project, model, "201 bytes: choose one of at most 200", confidence=name)
        refused(grass_project, model, "201 bytes: choose one of at most 200", vector=name)

    def test_a_name_that_is_none(self, grass_project, bands, model):
        refused(grass_project, model, "<a.b>", "legal name of a vector map", vector="a.b")
        refused(grass_project, model, "<select>", "word of SQL", vector="select")

    def test_a_vector_map_that_exists(self, grass_project, bands, model):
        grass_project.run("v.random", output="there", npoints=1, quiet=True)
        refused(grass_project, model, "<there>", "exists", vector="there")

    def test_a_name_whose_table_is_taken(self, grass_project, bands, model):
        grass_project.run("v.random", output="there", npoints=1, quiet=True)
        grass_project.run("v.db.addtable", map="there", quiet=True)
        refused(grass_project, model, "name of table <there>, since case does", vector="There")
        grass_project.run("g.remove", flags="f", type="vector", name="there", quiet=True)
        grass_project.run("db.execute", sql="CREATE TABLE lonely (cat INTEGER)")
        refused(grass_project, model, "table <lonely> that is of no vector", vector="lonely")

    def test_a_size_without_a_vector_map(self, grass_project, bands, model):
        refused(grass_project, model, "minsize", "vector", minsize=3)

    def test_a_size_that_is_none(self, grass_project, bands, model):
        refused(grass_project, model, "minsize", "1 or more", vector="v", minsize=0)

    @pytest.mark.parametrize("prefix", ["p q", "a/b"])
    def test_a_prefix_that_makes_illegal_names(self, grass_project, bands, model, prefix):
        refused(grass_project, model, prefix, "legal name", probabilities=prefix)
