# SPDX-License-Identifier: GPL-2.0-or-later
"""The map of how unlike the training cells are, against the network run whole in NumPy."""

import csv

import keras
import numpy as np
import pytest

from grassdl.model.novelty import FeatureStatistics
from predicting import predict, refused
from small_model import CLASSES, COLS, ROWS, filled_frame

LAST = "decoder0_1_relu"
"""The last hidden layer of the small U-Net."""


@pytest.fixture
def features(bands, model):
    """Features of all cells (rows, cols, features), of which the model knows the statistics."""
    folder, network = model
    short = keras.Model(network.input, network.get_layer(LAST).output)
    filled, null = filled_frame(bands)
    found = np.asarray(short(filled[None]))[0, :ROWS, :COLS]
    classes = np.arange(ROWS * COLS) % len(CLASSES)
    FeatureStatistics.of(found.reshape(-1, found.shape[-1]), classes).save(folder)
    return found, null


def test_novelty_is_that_of_the_features_of_the_network_run_once(
    grass_project, bands, model, features, tmp_path
):
    values, null = features
    statistics = FeatureStatistics.load(model[0])
    expected = statistics.novelty(values.reshape(-1, values.shape[-1])).reshape(null.shape)
    grass_project.write_raster("seg", np.ones((ROWS, COLS), np.int32))
    # With the features of segments, which come from the same layer.
    predict(
        grass_project,
        model,
        novelty="unlike",
        tile_size=16,
        segments="seg",
        segment_stats=tmp_path / "stats.csv",
        segment_features="last",
        engine="keras",
    )
    found = grass_project.read_raster("unlike")
    assert np.array_equal(np.ma.getmaskarray(found), null)
    np.testing.assert_allclose(found.data[~null], expected[~null], atol=1e-4)
    [row] = csv.DictReader((tmp_path / "stats.csv").open(), delimiter="|")
    means = [float(row[f"feat_{place}"]) for place in range(1, values.shape[-1] + 1)]
    np.testing.assert_allclose(means, values[~null].mean(axis=0), rtol=1e-4)
    assert "Distance from the training" in grass_project.run("r.info", map="unlike").stdout


def test_what_the_model_or_the_call_cannot_give_is_refused(grass_project, bands, model, features):
    wanted = {"novelty": "unlike"}
    refused(
        grass_project, model, "novelty", "needs the network", "leave out novelty",
        **wanted, input="", probabilities="p",
    )  # fmt: skip
    refused(
        grass_project, model, "segment_features names another one <decoder0_join>", **wanted,
        segments="one", segment_stats="stats.csv", segment_features="decoder0_join",
    )  # fmt: skip
    for path in model[0].glob("novelty_*.npy"):
        path.unlink()
    refused(grass_project, model, "has no statistics of its features", **wanted)
