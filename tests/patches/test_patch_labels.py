# SPDX-License-Identifier: GPL-2.0-or-later
"""One class of each patch: that of the object at its centre."""

import json

import numpy as np
import pytest

from cutting import SIZE, cut, fails_with
from grassdl.dataset.manifest import SPLITS

MIDDLE = SIZE // 2
RED = np.random.default_rng(1).integers(0, 200, (48, 48))
BOXES = {(4, 4): 1, (20, 9): 2, (20, 30): 1, (35, 20): 2, (1, 40): 1}
"""Objects of 3 x 3 cells by row and column of their centre, with their class."""


@pytest.fixture(scope="module")
def scene(new_project, tmp_path_factory):
    """Imagery, objects as areas and as segments, and a raster map of their classes."""
    project = new_project(tmp_path_factory.mktemp("patches"))
    project.run("g.region", n=48, s=0, e=48, w=0, res=1)
    project.write_raster("red", RED)
    objects, classes = np.zeros((2, 48, 48), np.int64)
    for number, ((row, col), value) in enumerate(BOXES.items(), start=1):
        box = np.s_[row - 1 : row + 2, col - 1 : col + 2]
        objects[box], classes[box] = number, value
    for name, values in (("objects", objects), ("classes", classes)):
        project.write_raster(name, values)
        project.run("r.null", map=name, setnull=0)
    project.run("r.to.vect", input="classes", output="areas", type="area", column="kind")
    return project


def centres(made):
    """Label and row and column of the centre of every patch."""
    ogr = pytest.importorskip("osgeo.ogr")
    arrays = {split: made.arrays(split)[1][:] for split in SPLITS}
    source = ogr.Open(str(made.folder / "patches.gpkg"))
    found = {}
    for feature in source.GetLayer():
        place = feature.items()
        labels = arrays[place["split"]][place["place"]]
        where = np.argwhere(labels < 254)
        assert where.tolist() == [[MIDDLE, MIDDLE]]
        own = made.manifest.classes.values[labels[MIDDLE, MIDDLE]]
        found[place["row"] + MIDDLE, place["col"] + MIDDLE] = int(own)
    return found


def test_a_patch_has_the_class_of_the_area_at_its_centre(scene, tmp_path):
    made = cut(
        scene, tmp_path / "ds", input="red", training="areas", column="kind", sampling="objects",
        target="patch", negatives=0, split_method="none",
    )  # fmt: skip
    # The last object lies too near the edge of the region.
    assert centres(made) == {place: one for place, one in BOXES.items() if place[0] > 1}
    manifest = json.loads((tmp_path / "ds" / "dataset.json").read_text())
    assert manifest["target"] == {"kind": "patch"}
    assert sum(sum(one["pixels"].values()) for one in manifest["classes"]) == 4
    assert made.manifest.target.summary == "2 classes of patches"
    assert made.check_labels() is None


def test_segments_label_patches_around_cells_of_theirs(scene, tmp_path):
    table = tmp_path / "classes.csv"
    table.write_text("cat|class\n2|2\n3|1\n4|2\n")
    made = cut(
        scene, tmp_path / "ds", input="red", segments="objects", segment_classes=table,
        sampling="objects", target="patch", negatives=0, split_method="none", format="geotiff",
    )  # fmt: skip
    assert centres(made) == {(20, 9): 2, (20, 30): 1, (35, 20): 2}


def test_a_raster_map_labels_patches_of_other_designs(scene, tmp_path):
    made = cut(
        scene, tmp_path / "ds", input="red", labels="classes", background=0, target="patch",
        split_method="none", min_labelled=100,
    )  # fmt: skip
    found = centres(made)
    assert len(found) == 36
    assert found == {place: class_at(place) for place in found}
    assert sum(map(bool, found.values())) > 0


def class_at(place):
    near = [
        one for (row, col), one in BOXES.items() if max(abs(np.subtract(place, (row, col)))) < 2
    ]
    return near[0] if near else 0


def test_what_means_nothing_for_patches_is_refused_in_one_line(scene, tmp_path):
    scene.run("r.mapcalc", expression="height = 0.5 * red")
    wrong = [
        ({"labels": "height"}, "of floating type, and target=patch is for classes"),
        ({"segments": "objects", "value": 1, "sampling": "objects", "jitter": 2}, "out jitter"),
        ({"segments": "objects", "value": 1, "background": 0, "borders": 1}, "out borders"),
    ]  # fmt: skip
    for options, words in wrong:
        result = scene.run(
            "i.dl.patches", input="red", size=SIZE, target="patch", output=tmp_path / "no",
            check=False, **options,
        )  # fmt: skip
        fails_with(result, words)
        assert not (tmp_path / "no").exists()
