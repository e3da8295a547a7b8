# SPDX-License-Identifier: GPL-2.0-or-later
"""Labels that are values: maps of floating type, and numbers of training areas and points."""

import json

import numpy as np
import pytest

from cutting import SIZE, cut, fails_with, painted

rng = np.random.default_rng(1)
RED = rng.integers(0, 200, (48, 48))
HEIGHT = np.where(rng.random((48, 48)) < 0.1, np.nan, rng.uniform(0, 30, (48, 48))).astype("f4")
HEIGHT[:, :8] = 0


@pytest.fixture(scope="module")
def scene(new_project, tmp_path_factory):
    """Imagery, heights in m that are NULL here and there, and points and areas with heights."""
    project = new_project(tmp_path_factory.mktemp("values"))
    project.run("g.region", n=48, s=0, e=48, w=0, res=1)
    project.write_raster("red", RED)
    project.write_raster("height", HEIGHT)
    project.run("r.support", map="height", units="m")
    project.run("r.mapcalc", expression="rounded = round(height)")
    project.run("r.mapcalc", expression="whole = float(rounded)")
    project.run("r.mapcalc", expression="flat = if(isnull(height), null(), 2.5)")
    lines = [
        f"{x}|{y}|{h}|t{h}" for x, y, h in ((4.5, 43.5, 12.5), (20.5, 30.5, 3), (40, 10, 7.25))
    ]
    project.run(
        "v.in.ascii", input="-", output="trees", separator="pipe", stdin="\n".join(lines),
        columns="x double, y double, h double, name text", cat=0, flags="r", x=1, y=2,
    )  # fmt: skip
    project.run("v.buffer", input="trees", output="crowns", distance=3, flags="t")
    return project


def test_a_map_of_floating_type_holds_values_and_null_is_unlabelled(scene, tmp_path):
    made = cut(scene, tmp_path / "ds", input="red", labels="height")
    _, labels, splits = painted(made)
    assert (splits >= 0).all()
    np.testing.assert_array_equal(labels.astype(np.float32), HEIGHT)
    target = made.manifest.target
    assert (target.name, target.units) == ("height", "m")
    assert target.edges[0] > 0
    assert target.counted.labels[0].startswith("below")


def test_a_background_is_the_value_of_cells_without_one(scene, tmp_path):
    made = cut(scene, tmp_path / "ds", input="red", labels="height", background=0, nprocs=2)
    _, labels, _ = painted(made)
    np.testing.assert_array_equal(labels.astype(np.float32), np.nan_to_num(HEIGHT))


def test_an_integer_map_holds_values_where_target_says_so(scene, tmp_path):
    sampled = {"sampling": "stratified", "npatches": 12}
    made = cut(scene, tmp_path / "ds", input="red", labels="rounded", target="value", **sampled)
    labels = np.concatenate([made.arrays(split)[1][:] for split in made.manifest.counts])
    assert labels.dtype == np.float32
    assert set(np.unique(labels[np.isfinite(labels)])) <= set(range(31))


def test_points_label_the_cells_around_them_with_their_values(scene, tmp_path):
    made = cut(
        scene, tmp_path / "ds", input="red", training="trees", column="h", target="value", radius=1,
        split_method="none", sampling="objects", negatives=0,
    )  # fmt: skip
    labels = np.concatenate([made.arrays(split)[1][:] for split in made.manifest.counts])
    assert set(np.unique(labels[np.isfinite(labels)])) == {12.5, 3.0, 7.25}
    assert np.count_nonzero(labels == 12.5) == 5


def test_areas_label_their_cells_with_their_values(scene, tmp_path):
    made = cut(
        scene, tmp_path / "ds", input="red", training="crowns", column="h", target="value",
        split_method="none",
    )  # fmt: skip
    told = json.loads((tmp_path / "ds" / "dataset.json").read_text())["target"]
    assert (told["name"], told["minimum"], told["maximum"]) == ("h", 3.0, 12.5)
    assert 60 < sum(made.manifest.pixels["train"]) < 100


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"labels": "whole"}, ["31 whole numbers", "int()", "give target=value"]),
        ({"labels": "flat"}, ["hold the value 2.5 only in the region"]),
        ({"labels": "height", "target": "classes"}, ["is of floating point type", "integers"]),
        ({"labels": "height", "class_values": "x"}, ["class_values is for classes"]),
        ({"training": "trees", "target": "value"}, ["target=value with training needs column="]),
        (
            {"training": "trees", "target": "value", "column": "name"},
            ["Column <name> of <trees@PERMANENT> is of type", "values are numbers"],
        ),
        ({"training": "trees", "target": "value", "value": 3}, ["value is for classes"]),
        (
            {"training": "crowns", "target": "value", "column": "h", "borders": 2},
            ["borders is for classes"],
        ),
    ],
)
def test_bad_input_ends_in_one_line_and_writes_nothing(scene, tmp_path, options, words):
    found = scene.run(
        "i.dl.patches", check=False, input="red", output=tmp_path / "ds", size=SIZE, **options
    )
    fails_with(found, *words)
    assert list(tmp_path.iterdir()) == []
