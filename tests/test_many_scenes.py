# SPDX-License-Identifier: GPL-2.0-or-later
"""The how-tos of many scenes: one whose labels are pictures, one that computes side by side."""

import os
import subprocess
import sys

import numpy as np

from grassdl.dataset.patchset import JoinedPatchSets, open_datasets
from manual_blocks import blocks
from paths import CHECKOUT

COLOURS = {1: (205, 170, 115), 4: (205, 65, 55), 7: (55, 120, 205)}


def write_picture(path, bands):
    """A GeoTIFF of bytes without georeference."""
    from osgeo import gdal

    gdal.UseExceptions()
    path.parent.mkdir(parents=True, exist_ok=True)
    file = gdal.GetDriverByName("GTiff").Create(str(path), 128, 128, len(bands), gdal.GDT_Byte)
    for number, band in enumerate(bands, start=1):
        file.GetRasterBand(number).WriteRaster(0, 0, 128, 128, band.astype(np.uint8).tobytes())
    file.FlushCache()


def own_programs(folder, project):
    """A PATH by which shells find i.dl.patches of this checkout."""
    programs = folder / "bin"
    programs.mkdir()
    script = CHECKOUT / "i.dl.patches" / "i.dl.patches.py"
    (programs / "i.dl.patches").write_text(f'#!/bin/sh\nexec {sys.executable} {script} "$@"\n')
    (programs / "i.dl.patches").chmod(0o755)
    return f"{programs}{os.pathsep}{project.environment['PATH']}"


def test_the_loop_of_the_how_to_makes_a_dataset_of_each_scene(grass_project, tmp_path, monkeypatch):
    # The upper half of each scene has one class, the lower another one; the last rows of the second
    # have a colour without class, and the third has one class only.
    halves = [(1, 4), (7, 1), (1, 1)]
    for number, half in enumerate(halves, start=1):
        labels = np.zeros((3, 128, 128))
        for place, value in enumerate(half):
            rows = slice(64 * place, 64 * place + 64)
            labels[:, rows] = np.array(COLOURS[value])[:, None, None]
        if number == 2:
            labels[:, 96:] = 0
        write_picture(tmp_path / f"scenes/images/s{number}.tif", np.full((4, 128, 128), number))
        write_picture(tmp_path / f"scenes/labels/s{number}.tif", labels)
    path = own_programs(tmp_path, grass_project)
    _, legend, loop, *_ = [one.text for one in blocks() if one.page == "i.dl_howto_many_scenes"]
    smaller = loop.replace("size=64 block_size=128", "size=32 block_size=32")
    done = subprocess.run(
        ["bash", "-ec", legend + smaller],
        cwd=tmp_path,
        env={**grass_project.environment, "PATH": path},
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout.splitlines()[-1] == "s3 is left out"

    monkeypatch.chdir(tmp_path)
    joined = JoinedPatchSets(open_datasets("scenes/sheets/*"))
    assert len(joined.patch_sets) == 2
    assert [band.name for band in joined.bands] == ["blue", "green", "red", "nir"]
    told = [(one.value, one.label, one.color) for one in joined.classes]
    assert told == [
        (1, "bare soil", "205:170:115"),
        (4, "building", "205:65:55"),
        (7, "water", "55:120:205"),
    ]
    counts = [
        [sum(by_split) for by_split in zip(*one.manifest.pixels.values(), strict=True)]
        for one in joined.patch_sets
    ]
    assert counts == [[8192, 8192], [4096, 8192]]


def test_scenes_side_by_side_in_mapsets_of_their_own(grass_project, tmp_path):
    for name, half in {"first": (1, 4), "second": (4, 7), "third": (1, 1)}.items():
        labels = np.repeat(np.array(half), 64)[None, :, None] * np.ones((1, 1, 128))
        write_picture(tmp_path / f"scenes/images/{name}.tif", np.full((4, 128, 128), half[0]))
        write_picture(tmp_path / f"scenes/labels/{name}.tif", labels)
    grass_project.path.rename(tmp_path / "suburb")
    session = {**grass_project.environment, "PATH": own_programs(tmp_path, grass_project)}
    # Each scene starts a session of its own.
    for name in ("GISRC", "GISBASE", "GRASS_PYTHON"):
        session.pop(name, None)
    one, all_of_them = [one.text for one in blocks() if one.page == "i.dl_howto_cluster"][-2:]
    done = subprocess.run(
        ["bash", "-ec", one.replace("size=64", "size=32 block_size=32") + all_of_them],
        cwd=tmp_path,
        env=session,
        check=True,
        capture_output=True,
        text=True,
    )
    assert "third is left out" in done.stdout
    assert "first is left out" not in done.stdout + done.stderr
    joined = JoinedPatchSets(open_datasets(str(tmp_path / "scenes/sheets/*")))
    assert [one.value for one in joined.classes] == [1, 4, 7]
    assert len(joined.patch_sets) == 2
