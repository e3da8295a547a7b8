# SPDX-License-Identifier: GPL-2.0-or-later
"""Patches with a class for the borders between objects."""

import json

import numpy as np
import pytest

from cutting import cut, fails_with, painted
from grassdl.core.classes import UNLABELLED_INDEX

CELLS = 24


@pytest.fixture(scope="module")
def areas(new_project, tmp_path_factory):
    """Band `red`; areas of 16 x 8 cells that touch: `shared` with one category, `crossed` with
    their own, and a part of 16 x 2 cells that has those of both."""
    grass_project = new_project(tmp_path_factory.mktemp("borders"))
    grass_project.write_raster("red", np.arange(CELLS * CELLS).reshape(CELLS, CELLS))
    grass_project.run("g.region", raster="red")
    ids = np.full((CELLS, CELLS), np.nan)
    ids[4:20, 4:12], ids[4:20, 12:20] = 1, 2
    of_areas(grass_project, "shared", ids, {1: [3], 2: [3]})
    ids[4:20, 10:12] = 3
    of_areas(grass_project, "crossed", ids, {1: [1], 2: [2], 3: [1, 2]})
    return grass_project


def of_areas(project, name, ids, categories):
    """Make a vector map of the areas of an array, each with these categories."""
    project.write_raster("drawn", ids, dtype="CELL")
    outlines = {"input": "drawn", "output": "outlines", "type": "area"}
    project.run("r.to.vect", flags="vt", **outlines, overwrite=True)
    text = project.run("v.out.ascii", input="outlines", layer=-1, format="standard").stdout
    lines = iter(text.splitlines())
    told = []
    for line in lines:
        if line.startswith("C "):
            place, (_, drawn) = next(lines), next(lines).split()
            own = categories[int(drawn)]
            line = "\n".join([f"C 1 {len(own)}", place, *(f" 1 {one}" for one in own)])
        told.append(line)
    project.run(
        "v.in.ascii", input="-", output=name, format="standard", stdin="\n".join(told) + "\n"
    )


def expected(width, inside, border, outside):
    """Label codes of the two areas with a border of this width."""
    codes = np.full((CELLS, CELLS), outside)
    codes[4:20, 4:20] = inside
    seam = (width + 1) // 2
    codes[4:20, 12 - seam : 12 + seam] = border
    # Beyond the ends of the seam, where both areas are within the width.
    for rows in (slice(4 - width, 4), slice(20, 20 + width)):
        codes[rows, 12 - width : 12 + width] = border
    return codes


def test_areas_that_share_a_category_are_objects_of_their_own(areas, tmp_path):
    dataset = cut(
        areas, tmp_path / "ds", input="red", training="shared", borders=1, split_method="none",
    )  # fmt: skip
    assert [(one.value, one.border) for one in dataset.manifest.classes] == [(3, 0), (4, 1)]
    labels = painted(dataset, CELLS, CELLS)[1]
    codes = expected(1, 0, 1, UNLABELLED_INDEX)
    np.testing.assert_array_equal(labels[labels >= 0], codes[labels >= 0])


def test_a_raster_map_of_object_ids_and_one_class_value_have_the_same_borders(areas, tmp_path):
    ids = np.zeros((CELLS, CELLS))
    ids[:], ids[4:20, 4:12], ids[4:20, 12:20] = np.nan, 70000, -5
    areas.write_raster("ids", ids, dtype="CELL")
    dataset = cut(
        areas, tmp_path / "ds", input="red", segments="ids", value=4, background=0, borders=3,
        split_method="none", nprocs=2, memory=50,
    )  # fmt: skip
    np.testing.assert_array_equal(painted(dataset, CELLS, CELLS)[1], expected(3, 1, 2, 0))


def test_touching_areas_are_apart_by_a_class_of_their_own_and_overlaps_are_parts_of_them(
    areas, tmp_path
):
    """What two polygons share belongs to the first of them, and has no border to it."""
    dataset = cut(
        areas, tmp_path / "ds", input="red", training="crossed", value=4, background=0, borders=2,
        split_method="none",
    )  # fmt: skip
    found = [(one.value, one.label, one.border) for one in dataset.manifest.classes]
    assert found == [(0, "background", 0), (4, "4", 0), (5, "border", 2)]
    np.testing.assert_array_equal(painted(dataset, CELLS, CELLS)[1], expected(2, 1, 2, 0))
    told = json.loads((tmp_path / "ds" / "dataset.json").read_text())["classes"]
    assert [one.get("border") for one in told] == [None, None, 2]


@pytest.mark.parametrize(
    "options, told",
    [
        ({"labels": "red"}, ("borders",)),
        ({"training": "dots", "value": 1}, ("borders", "<dots@PERMANENT> has points")),
        (
            {"training": "crossed", "value": 4, "borders": 0},
            ("borders takes a whole number of 1 to 64",),
        ),
        ({"training": "crossed", "value": 4, "class_values": "{}"}, ("Class 4 border", "borders=")),
    ],
)
def test_borders_without_objects_are_refused(areas, tmp_path, options, told):
    areas.run("v.in.ascii", input="-", output="dots", stdin="5|5|1\n9|9|2\n", overwrite=True)
    (tmp_path / "classes").write_text("4|border\n")
    given = {name: str(one).format(tmp_path / "classes") for name, one in options.items()}
    done = areas.run(
        "i.dl.patches", check=False, input="red", output=tmp_path / "ds",
        **{"borders": 2, "size": 8, **given},
    )  # fmt: skip
    fails_with(done, *told)
    assert not (tmp_path / "ds").exists()
