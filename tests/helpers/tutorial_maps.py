# SPDX-License-Identifier: GPL-2.0-or-later
"""Small maps, called like those of the manual pages that are tutorials."""

from __future__ import annotations

import numpy as np

from field_series import CROPS, DATES, field_series

RADAR_DATES = ("20210410", "20210828")


def write_heights(project) -> None:
    """Imagery in the group `ortho` that tells height, and the surface and terrain models."""
    rng = np.random.default_rng(1)
    rows, cols = np.indices((96, 96)) / 96
    above = 10 * np.kron(rng.random((12, 12)), np.ones((8, 8)))
    terrain = 200 + 5 * rows + 3 * cols
    project.write_raster("dtm", terrain.astype(np.float32))
    project.write_raster("dsm", (terrain + above).astype(np.float32))
    for place, name in enumerate(("red", "green", "blue", "nir"), start=1):
        values = 100 * place + 40 * above + rng.normal(0, 10, above.shape)
        project.write_raster(f"ortho.{name}", values.round().astype(np.int32))
    project.run(
        "i.group", group="ortho", input=[f"ortho.{one}" for one in ("red", "green", "blue", "nir")]
    )


def write_season(project) -> None:
    """Red and near infrared of three dates of two years, areas of crops in the first of them, and a
    series of backscatter."""
    scene = field_series(1)
    for year in ("2021", "2022"):
        for date in (0, 2, 4):
            day = DATES[date].replace("-", "").replace("2021", year)
            for place, band in enumerate(("red", "nir")):
                cells = np.ma.array(scene.bands[date, ..., place], mask=scene.cloudy[date])
                project.write_raster(f"s2_{day}_{band}", cells)
    names = np.array(["", *CROPS.values()])
    project.write_raster("crops", scene.crops)
    project.run("g.region", raster="crops")
    project.run("r.to.vect", input="crops", output="fields", type="area", column="kind")
    project.run("v.db.addcolumn", map="fields", columns="crop varchar(20)")
    for value, name in enumerate(names[1:], start=1):
        project.run("v.db.update", map="fields", column="crop", value=name, where=f"kind = {value}")
    lines = []
    for day in RADAR_DATES:
        for band in ("VH", "VV"):
            name = f"s1_{day}_{band.lower()}"
            project.write_raster(name, np.exp(scene.bands[0, ..., 0] / 100 - 4).astype(np.float32))
            lines.append(f"{name}|{day[:4]}-{day[4:6]}-{day[6:]}|{band}")
    file = project.path / "radar.txt"
    file.write_text("\n".join(lines) + "\n")
    project.run("t.create", output="sentinel1", title="Sentinel-1", description="Backscatter")
    project.run("t.register", input="sentinel1", file=file)
