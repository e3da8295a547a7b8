# SPDX-License-Identifier: GPL-2.0-or-later
"""Where datasets are from."""

from types import SimpleNamespace

import pytest
from osgeo import osr

from grassdl.dataset.areas import area_of, crs_name, footprint, overlap


def wkt(epsg):
    osr.UseExceptions()
    system = osr.SpatialReference()
    system.ImportFromEPSG(epsg)
    return system.ExportToWkt()


def dataset(
    crs, north=1000.0, south=0.0, east=501000.0, west=500000.0, source="red@p", project="a"
):
    region = {"north": north, "south": south, "east": east, "west": west, "ewres": 0.0001}
    region["nsres"] = 0.5
    export = SimpleNamespace(crs=crs, region=region, project=project)
    bands = [SimpleNamespace(source={"map": source})]
    return SimpleNamespace(export=export, bands=bands, dataset_id="ab", counts={"train": 3})


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
        "wkt": wkt(32631),
        "project": "a",
        "maps": ["red@p"],
        "nsres": 0.5,
        "ewres": 0.0001,
        "north": 1000.0,
        "south": 0.0,
        "east": 501000.0,
        "west": 500000.0,
        "patches": {"train": 3},
    }
    assert crs_name("") is None


def test_a_system_that_is_bound_to_another_has_the_name_of_its_own():
    assert crs_name('BOUNDCRS[SOURCECRS[PROJCRS["grid", BASEGEOGCRS["globe"') == "grid"


def degrees(west, east):
    return dataset(wkt(4326), north=1.0, south=0.0, east=east, west=west)


def longitudes(found):
    return [[corner[0] for corner in polygon[0]] for polygon in found["coordinates"]]


@pytest.mark.parametrize("turns", [-360, 0, 360])
def test_a_region_across_180_degrees_is_told_in_two_parts(turns):
    found = footprint([degrees(179.9 + turns, 180.2 + turns)])
    assert longitudes(found) == [
        [179.9, 180, 180, 179.9, 179.9],
        [-180, -179.8, -179.8, -180, -180],
    ]


def test_a_region_beyond_180_degrees_is_told_where_it_lies():
    assert longitudes(footprint([degrees(180, 180.2)])) == [[-180, -179.8, -179.8, -180, -180]]


def test_a_region_of_another_system_across_180_degrees_does_not_span_the_earth():
    # Zone 60 ends at 180 degrees, 334 km east of its central meridian of 500 km.
    found = footprint([dataset(wkt(32660), west=830000.0, east=840000.0)])
    east, west = longitudes(found)
    assert min(east) == pytest.approx(179.96, abs=0.01)
    assert max(west) == pytest.approx(-179.945, abs=0.01)
    assert max(east) == 180
    assert min(west) == -180


def test_the_whole_earth_stays_whole_wherever_its_region_begins():
    assert longitudes(footprint([degrees(-180, 180)])) == [[-180, 180, 180, -180, -180]]
    assert longitudes(footprint([degrees(0, 360)])) == [
        [0, 180, 180, 0, 0],
        [-180, 0, 0, -180, -180],
    ]


@pytest.mark.parametrize(
    "first, second, expected",
    [
        ((179.99, 180.0156), (-179.995, -179.9844), True),
        ((-179.995, -179.9844), (179.99, 180.0156), True),
        ((179.99, 180.0156), (-179.9844, -179.97), False),
        ((-179.9844, -179.97), (179.99, 180.0156), False),
        ((0, 360), (-180, 180), True),
        ((-180, -170), (170, 180), False),
    ],
)
def test_regions_overlap_around_the_earth(first, second, expected):
    assert overlap(degrees(*first), degrees(*second)) == expected


def test_regions_of_one_system_overlap_where_they_share_cells():
    first = dataset(wkt(32631))
    assert overlap(first, dataset(wkt(32631), west=500999.0, east=502000.0, source="other@p"))
    assert not overlap(first, dataset(wkt(32631), west=501000.0, east=502000.0))
    assert not overlap(first, dataset(wkt(32631), north=0.0, south=-9.0))
    assert not overlap(first, dataset(wkt(32632)))


def test_without_coordinates_only_patches_of_the_same_map_overlap():
    first = dataset("")
    assert overlap(first, dataset(""))
    assert not overlap(first, dataset("", source="other@p"))
    assert not overlap(first, dataset("", project="b"))
    assert overlap(first, dataset("", project=""))
    assert not overlap(first, dataset("", west=501000.0, east=502000.0))
