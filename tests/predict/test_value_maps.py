# SPDX-License-Identifier: GPL-2.0-or-later
"""Maps of values in a GRASS session."""

from __future__ import annotations

import numpy as np
import pytest

from grassdl.core.values import ValueTarget
from grassdl.model.novelty import FeatureStatistics
from grassdl.networks import registry
from grassdl.networks.analysis.feature_extraction import LAST, with_features
from predicting import predict, refused
from small_model import COLS, DEVIATION, MEAN, ROWS, filled_frame, plain_band

HEIGHT = ValueTarget("canopy height", "m", 12.0, 5.0, 0.0, 30.0)


@pytest.fixture
def model(make_model):
    network = registry.build(
        "unet", 64, 2, 1, activation="linear", scale=(12.0, 5.0), mean=MEAN, deviation=DEVIATION,
        filters=4, depth=2,
    )  # fmt: skip
    return make_model(
        [plain_band("one"), plain_band("two")], MEAN, DEVIATION, built=network, target=HEIGHT
    )


@pytest.fixture
def project(grass_project):
    """Two bands with some NULL cells, and segments of 5 x 7 cells."""
    rng = np.random.default_rng(2)
    values = rng.normal(MEAN, DEVIATION, (ROWS, COLS, 2)).astype(np.float32)
    values[3:6, 10:20, 0] = values[40, :, 1] = np.nan
    grass_project.run("g.region", n=ROWS, s=0, w=0, e=COLS, res=1)
    for place, name in enumerate(("one", "two")):
        grass_project.write_raster(name, values[..., place])
    ids = np.add.outer(np.arange(ROWS) // 5 * 10, np.arange(COLS) // 7) + 1
    grass_project.write_raster("segments", ids)
    return grass_project, values, ids


def test_the_maps_are_the_network_run_once_whatever_the_tiles(project, model, tmp_path):
    grass, values, ids = project
    folder, network = model
    table = tmp_path / "segments.csv"
    by_segment = {"segments": "segments", "segment_output": "means", "segment_stats": table}
    filled, null = filled_frame(values)
    inside = with_features(network, LAST)[0]
    expected = np.asarray(inside(filled[None]))[0, : null.shape[0], : null.shape[1]]
    expected, features = expected[..., 0], expected[..., 1:].reshape(null.size, -1)
    statistics = FeatureStatistics.of(features, np.arange(null.size) % 3)
    statistics.save(folder)
    predict(
        grass, model, output="height", novelty="unlike", tile_size=16, engine="keras", **by_segment
    )
    found = grass.read_raster("unlike")
    unlike = statistics.novelty(features).reshape(null.shape)
    assert np.array_equal(np.ma.getmaskarray(found), null)
    np.testing.assert_allclose(found.data[~null], unlike[~null], atol=1e-4)
    found = grass.read_raster("height")
    assert np.array_equal(np.ma.getmaskarray(found), null)
    # Random weights give other values than the target's: rounding follows theirs.
    assert np.abs(found.data - expected)[~null].max() < 1e-5 * expected[~null].std()
    means = grass.read_raster("means")
    for one in (1, 34):
        own = (ids == one) & ~null
        np.testing.assert_allclose(means.data[own], expected[own].mean(), rtol=1e-5)
    assert table.read_text().splitlines()[0] == "cat|cells|mean|deviation"


def test_the_map_carries_units_title_colours_and_history(project, model):
    grass, _, _ = project
    predict(grass, model, output="height")
    info = grass.run("r.info", map="height").stdout
    for words in ("FCELL", "canopy height by model small", "i.dl.predict"):
        assert words in info
    assert "units=m" in grass.run("r.info", flags="e", map="height").stdout.replace('"', "")
    colors = grass.run("r.what.color", input="height", value="-5,0,15,30,99").stdout.splitlines()
    assert [one.split(": ")[1] for one in colors] == [
        "68:1:84", "68:1:84", "33:145:140", "253:231:37", "253:231:37",
    ]  # fmt: skip


def test_options_of_classes_are_refused(project, model):
    grass, _, _ = project
    refused(grass, model, "confidence is for classes", "<canopy height> in m", confidence="sure")
