# SPDX-License-Identifier: GPL-2.0-or-later
"""Features of the network by segment in i.dl.predict, against the network run whole in NumPy."""

import csv

import keras
import numpy as np
import pytest

from grassdl.networks import registry
from predicting import predict, refused
from scenes import turned_mean
from small_model import CLASSES, COLS, DEVIATION, MEAN, ROWS, filled_frame, plain_band

LAST = "decoder0_1_relu"
"""The last hidden layer of the small U-Net."""

REACHING = 3
"""Columns that segments have beyond the imagery, where the region does not end either."""


@pytest.fixture
def ids(grass_project, bands):
    """A map `seg` of long segments that cross all tiles, one of them on NULL cells only, NULL in a
    corner, and a region that reaches beyond the imagery."""
    array = np.add.outer(np.arange(ROWS) // 2, np.arange(COLS + REACHING)) // 9 * 1000.0
    array[5:9, 12:20] = 7
    array[-6:, -12:] = np.nan
    grass_project.write_raster("seg", array, dtype="CELL")
    grass_project.run("g.region", raster="seg")
    return array[:, :COLS]


def means_of(ids, values, null):
    """Means of values (rows, cols, layers) over the segments that have data, by segment."""
    counted = {one: ~null & (ids == one) for one in np.unique(ids[~np.isnan(ids)]).astype(int)}
    return {
        one: values[cells].astype(np.float64).mean(axis=0)
        for one, cells in counted.items()
        if cells.any()
    }


def features_of(network, layer):
    """The network that ends with a layer, as a function of a window (rows, cols, bands)."""
    short = keras.Model(network.input, network.get_layer(layer).output)
    return lambda window: np.asarray(short(np.ascontiguousarray(window)[None]))[0]


def assert_features(rows, expected):
    """The table's rows are those of the segments, with one column for every feature."""
    number = len(next(iter(expected.values())))
    names = [f"feat_{place}" for place in range(1, number + 1)]
    assert [name for name in rows[0] if name.startswith("feat")] == names
    assert list(rows[0])[-number - 1 :] == ["margin", *names]
    assert [int(row["cat"]) for row in rows] == sorted(expected)
    for row in rows:
        found = np.array([float(row[name]) for name in names])
        np.testing.assert_allclose(found, expected[int(row["cat"])], rtol=1e-5, atol=1e-5)


def table_of(text):
    return list(csv.DictReader(text.splitlines(), delimiter="|"))


# More features than one statement of SQL takes, too.
@pytest.mark.parametrize(
    ("filters", "layer", "name", "number"),
    [(4, "last", LAST, 4), (52, "decoder0_join", "decoder0_join", 104)],
)
def test_features_are_averaged_over_the_cells_with_data(
    grass_project, bands, make_model, ids, tmp_path, filters, layer, name, number
):
    statistics = {"mean": MEAN, "deviation": DEVIATION}
    built = registry.build("unet", 64, 2, len(CLASSES), filters=filters, depth=2, **statistics)
    plain = [plain_band("one"), plain_band("two")]
    folder, network = make_model(plain, MEAN, DEVIATION, built=built)
    filled, null = filled_frame(bands)
    expected = means_of(ids, features_of(network, name)(filled)[:ROWS, :COLS], null)
    assert 7 not in expected and len(expected) > 9
    wanted = {"segments": "seg", "segment_features": layer, "segment_stats": tmp_path / "s.csv"}
    engine = {"engine": "keras", "tile_size": 16, "segment_vector": "areas"}
    told = predict(grass_project, (folder, network), **wanted, **engine).stderr
    assert f"{number} features of layer <{name}>" in told
    assert "UserWarning" not in told
    rows = table_of((tmp_path / "s.csv").read_text())
    assert_features(rows, expected)
    areas = table_of(grass_project.run("v.db.select", map="areas").stdout)
    assert list(areas[0]) == list(rows[0])
    assert_features(areas, expected)


def test_turned_features_of_openvino_are_averaged_too(grass_project, bands, model, ids, tmp_path):
    pytest.importorskip("openvino", reason="the optional package openvino is not installed")
    filled, null = filled_frame(bands)
    own = turned_mean(features_of(model[1], LAST), filled)[:ROWS, :COLS]
    wanted = {"segments": "seg", "segment_features": "last", "segment_stats": tmp_path / "s.csv"}
    predict(grass_project, model, engine="openvino", tile_size=20, flags="a", **wanted)
    assert_features(table_of((tmp_path / "s.csv").read_text()), means_of(ids, own, null))


class TestBadInput:
    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ({"segment_features": "decoder"}, ["no layer <decoder>", "last", LAST]),
            ({"segment_features": "bottom_1_relu"}, ["<bottom_1_relu>", "resolution", LAST]),
        ],
    )
    def test_a_layer_that_does_not_suit(
        self, grass_project, bands, model, ids, tmp_path, options, words
    ):
        table = {"segments": "seg", "segment_stats": tmp_path / "s.csv"}
        refused(grass_project, model, *words, **table, **options)
        assert not (tmp_path / "s.csv").exists()
        assert not (grass_project.mapset / ".i_dl_predict").exists()

    def test_stored_probabilities(self, grass_project, bands, model, ids, tmp_path):
        table = {"segments": "seg", "segment_stats": tmp_path / "s.csv"}
        given = {"model": model[0], "probabilities": "p", "segment_features": "last"}
        done = grass_project.run("i.dl.predict", check=False, **table, **given)
        assert done.returncode == 1
        assert "give group or input to run it" in " ".join(done.stderr.split())

    def test_features_that_nobody_sees(self, grass_project, bands, model, ids):
        given = {"segments": "seg", "segment_output": "objects", "segment_features": "last"}
        done = predict(grass_project, model, check=False, **given)
        assert done.returncode == 1
        assert "segment_features" in done.stderr and "segment_stats" in done.stderr
