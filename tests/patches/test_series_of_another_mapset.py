# SPDX-License-Identifier: GPL-2.0-or-later
"""A series of another mapset, whose maps have smaller cells than the region."""

import numpy as np

from one_error import fails_with

DATES = ("2021-04-10", "2021-06-29")


def test_a_series_of_another_mapset_is_resampled_and_knows_what_is_missing(grass_project, tmp_path):
    project = grass_project
    values = np.random.default_rng(1).uniform(1, 100, (2, 16, 16)).astype(np.float32)
    values[0, :5, :7] = np.nan
    project.run("g.region", n=16, s=0, w=0, e=16, res=2)
    project.write_raster("labels", np.indices((8, 8))[1] % 2, resolution=2)
    project.run("g.mapset", flags="c", mapset="archive")
    for start, cells in zip(DATES, values, strict=True):
        project.write_raster(f"red_{start[5:7]}", cells)
    (tmp_path / "maps").write_text("".join(f"red_{one[5:7]}|{one}|red\n" for one in DATES))
    project.run("t.create", output="season", title="season", description="season")
    project.run("t.register", input="season", file=tmp_path / "maps")
    project.run("g.mapset", mapset="PERMANENT")

    given = {"strds": "season@archive", "labels": "labels", "size": 8, "block_size": 8}
    given |= {"split": (100, 0, 0), "resample": "average", "output": tmp_path / "dataset"}
    refusal = project.run("i.dl.patches", **given, check=False)
    fails_with(refusal, "<season@archive> not found", "g.mapsets mapset=archive operation=add")
    project.run("g.mapsets", mapset="archive", operation="add")
    project.run("i.dl.patches", **given)
    (image,) = np.load(tmp_path / "dataset" / "train" / "images.npy")
    for date, cells in enumerate(values):
        parts = np.ma.masked_invalid(cells).reshape(8, 2, 8, 2).mean(axis=(1, 3))
        observed = image[..., 2 * date + 1] == 1
        assert np.array_equal(observed, ~np.ma.getmaskarray(parts))
        np.testing.assert_allclose(image[observed, 2 * date], parts.compressed(), rtol=1e-5)
        assert not image[~observed, 2 * date].any()
    assert not image[:2, :3, 1].any()
