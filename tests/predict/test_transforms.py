# SPDX-License-Identifier: GPL-2.0-or-later
"""Maps whose values are transformed as they are read, by i.dl.patches and by a model."""

from dataclasses import replace

import numpy as np
import pytest

from grassdl.dataset.manifest import Manifest
from one_error import fails_with
from small_model import plain_band, write_model


@pytest.fixture
def radar(grass_project):
    """A project with backscatter in power, `vv`, of which a corner is 0 or negative, and labels."""
    rng = np.random.default_rng(1)
    power = np.exp(rng.normal(-3, 1, (12, 12))).astype(np.float32)
    power[:2, :3] = 0
    power[2, :3] = -0.001
    grass_project.write_raster("vv", power)
    grass_project.write_raster("labels", rng.integers(0, 3, (12, 12)))
    return grass_project, power


def test_patches_have_decibel_and_null_where_there_is_no_power(radar, tmp_path):
    project, power = radar
    given = {"labels": "labels", "input": "vv", "bands": "vv", "size": 12, "split": (100, 0, 0)}
    project.run("i.dl.patches", **given, transform="vv:db", output=tmp_path / "dataset")
    (band,) = Manifest.load(tmp_path / "dataset").bands
    assert (band.transform, band.units, band.dtype) == ("db", "dB", "float32")
    (image,) = np.load(tmp_path / "dataset" / "train" / "images.npy")
    there = power > 0
    np.testing.assert_allclose(image[there, 0], 10 * np.log10(power[there]), rtol=1e-5)
    assert not image[~there].any()
    (labels,) = np.load(tmp_path / "dataset" / "train" / "labels.npy")
    assert np.array_equal(labels == labels[0, 0], ~there)

    result = project.run(
        "i.dl.patches", **given, transform="vh:db", output=tmp_path / "other", check=False
    )
    fails_with(result, "Option transform names a band <vh>: the maps are those of vv")
    assert not (tmp_path / "other").exists()


def test_a_model_takes_the_power_that_it_knows_in_decibel(radar, tmp_path):
    project, power = radar
    with np.errstate(invalid="ignore", divide="ignore"):
        known = np.where(power > 0, 10 * np.log10(power), np.nan).astype(np.float32)
    project.write_raster("decibel", known)
    band = plain_band("vv")
    for name, one in (("plain", band), ("transforming", replace(band, transform="db"))):
        (tmp_path / name).mkdir()
        write_model(tmp_path / name, [one], [-13.0], [5.0])
    for model, raster in (("plain", "decibel"), ("transforming", "vv")):
        project.run(
            "i.dl.predict", input=raster, model=tmp_path / model, output=f"from_{raster}",
            engine="keras",
        )  # fmt: skip
    expected, found = (project.read_raster(f"from_{one}") for one in ("decibel", "vv"))
    assert np.array_equal(np.ma.getmaskarray(found), power <= 0)
    assert np.array_equal(found.filled(-1), expected.filled(-1))
    assert len(np.unique(found.compressed())) > 1
