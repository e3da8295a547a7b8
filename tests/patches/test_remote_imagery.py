# SPDX-License-Identifier: GPL-2.0-or-later
"""Imagery that stays on a server: cloud-optimised GeoTIFFs and VRTs of them, by r.external."""

from __future__ import annotations

import json

import numpy as np
import pytest
from osgeo import gdal, osr

from file_server import serving

SIZE, TILE = 1024, 512
FREE_OF_PROXIES = {"no_proxy": "127.0.0.1", "NO_PROXY": "127.0.0.1"}


def write_geotiff(path, values, west, driver):
    """A GeoTIFF of 16 bits without statistics; its upper left corner is (west, SIZE)."""
    rows, cols = values.shape
    memory = gdal.GetDriverByName("MEM").Create("", cols, rows, 1, gdal.GDT_UInt16)
    system = osr.SpatialReference()
    system.ImportFromEPSG(32631)
    memory.SetProjection(system.ExportToWkt())
    memory.SetGeoTransform([west, 1, 0, SIZE, 0, -1])
    memory.WriteRaster(0, 0, cols, rows, values.astype("<u2").tobytes())
    gdal.GetDriverByName(driver).CreateCopy(str(path), memory, options=["COMPRESS=DEFLATE"])


@pytest.fixture
def scene(grass_project, tmp_path):
    """A band as one cloud-optimised file, and as a VRT of two; as a map, and labels."""
    gdal.UseExceptions()
    rng = np.random.default_rng(4)
    values = rng.integers(200, 4000, (SIZE, SIZE))
    # A bright roof of few cells, which GDAL's guess of a range from some of the cells misses.
    values[101:104, TILE + 5 : TILE + 7] = 60_000
    folder = tmp_path / "store"
    folder.mkdir()
    write_geotiff(folder / "scene.tif", values, 0, "COG")
    write_geotiff(folder / "west.tif", values[:, :TILE], 0, "COG")
    write_geotiff(folder / "east.tif", values[:, TILE:], TILE, "COG")
    grass_project.write_raster("imported", values)
    grass_project.write_raster(
        "labels", 1 + (values[::16, ::16] > 2000).repeat(16, 0).repeat(16, 1)
    )
    grass_project.run("g.region", raster="labels")
    return grass_project, folder


def dataset_id(project, raster, output):
    """The id of a dataset that is cut from a part of a map: a hash of its values."""
    options = {"bands": "pan", "labels": "labels", "size": 64, "block_size": 128, "output": output}
    project.run("i.dl.patches", input=raster, env=FREE_OF_PROXIES, **options)
    return json.loads((output / "dataset.json").read_text())["id"]


def test_a_linked_cog_and_a_linked_vrt_give_the_dataset_of_the_imported_map(scene, tmp_path):
    project, folder = scene
    with serving(folder) as (address, parts):
        remote = f"/vsicurl/{address}"
        tiles = [f"{remote}/{name}.tif" for name in ("west", "east")]
        gdal.BuildVRT(str(folder / "scene.vrt"), tiles).FlushCache()
        # Without a range, and with the one that is guessed where statistics are missing.
        for name, flag in (("scene.tif", "r"), ("scene.vrt", "m")):
            linked = name.replace(".", "_")
            project.run(
                "r.external",
                flags=flag,
                input=f"{remote}/{name}",
                output=linked,
                env=FREE_OF_PROXIES,
            )
        project.run("g.region", n=SIZE, s=SIZE - 256, w=TILE - 128, e=TILE + 128)
        found = {
            raster: dataset_id(project, raster, tmp_path / raster)
            for raster in ("imported", "scene_tif", "scene_vrt")
        }
    assert parts
    assert found["scene_tif"] == found["imported"]
    assert found["scene_vrt"] == found["imported"]
