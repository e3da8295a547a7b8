# SPDX-License-Identifier: GPL-2.0-or-later
"""i.dl.review in a GRASS session."""

from __future__ import annotations

import csv
import io
import shutil

import keras
import numpy as np
import pytest

from grassdl.dataset.footprints import FOOTPRINTS_NAME
from grassdl.model.folder import save_card
from grassdl.model.weights import save_network
from grassdl.predict.engines import openvino_conversion
from grassdl.predict.engines.network_facts import NetworkFacts
from grassdl.predict.engines.openvino_cache import cache_folder
from one_error import fails_with
from placed_patches import OTHER_UTM
from reviewed_dataset import AREA, CLASSES, card_of, write_areas

EDGE = 8
CELLS = EDGE * AREA
UNCERTAIN = 15
"""A brightness halfway between those of two classes."""


def table(project, name):
    """The rows of a map's table."""
    told = project.run("v.db.select", map=name, format="csv").stdout
    return list(csv.DictReader(io.StringIO(told)))


def write_model(folder, dataset_id):
    """A model that judges each cell by its brightness: 10, 20 and 30 are the three classes."""
    folder.mkdir()
    image = keras.Input((None, None, 1))
    scores = keras.layers.Conv2D(3, 1, name="logits")(image)
    network = keras.Model(image, keras.layers.Softmax(name="probabilities")(scores))
    centres = np.array([10.0, 20.0, 30.0])
    network.set_weights([0.08 * centres[None, None, None], -0.04 * centres**2])
    card = card_of(
        dataset_ids=[dataset_id],
        parameters=network.count_params(),
        stride=1,
        halo=0,
        receptive_field=1,
    )
    save_card(card, folder)
    save_network(network, folder)
    openvino_conversion.converted(
        network,
        NetworkFacts.of(network),
        cache_folder(folder),
        openvino_conversion.trial_window(card),
        lambda line: None,
    )


@pytest.fixture(scope="module")
def scene(new_project, tmp_path_factory):
    """A project with imagery whose west half is labelled, three areas wrongly; a dataset of it and
    a model."""
    folder = tmp_path_factory.mktemp("review")
    project = new_project(folder)
    crs = project.run("g.proj", flags="wf").stdout.strip()
    planted = write_areas(folder / "data", EDGE, wrong=3, crs=crs)
    manifest = (folder / "data" / "dataset.json").read_text()
    write_model(folder / "model", manifest.split('"id": "')[1].split('"')[0])
    # In the east one class, but for two squares that are uncertain.
    image = np.full((CELLS, 2 * CELLS), 10.0, np.float32)
    image[:16, 80:96], image[48:, 112:] = UNCERTAIN, UNCERTAIN - 1
    image[16:32, 64:80] = np.nan
    project.write_raster("brightness", image, resolution=0.25)
    project.run("g.region", raster="brightness")
    return project, folder, planted


@pytest.fixture
def given(scene):
    """The options of a review of both kinds."""
    _, folder, _ = scene
    return {
        "input": "brightness",
        "model": folder / "model",
        "dataset": folder / "data",
        "size": 16,
        "npatches": 2,
    }


def test_squares_are_suggested_and_labels_suspected(scene, given):
    project, folder, planted = scene
    done = project.run(
        "i.dl.review", suggestions="next_squares", suspects="doubtful", templates="parts", **given
    )
    assert "SQL compliant" not in done.stderr
    squares = table(project, "next_squares")
    assert list(squares[0]) == ["cat", "rank", "score", "measure", "cluster", "class"]
    assert [one["rank"] for one in squares] == ["1", "2"]
    assert [one["measure"] for one in squares] == ["uncertainty"] * 2
    assert float(squares[0]["score"]) > float(squares[1]["score"]) > 0.1
    assert [one["class"] for one in squares] == ["", ""]
    project.run("v.to.rast", input="next_squares", output="squares", use="cat")
    expected = np.zeros((CELLS, 2 * CELLS))
    expected[:16, 80:96], expected[48:, 112:] = 1, 2
    assert np.array_equal(project.read_raster("squares").filled(0), expected)
    doubtful = table(project, "doubtful")
    assert list(doubtful[0]) == (
        "cat rank given given_label suggested suggested_label confidence cells dataset".split()
    )
    values, labels = CLASSES.values, [one.label for one in CLASSES]
    found = {(one["given"], one["given_label"], one["suggested"]) for one in doubtful}
    assert found == {
        (str(values[given]), labels[given], str(values[truth])) for given, truth in planted.values()
    }
    assert {one["cells"] for one in doubtful} == {str(AREA**2)}
    assert all(float(one["confidence"]) > 0.95 for one in doubtful)
    project.run("v.to.rast", input="doubtful", output="wrong", use="val", value=1)
    expected = np.zeros((EDGE, EDGE))
    expected[tuple(np.array([*planted]).T)] = 1
    wrong = project.read_raster("wrong").filled(0)
    assert np.array_equal(wrong[:, :CELLS], expected.repeat(AREA, 0).repeat(AREA, 1))
    assert not wrong[:, CELLS:].any()
    info = project.run("v.info", map="doubtful").stdout
    assert "Labels that are probably wrong" in info
    parts = table(project, "parts")
    assert list(parts[0]) == ["cat", "suggestion", "cells", "class"]
    # Each square is of one brightness, which makes it one segment.
    assert [(one["suggestion"], one["cells"], one["class"]) for one in parts] == [
        ("1", "256", ""), ("2", "256", ""),
    ]  # fmt: skip
    project.run("v.to.rast", input="parts", output="in_squares", use="attr",
                attribute_column="suggestion")  # fmt: skip
    squares = project.read_raster("squares").filled(0)
    assert np.array_equal(project.read_raster("in_squares").filled(0), squares)
    assert project.run("g.list", type="group,raster", pattern="i_dl_*").stdout == ""
    # Neither outlines nor tables of half-made maps are left.
    assert project.maps("vector") == ["doubtful", "next_squares", "parts"]


def test_stored_probabilities_take_the_place_of_the_model(scene):
    project, folder, _ = scene
    sure = np.full((CELLS, 2 * CELLS), 0.9, np.float32)
    sure[:32, 64:96] = 0.5
    for value, probability in {2: sure, 7: 1 - sure}.items():
        project.write_raster(f"p_{value}", probability, resolution=0.25)
    project.run(
        "i.dl.review", probabilities="p", suggestions="by_maps", size=32, npatches=3, distance=8
    )
    first, second = table(project, "by_maps")
    assert (float(first["score"]), first["cluster"] != second["cluster"]) == (1.0, True)
    assert float(second["score"]) == pytest.approx(0.468996, abs=1e-5)
    project.run("g.remove", flags="f", type="raster,vector", pattern="p_*,by_maps")


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"size": 0}, ["Option size takes a whole number of 1 to"]),
        ({"distance": -1}, ["Option distance takes a number of 0"]),
        ({"size": 65}, ["smaller than a square of 65 x 65"]),
        ({"suggestions": "select"}, ["<select> is no legal name of a vector map"]),
        ({"suspects": "found"}, ["Two outputs would have the name <found>"]),
        ({"templates": "found"}, ["Two outputs would have the name <found>"]),
        ({"templates": "parts_of", "threshold": 1}, ["Option threshold lies above 0", "below 1"]),
        ({"suspects": "Found"}, ["Two outputs would have the name <found>"]),
        ({"dataset": "absent"}, ["Dataset folder <absent> not found"]),
        ({"model": "absent"}, ["Model folder <absent> not found"]),
        ({"input": "brightness,brightness"}, ["do not fit the model"]),
    ],
)
def test_bad_options_are_refused_in_one_line_before_anything_is_computed(
    scene, given, changes, words
):
    project, _, _ = scene
    before = project.maps("vector")
    options = {"suggestions": "found", **given, **changes}
    fails_with(project.run("i.dl.review", check=False, **options), *words)
    assert project.maps("vector") == before


def test_a_dataset_of_elsewhere_or_without_footprints_is_refused(scene, given, tmp_path):
    project, folder, _ = scene
    write_areas(tmp_path / "elsewhere", EDGE, wrong=0, crs=OTHER_UTM)
    options = {**given, "suspects": "found", "dataset": tmp_path / "elsewhere"}
    fails_with(
        project.run("i.dl.review", check=False, **options),
        "was cut in another project or coordinate reference system",
    )
    shutil.copytree(folder / "data", tmp_path / "bare")
    (tmp_path / "bare" / FOOTPRINTS_NAME).unlink()
    options = {**given, "suggestions": "found", "dataset": tmp_path / "bare"}
    fails_with(project.run("i.dl.review", check=False, **options), "patches.gpkg is missing")


@pytest.mark.parametrize("prefix", ["nothing", "nothing@nowhere", "[", "*"])
def test_probabilities_that_are_not_there_are_refused(scene, prefix):
    options = {"probabilities": prefix, "suggestions": "found", "size": 16}
    fails_with(
        scene[0].run("i.dl.review", check=False, **options),
        f"probabilities={prefix} needs a raster map {prefix.partition('@')[0]}_VALUE of each of",
        "two classes or more, found 0",
    )
