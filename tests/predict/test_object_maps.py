# SPDX-License-Identifier: GPL-2.0-or-later
"""The maps of objects of i.dl.predict."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from grassdl.core.classes import ClassScheme
from grassdl.model.folder import load_card, save_card
from predicting import predict, refused
from small_model import CLASSES

REACH = 2


@pytest.fixture
def with_border(model):
    """The model, whose last class is the border of the others."""
    card = load_card(model[0])
    *others, last = CLASSES
    save_card(replace(card, target=ClassScheme([*others, replace(last, border=REACH)])), model[0])
    return model


def table_of(project, name):
    """Value, label, confidence, cells and area of every object, by category."""
    listed = project.run("v.db.select", flags="c", map=name, separator="tab").stdout
    rows = [line.split("\t") for line in listed.splitlines()]
    return {
        int(cat): (int(value), label, float(sure), int(cells), float(area))
        for cat, value, label, sure, cells, area in rows
    }


def test_objects_are_the_same_for_all_tiles_and_have_one_area_each(
    grass_project, bands, with_border
):
    predict(grass_project, with_border, objects="one_by_one", tile_size=16, minsize=3)
    predict(
        grass_project, with_border, output="again", objects="objects", vector="areas", minsize=3,
        confidence="sure", tile_size=40,
    )  # fmt: skip
    found = grass_project.read_raster("objects").filled(0).astype(int)
    np.testing.assert_array_equal(found, grass_project.read_raster("one_by_one").filled(0))
    classes, sure = (grass_project.read_raster(name) for name in ("again", "sure"))
    table = table_of(grass_project, "areas")
    assert sorted(table) == list(range(1, found.max() + 1)) and found.max() > 5
    labels = {one.value: one.label for one in CLASSES}
    for cat, (value, label, confidence, cells, area) in table.items():
        inside = found == cat
        assert ndimage.label(inside)[1] == 1
        assert cells == area == inside.sum() >= 3
        assert set(classes[inside]) <= {value, 9} and value in classes[inside]
        assert label == labels[value]
        assert confidence == pytest.approx(sure[inside].mean(), abs=1e-6)
    # Objects have taken some of the border, and none of the other class.
    assert 0 < (found[classes.filled(0) == 9] > 0).mean() < 1
    topology = grass_project.run("v.info", flags="t", map="areas").stdout
    told = dict(line.split("=") for line in topology.split())
    assert int(told["centroids"]) == len(table)
    grass_project.run("v.to.rast", input="areas", output="back", use="cat", type="area")
    np.testing.assert_array_equal(grass_project.read_raster("back").filled(0), found)


def test_named_classes_of_stored_probabilities_have_objects_without_a_border(
    grass_project, bands, model
):
    shape = bands.shape[:2]
    shares = np.zeros((3, *shape), np.float32)
    shares[0] = 1
    shares[:, 5:9, 5:9] = np.array([0.2, 0.8, 0], np.float32)[:, None, None]
    shares[:, 20:22, 5:9] = np.array([0.2, 0, 0.8], np.float32)[:, None, None]
    for one, share in zip(CLASSES, shares, strict=True):
        grass_project.write_raster(f"p_{one.value}", share)
    options = {"model": model[0], "probabilities": "p", "output": "c", "vector": "v"}
    options |= {"objects": "objects", "object_classes": "9,5"}
    grass_project.run("i.dl.predict", **options)
    found = grass_project.read_raster("objects").filled(0)
    assert np.unique(found, return_counts=True)[1].tolist() == [shares[0].size - 24, 16, 8]
    assert table_of(grass_project, "v") == {
        1: (5, "roof", pytest.approx(0.8), 16, 16.0), 2: (9, "a b|c", pytest.approx(0.8), 8, 8.0)
    }  # fmt: skip
    # A map without objects is one, too.
    grass_project.run("i.dl.predict", **{**options, "minsize": 17}, overwrite=True)
    assert not grass_project.read_raster("objects").count()
    assert table_of(grass_project, "v") == {}


def test_what_has_no_objects_is_told_in_one_line(grass_project, bands, model):
    told = "Model <small> has no class of borders", "(object_classes)"
    refused(grass_project, model, *told, objects="o")
    refused(grass_project, model, "Class 7", "2 grass", objects="o", object_classes=7)
    refused(grass_project, model, "<two>", "exists", objects="two", object_classes=2)
