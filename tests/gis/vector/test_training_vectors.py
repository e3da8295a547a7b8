# SPDX-License-Identifier: GPL-2.0-or-later
"""Classes that vector maps tell: their columns, layers, links, and areas smaller than a cell."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from paths import LIBRARY

EDGE = 48

SQUARE = [(2, 2), (12, 2), (12, 12), (2, 12)]
HOOK = [(20, 20), (40, 20), (40, 22), (22, 22), (22, 40), (20, 40)]
"""Its bounding box has its centre outside of it."""


def speck(x, y):
    """A square that lies beside the centre of the cell."""
    return [(x, y), (x + 0.3, y), (x + 0.3, y + 0.3), (x, y + 0.3)]


AREAS = [
    (SQUARE, "1", "meadow", 3.0, 0.5),
    (HOOK, "2", "road", 4.0, 1.0),
    (speck(30.1, 30.1), "10", "car", 5.0, 1.0),
    (speck(33.1, 8.6), "10", "car", 5.0, 1.0),
    (speck(44.4, 44.4), "10", "car", 5.0, 1.0),
]
"""The last one covers the centre of a cell."""


@pytest.fixture(scope="module")
def project(new_project, tmp_path_factory):
    """A band, the areas as the map `areas`, and linked without key column as `linked`."""
    gdal = pytest.importorskip("osgeo.gdal")
    folder = tmp_path_factory.mktemp("areas")
    made = new_project(folder)
    features = [
        {
            "type": "Feature",
            "properties": dict(zip(("code", "kind", "whole", "half"), told, strict=True)),
            "geometry": {"type": "Polygon", "coordinates": [[*corners, corners[0]]]},
        }
        for corners, *told in AREAS
    ]
    content = {"type": "FeatureCollection", "features": features}
    (folder / "areas.geojson").write_text(json.dumps(content))
    gdal.VectorTranslate(
        str(folder / "areas.shp"), str(folder / "areas.geojson"), format="ESRI Shapefile"
    )
    made.run("g.region", n=EDGE, s=0, w=0, e=EDGE, res=1)
    made.write_raster("red", np.arange(EDGE * EDGE).reshape(EDGE, EDGE))
    made.run("v.in.ogr", flags="o", input=folder / "areas.geojson", output="areas", quiet=True)
    made.run("v.external", flags="o", input=folder / "areas.shp", layer="areas", output="linked")
    return made


def told(project, expression):
    """What an expression gives, or the error that it ends with, in a session of the project."""
    lines = [
        "from grassdl.gis.vector.attributes import *",
        "from grassdl.gis.raster.region import Region",
        "from grassdl.gis.vector.sites import *",
        f"try:\n    print({expression})\nexcept ValueError as error:\n    print(error)",
    ]
    path = os.pathsep.join([str(LIBRARY), project.environment["PYTHONPATH"]])
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)],
        env={**project.environment, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_columns_of_whole_numbers_and_of_texts_tell_classes(project):
    digits, whole = (
        told(project, f"class_texts('areas@PERMANENT', 'areas', '{one}')")
        for one in ("code", "whole")
    )
    assert digits == "{1: '1', 2: '2', 3: '10', 4: '10', 5: '10'}"
    assert whole == "{1: '3', 2: '4', 3: '5', 4: '5', 5: '5'}"
    half = told(project, "class_texts('areas@PERMANENT', '1', 'half')")
    assert half == "Column <half> of <areas@PERMANENT> holds 0.5: class values are whole numbers"


def test_a_layer_that_there_is_not_and_a_link_without_key_are_told_in_one_line(project):
    missing = told(project, "class_texts('areas@PERMANENT', 'nowhere', 'kind')")
    assert missing.endswith("no layer <nowhere>, its layers with a table are: 1 (areas)")
    linked = told(project, "class_texts('linked@PERMANENT', '1', 'kind')")
    assert linked.startswith("Vector map <linked@PERMANENT> is linked (v.external) without a key")
    assert linked.endswith("import it with v.in.ogr")


def test_the_place_of_an_area_is_in_it_and_small_ones_are_known(project):
    found = told(
        project,
        "(lambda one: (one.places.round(2).tolist(), one.label_cells.tolist()))"
        "(read_areas('areas@PERMANENT', 1, Region.current()))",
    )
    places, label_cells = eval(found)
    by_place = dict(zip(map(tuple, places), label_cells, strict=True))
    assert by_place.pop((7, 7)) is True
    specks = {
        place: by_place.pop(place) for place in [(30.25, 30.25), (33.25, 8.75), (44.55, 44.55)]
    }
    assert list(specks.values()) == [False, False, True]
    ((x, y),) = by_place
    assert by_place[(x, y)] is True
    assert (20 < x < 40 and 20 < y < 22) or (20 < x < 22 and 20 < y < 40)


def test_texts_of_digits_are_values_and_specks_are_told_and_no_objects(project, tmp_path):
    done = project.run(
        "i.dl.patches", input="red", training="areas", layer="areas", column="code", background=0,
        sampling="objects", negatives=0, size=8, split_method="none", output=tmp_path / "ds",
    )  # fmt: skip
    message = " ".join(done.stderr.split())
    assert "cover no cell centre and label nothing: 2 of 3 of class <10>; set a finer" in message
    manifest = json.loads((tmp_path / "ds" / "dataset.json").read_text())
    assert [one["value"] for one in manifest["classes"]] == [0, 1, 2, 10]
    labels = np.load(tmp_path / "ds" / "train" / "labels.npy")
    assert len(labels) == 3
    assert (labels != 0).any(axis=(1, 2)).all()
    assert (labels == 3).sum() == 1
