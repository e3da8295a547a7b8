# SPDX-License-Identifier: GPL-2.0-or-later
"""Where datasets are from."""

from types import SimpleNamespace

import pytest
from osgeo import osr

from grassdl.dataset.areas import area_of, crs_name, footprint


def wkt(epsg):
    osr.UseExceptions()
    system = osr.SpatialReference()
    system.ImportFromEPSG(epsg)
    return system.ExportToWkt()


def dataset(crs, north=1000.0, south=0.0, east=501000.0, west=500000.0):
    region = {"north": north, "south": south, "east": east, "west": west}
    export = SimpleNamespace(crs=crs, region=region)
    return SimpleNamespace(export=export, dataset_id="ab", counts={"train": 3})


def test_a_region_is_told_in_degrees_longitude_first_and_counter_clockwise():
    found = footprint([dataset(wkt(32631))])
    ((ring,),) = found["coordinates"]
    # Zone 31 has its central meridian at 3 degrees, where x is 500 km; 1 km is 0.00899 degrees.
    assert ring[0] == pytest.approx([3, 0], abs=1e-6)
    assert ring[1] == pytest.approx([3.008987, 0], abs=1e-5)
    assert ring[2] == pytest.approx([3.008987, 0.009047], abs=1e-5)
    assert ring[4] == ring[0]
    assert found["type"] == "MultiPolygon"


def test_every_dataset_has_a_polygon_of_its_own():
    degrees = dataset(wkt(4326), north=10.0, south=9.0, east=6.0, west=5.0)
    found = footprint([dataset(wkt(32631)), degrees])
    assert found["coordinates"][1] == [[[5, 9], [6, 9], [6, 10], [5, 10], [5, 9]]]


@pytest.mark.parametrize("crs", ["", "no WKT", 'LOCAL_CS["site"]'])
def test_what_lies_nowhere_on_earth_has_no_footprint(crs):
    assert footprint([dataset(wkt(32631)), dataset(crs)]) is None


def test_an_area_tells_extent_and_the_name_of_its_coordinate_system():
    assert area_of(dataset(wkt(32631))) == {
        "dataset_id": "ab",
        "crs": "WGS 84 / UTM zone 31N",
        "north": 1000.0,
        "south": 0.0,
        "east": 501000.0,
        "west": 500000.0,
        "patches": {"train": 3},
    }
    assert crs_name("") is None
