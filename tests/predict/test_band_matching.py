# SPDX-License-Identifier: GPL-2.0-or-later
"""normalization=maps: imagery of other values than those of the training."""

import numpy as np
import pytest

from predicting import predict, refused


@pytest.fixture
def other_camera(grass_project, bands):
    """Maps `dark` and `bright` of 8 bit, `one` and `two` of another camera; as an array."""
    rng = np.random.default_rng(9)
    values = np.dstack([bands[..., 0] * 0.4 + 10, bands[..., 1] * 2 + 60])
    values = np.ma.masked_invalid(np.round(values + rng.normal(0, 0.3, values.shape)))
    for place, name in enumerate(("dark", "bright")):
        grass_project.write_raster(name, values[..., place], dtype="CELL")
    return values.filled(np.nan)


def test_bands_get_the_mean_and_deviation_of_the_training(grass_project, other_camera, model):
    grass_project.run("g.region", n=40, s=3, w=11, e=64)
    part = other_camera[45 - 40 : 45 - 3, 11:64]
    known = part[~np.isnan(part).any(axis=-1)]
    mean, deviation = known.mean(axis=0), known.std(axis=0)
    options = {"input": "dark,bright", "confidence": "sure"}
    done = predict(grass_project, model, normalization="maps", **options)
    told = " ".join(done.stderr.split())
    info = " ".join(grass_project.run("r.info", map="sure").stdout.replace("|", " ").split())
    for place, name, trained in ((0, "dark", "100 and 30"), (1, "bright", "40 and 10")):
        line = (
            f"Band {name}: mean {mean[place]:.6g} and deviation {deviation[place]:.6g} of the maps "
            f"matched to {trained} of the model"
        )
        assert line in told
        assert line in info
    # The same as by hand, on maps that reach beyond the region.
    for place, (name, wanted, spread) in enumerate((("dark", 100, 30), ("bright", 40, 10))):
        scaled = (other_camera[..., place] - mean[place]) / deviation[place] * spread + wanted
        grass_project.write_raster(f"scaled_{name}", scaled.astype(np.float32))
    predict(
        grass_project, model, input="scaled_dark,scaled_bright", output="o", confidence="by_hand"
    )
    found, expected = grass_project.read_raster("sure"), grass_project.read_raster("by_hand")
    assert np.array_equal(found.mask, expected.mask)
    assert np.abs(found - expected).max() < 1e-5
    plain = {**options, "output": "plain", "confidence": "p"}
    predict(grass_project, model, **plain)
    assert np.abs(grass_project.read_raster("p") - found).max() > 0.01


def test_a_band_of_one_value_is_refused(grass_project, bands, model):
    grass_project.run("r.mapcalc", expression="flat = 7")
    words = ("Band <flat>", "value 7 in all of the region", "normalization=maps")
    refused(grass_project, model, *words, input="one,flat", normalization="maps")


def test_a_region_without_data_is_refused(grass_project, bands, model):
    grass_project.run("g.region", n=45 - 5, s=45 - 9, w=10, e=30)
    refused(grass_project, model, "nothing to classify", normalization="maps")
