# SPDX-License-Identifier: GPL-2.0-or-later
"""Maps of models that give a whole patch one class, in a GRASS session."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from grassdl.core.band_statistics import Histogram
from grassdl.core.patch_classes import PatchClasses
from grassdl.model.folder import load_card, save_card
from grassdl.networks import registry
from predicting import predict, refused
from small_model import CLASSES, COLS, DEVIATION, MEAN, ROWS, plain_band

SIZE, HALF = 16, 8


@pytest.fixture
def model(make_model):
    network = registry.build(
        "patch_cnn", SIZE, 2, len(CLASSES), mean=MEAN, deviation=DEVIATION, filters=4, depth=2
    )
    return make_model(
        [plain_band("one"), plain_band("two")], MEAN, DEVIATION, built=network, converted=False,
        target=PatchClasses(CLASSES), size=SIZE, network="patch_cnn",
    )  # fmt: skip


@pytest.fixture
def project(grass_project, bands):
    """Two bands with NULL cells, and segments: a corner, a horseshoe, and one within it."""
    ids = np.zeros((ROWS, COLS), np.int64)
    ids[:4, :4] = 7
    ids[8:29, 30:51] = 3
    ids[8:26, 37:44] = 5
    grass_project.write_raster("segments", ids)
    grass_project.run("r.null", map="segments", setnull=0)
    return grass_project, bands, ids


def expected(model, values, row, col):
    """The network's probabilities for the patch with this upper left cell."""
    patch = np.full((SIZE, SIZE, 2), MEAN, np.float32)
    for i in range(SIZE):
        for j in range(SIZE):
            inside = 0 <= row + i < ROWS and 0 <= col + j < COLS
            if inside and not np.isnan(values[row + i, col + j]).any():
                patch[i, j] = values[row + i, col + j]
    return np.asarray(model[1](patch[None]))[0, 0, 0]


def test_a_region_is_classified_in_blocks_as_large_as_a_patch(project, model):
    grass, values, _ = project
    others = np.random.default_rng(1).normal(9000, 5, (2, 5000))
    histograms = [Histogram.of(one).to_json() for one in others]
    save_card(replace(load_card(model[0]), histograms=histograms), model[0])
    made = predict(grass, model, engine="keras", probabilities="p", format="json")
    assert "Band two is unlike the training" in " ".join(made.stderr.split())
    assert "15 patches, about" in " ".join(made.stderr.split())
    assert {name: json.loads(made.stdout)[name] for name in ("rows", "cols")} == {
        "rows": 3,
        "cols": 5,
    }
    info = dict(
        one.split("=") for one in grass.run("r.info", flags="g", map="classes").stdout.split()
    )
    assert (info["rows"], info["cols"], info["nsres"], info["north"]) == ("3", "5", "16", str(ROWS))
    grass.run("g.region", raster="classes")
    found = np.stack([grass.read_raster(f"p_{one}").data for one in CLASSES.values], axis=-1)
    for row in range(3):
        for col in range(5):
            own = expected(model, values, SIZE * row, SIZE * col)
            np.testing.assert_allclose(found[row, col], own, atol=1e-5)
    classes = grass.read_raster("classes")
    assert np.array_equal(classes.data, CLASSES.values[found.argmax(axis=-1)])


def test_a_segment_has_the_class_of_the_patch_around_its_central_cell(project, model, tmp_path):
    grass, values, ids = project
    table = tmp_path / "segments.csv"
    done = predict(
        grass, model, engine="keras", probabilities="p", segments="segments", segment_stats=table,
        vector="areas",
    )  # fmt: skip
    told = " ".join(done.stderr.split())
    assert "3 segments, each by the patch around its central cell, about" in told
    null = np.isnan(values).any(axis=-1) | (ids == 0)
    classes = grass.read_raster("classes")
    assert np.array_equal(np.ma.getmaskarray(classes), null)
    found = np.stack([grass.read_raster(f"p_{one}").data for one in CLASSES.values], axis=-1)
    rows = {int(one.split("|")[0]): one.split("|") for one in table.read_text().splitlines()[1:]}
    assert set(rows) == {3, 5, 7}
    for number in rows:
        cells = np.argwhere(ids == number)
        distances = np.square(cells - cells.mean(axis=0)).sum(axis=1)
        row, col = cells[distances.argmin()]
        own = expected(model, values, row - HALF, col - HALF)
        there = (ids == number) & ~null
        np.testing.assert_allclose(found[there], own + np.zeros((there.sum(), 1)), atol=1e-5)
        assert (classes.data[there] == CLASSES.values[own.argmax()]).all()
        assert int(rows[number][1]) == there.sum()
    assert "areas" in grass.run("g.list", type="vector").stdout


def test_blocks_beyond_the_pole_are_refused_at_the_start(geographic_project, model):
    geographic_project.run("g.region", n=-70, s=-90, w=0, e=16, res=1)
    refused(geographic_project, model, "beyond the South Pole: let the region end 4 rows further")


def test_options_for_classes_of_cells_are_refused(project, model):
    grass, _, _ = project
    refused(grass, model, "novelty is for classes of cells, and model", novelty="new")
    refused(grass, model, "tile_size is for classes of cells", tile_size=16)
