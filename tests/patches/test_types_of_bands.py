# SPDX-License-Identifier: GPL-2.0-or-later
"""Integer maps whose recorded range is missing, guessed or stale: no value wraps."""

import re

import numpy as np
import pytest
from osgeo import gdal

from cutting import SIZE, cut, fails_with, painted

CELLS = 24
LOW, HIGH = np.indices((CELLS, CELLS)).sum(axis=0) % 200, 1000 * np.indices((CELLS, CELLS))[0]


def write_file(path, values):
    """A GeoTIFF of 16 bits."""
    image = gdal.GetDriverByName("GTiff").Create(str(path), CELLS, CELLS, 1, gdal.GDT_UInt16)
    image.SetGeoTransform((0, 1, 0, CELLS, 0, -1))
    image.GetRasterBand(1).WriteRaster(0, 0, CELLS, CELLS, values.astype("<u2").tobytes())


@pytest.fixture(scope="module")
def maps(new_project, tmp_path_factory):
    """Maps that hold HIGH and are said to hold less, `low` that is said to hold more, and labels;
    tests leave them as they are."""
    folder = tmp_path_factory.mktemp("maps")
    project = new_project(folder)
    run, write = project.run, project.write_raster
    run("g.region", n=CELLS, s=0, w=0, e=CELLS, res=1)
    for name, values in (("truth", LOW % 2 + 1), ("part", LOW), ("stale", HIGH), ("missing", HIGH)):
        write(name, values)
    for name, flags in (("linked", "or"), ("renewed", "o"), ("low", "om")):
        write_file(folder / f"{name}.tif", LOW)
        run("r.external", flags=flags, input=folder / f"{name}.tif", output=name)
    for name in ("linked", "renewed"):
        write_file(folder / f"{name}.tif", HIGH)
    write("beside", LOW, north=2 * CELLS)
    run("r.buildvrt", input="part,beside", output="joined")
    write("part", HIGH)
    metadata = project.mapset / "cell_misc"
    for name in ("missing", "truth"):
        (metadata / name / "range").unlink()
    (metadata / "stale/range").write_text("0 254\n")
    return project


def test_types_are_the_smallest_that_hold_what_maps_without_a_sure_range_hold(maps, tmp_path):
    names = ["low", "linked", "renewed", "joined", "missing"]
    dataset = cut(maps, tmp_path / "ds", input=names, labels="truth", split_method="none")
    images, labels, _ = painted(dataset, CELLS, CELLS)
    assert np.array_equal(images, np.dstack([LOW] + [HIGH] * 4))
    assert [band.dtype for band in dataset.manifest.bands] == ["uint8"] + ["uint16"] * 4
    assert dataset.manifest.dtype == "uint16"
    # The labels have no range either.
    assert np.array_equal(labels, LOW % 2)


def test_a_link_that_may_hold_more_than_it_does_is_stored_in_the_smaller_type(maps, tmp_path):
    dataset = cut(maps, tmp_path / "ds", input="low", labels="truth", split_method="none")
    assert dataset.manifest.dtype == "uint8"
    assert np.array_equal(painted(dataset, CELLS, CELLS)[0][..., 0], LOW)


def test_a_map_with_more_than_its_recorded_range_is_refused(maps, tmp_path):
    refused = maps.run(
        "i.dl.patches", check=False, input="stale", labels="truth", size=SIZE,
        split_method="none", output=tmp_path / "ds",
    )  # fmt: skip
    fails_with(refused, "<stale@PERMANENT>", "recorded range", "r.support -s map=stale")
    assert not (tmp_path / "ds").exists()


def test_no_data_that_nobody_declared_is_told_by_band_with_its_share_and_the_call(maps, tmp_path):
    corner = np.indices((CELLS, CELLS)).max(axis=0) < CELLS // 2
    heights = np.random.default_rng(2).normal(200, 9, (CELLS, CELLS)).astype(np.float32)
    maps.write_raster("heights", np.where(corner, np.float32(-9999), heights))
    write_file(tmp_path / "bright.tif", np.where(corner, 65535, heights.astype(int)))
    maps.run("r.external", flags="o", input=tmp_path / "bright.tif", output="bright")
    options = {"flags": "p", "input": "heights,bright,low", "labels": "truth", "size": SIZE}
    told = " ".join(maps.run("i.dl.patches", bands="dsm,nir,low", **options).stderr.split())
    assert told.count("if it stands for no data") == 2
    assert "<heights@PERMANENT> of band <dsm> holds the value -9999 in about 25 %" in told
    assert "<bright@PERMANENT> of band <nir> holds the value 65535 in about 25 %" in told
    call = "r.null map=heights setnull=-9999"
    assert call in told
    module, *words = call.split()
    maps.run(module, **dict(word.split("=") for word in words))
    expression = re.search("r.mapcalc expression='(.*?)'", told)[1]
    maps.run("r.mapcalc", expression=expression)
    options["input"] = f"heights,{expression.split()[0]},low"
    assert "no data" not in maps.run("i.dl.patches", **options).stderr
