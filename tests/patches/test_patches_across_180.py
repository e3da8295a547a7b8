# SPDX-License-Identifier: GPL-2.0-or-later
"""i.dl.patches on maps across 180 degrees, against the same maps elsewhere."""

import re

import numpy as np

from grassdl.dataset.patchset import PatchSet

CELLS = 24
MAP_CELLS = 40


def write_maps(project, west):
    """Imagery, a coarser band and training areas whose eastern part is cut; sets the region."""
    rng = np.random.default_rng(2)
    project.write_raster("red", rng.integers(0, 250, (MAP_CELLS, MAP_CELLS)), west=west)
    project.write_raster("coarse", rng.normal(9, 2, (20, 20)), west=west, resolution=2)
    first = west + MAP_CELLS - CELLS
    project.run("g.region", n=CELLS + 5, s=5, w=first, e=first + CELLS, res=1)
    told = project.run("g.region", flags="g").stdout.split()
    seen = float(next(one for one in told if one.startswith("w="))[2:])
    areas = [(seen + 2, 9, 1), (seen + 14, 12, 2), (seen + 3, 20, 2), (seen + 16, 22, 1)]
    text = "".join(
        f"B 5\n{x} {y}\n{x + 4} {y}\n{x + 4} {y + 4}\n{x} {y + 4}\n{x} {y}\n"
        f"C 1 1\n{x + 1} {y + 1}\n1 {value}\n"
        for x, y, value in areas
    )
    project.run(
        "v.in.ascii", flags="n", input="-", stdin=text, format="standard", output="areas",
        overwrite=True,
    )  # fmt: skip
    return seen


def test_patches_across_180_degrees_are_those_of_the_same_maps_elsewhere(
    geographic_project, tmp_path
):
    project = geographic_project
    options = {
        "input": "red,coarse", "training": "areas", "resample": "bilinear", "background": 0,
        "sampling": "objects", "negatives": 1, "split_method": "none", "size": 8,
    }  # fmt: skip
    # Of the maps' 40 columns the region has the last 24: 184 to 208 degrees east in the end.
    for name, west in (("control", 10), ("beyond", 168)):
        first = write_maps(project, west)
        project.run("i.dl.patches", output=tmp_path / name, footprints=name, **options)
    assert first == -176
    control, beyond = (PatchSet.open(tmp_path / name).manifest for name in ("control", "beyond"))
    assert control.counts["train"] > 4
    assert control.dataset_id == beyond.dataset_id
    extents = []
    for name, region_west in (("control", 26), ("beyond", -176)):
        told = project.run("v.info", flags="g", map=name).stdout
        found = {key: float(value) for key, value in re.findall(r"(\w+)=(\S+)", told)}
        extents.append((found["west"] - region_west, found["east"] - region_west))
    assert extents[0] == extents[1]
    assert 0 <= extents[0][0] < extents[0][1] <= CELLS
