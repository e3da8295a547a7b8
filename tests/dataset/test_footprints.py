# SPDX-License-Identifier: GPL-2.0-or-later
"""`patches.gpkg`: rectangles and class shares of the patches."""

import numpy as np
import pytest

from grassdl.core.classes import ClassScheme, MapClass
from grassdl.dataset.footprints import Footprint, write_footprints

ogr = pytest.importorskip("osgeo.ogr", reason="GDAL's Python package is missing")
osr = pytest.importorskip("osgeo.osr")

CLASSES = ClassScheme([MapClass(3, "water", "0:0:255"), MapClass(12, "roof", "9:9:9")])
REGION = {"north": 5000.5, "west": -20.0, "nsres": 0.5, "ewres": 0.25}
FOOTPRINTS = [
    Footprint("train", 0, 0, 0, np.array([0.25, 0.5])),
    Footprint("test", 0, 10, 4, np.array([0.0, 1.0])),
    Footprint("train", 1, 12, 8, np.array([0.125, 0.0])),
]


def wkt(code):
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(code)
    return reference.ExportToWkt(["FORMAT=WKT2_2019"])


def features(folder):
    source = ogr.Open(str(folder / "patches.gpkg"))
    layer = source.GetLayerByName("patches")
    found = [(feature.items(), feature.geometry().GetEnvelope()) for feature in layer]
    return found, layer.GetSpatialRef()


def test_rectangles_and_shares_are_those_of_the_patches(tmp_path):
    write_footprints(tmp_path, FOOTPRINTS, CLASSES, 8, REGION, wkt(32631))
    found, reference = features(tmp_path)
    assert found == [
        (
            {
                "split": "train",
                "GRASSRGB": "0:114:178",
                "place": 0,
                "row": 0,
                "col": 0,
                "share_3": 0.25,
                "share_12": 0.5,
            },
            (-20.0, -18.0, 4996.5, 5000.5),
        ),
        (
            {
                "split": "test",
                "GRASSRGB": "204:121:167",
                "place": 0,
                "row": 10,
                "col": 4,
                "share_3": 0.0,
                "share_12": 1.0,
            },
            (-19.0, -17.0, 4991.5, 4995.5),
        ),
        (
            {
                "split": "train",
                "GRASSRGB": "0:114:178",
                "place": 1,
                "row": 12,
                "col": 8,
                "share_3": 0.125,
                "share_12": 0.0,
            },
            (-18.0, -16.0, 4990.5, 4994.5),
        ),
    ]
    assert reference.GetAuthorityCode(None) == "32631"


def test_east_stays_east_in_geographic_coordinates(tmp_path):
    region = {"north": 50.0, "west": 8.0, "nsres": 0.5, "ewres": 0.5}
    write_footprints(tmp_path, FOOTPRINTS[:1], CLASSES, 2, region, wkt(4326))
    assert features(tmp_path)[0][0][1] == (8.0, 9.0, 49.0, 50.0)


def test_a_project_without_projection_has_footprints_too(tmp_path):
    write_footprints(tmp_path, FOOTPRINTS, CLASSES, 8, REGION, "")
    assert len(features(tmp_path)[0]) == 3


def test_what_gdal_cannot_write_is_an_error_of_the_disk(tmp_path):
    with pytest.raises(OSError, match="Footprints <patches.gpkg> cannot be written"):
        write_footprints(tmp_path / "nowhere", FOOTPRINTS, CLASSES, 8, REGION, "")
