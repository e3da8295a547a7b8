# SPDX-License-Identifier: GPL-2.0-or-later
"""i.dl.import as its user runs it, and i.dl.predict with what it made."""

import numpy as np
import pytest

from grassdl.exchange.export import Export
from one_error import fails_with
from onnx_files import scores, softmax, write_onnx
from small_model import CLASSES, DEVIATION, MEAN, filled_frame, plain_band, write_model

pytest.importorskip("onnx")
pytest.importorskip("openvino")

TOLD = {"classes": "5:tree,2:water,7:road", "resolution": 1}
PLACES = [1, 0, 2]
ROWS, COLS = 45, 70


@pytest.fixture
def bands(grass_project):
    """Two maps with NULL cells, as an array (rows, cols, 2)."""
    values = np.random.default_rng(4).normal(MEAN, DEVIATION, (ROWS, COLS, 2)).astype(np.float32)
    values[10:13, 20:24, 0] = np.nan
    grass_project.run("g.region", n=ROWS, s=0, w=0, e=COLS, res=1)
    for place, name in enumerate(("one", "two")):
        grass_project.write_raster(name, values[..., place])
    return values


def probabilities(project, values):
    return np.ma.dstack([project.read_raster(f"p_{value}") for value in values])


def predict(project, model, **options):
    given = {"input": "one,two", "model": model, "output": "classes", "probabilities": "p"}
    return project.run("i.dl.predict", **{**given, **options})


def test_tiles_of_an_imported_unet_are_the_network_run_once(grass_project, bands, tmp_path):
    """Nothing needs to be told of what i.dl.export wrote."""
    for package in ("onnxruntime", "tf2onnx"):
        pytest.importorskip(package)
    (tmp_path / "model").mkdir()
    network = write_model(
        tmp_path / "model", [plain_band("one"), plain_band("two")], MEAN, DEVIATION
    )
    Export.planned(str(tmp_path / "model"), tmp_path / "onnx", "onnx", None, False).run()
    again = tmp_path / "again"
    file = tmp_path / "onnx" / "model.onnx"
    done = grass_project.run("i.dl.import", input=file, output=again)
    assert "it is tiled exactly, with a halo of 24 cells" in " ".join(done.stderr.split())
    assert done.stderr.splitlines()[-1].split()[1] == "input=one@PERMANENT,two@PERMANENT"
    predict(grass_project, again, tile_size=16)
    filled, null = filled_frame(bands)
    expected = np.asarray(network(filled[None]))[0, :ROWS, :COLS]
    found = probabilities(grass_project, CLASSES.values)
    assert np.array_equal(found.mask.any(axis=-1), null)
    assert np.abs(found.data - expected)[~null].max() < 1e-5
    refused = grass_project.run("i.dl.export", check=False, model=again, output=tmp_path / "new")
    fails_with(refused, "is an ONNX network that i.dl.import made")


def test_a_network_of_one_size_is_blended_and_null_stays_null(grass_project, bands, tmp_path):
    model = tmp_path / "model"
    weights = write_onnx(tmp_path / "net.onnx", size=32, edge=1)
    told = {**TOLD, "bands": "one,two", "scale": "0.03,0.1", "offset": "-3,-4"}
    grass_project.run("i.dl.import", input=tmp_path / "net.onnx", output=model, **told)
    done = predict(grass_project, model)
    assert "takes images of 32 x 32 cells" in " ".join(done.stderr.split())
    # A network that looks at single cells is the same in all tiles.
    expected = softmax(scores(weights, bands * (0.03, 0.1) + (-3, -4)))[..., PLACES]
    found = probabilities(grass_project, (2, 5, 7))
    null = np.isnan(bands).any(axis=-1)
    assert np.array_equal(found.mask.any(axis=-1), null)
    assert np.abs(found.data - expected)[~null].max() < 1e-5
    classes = grass_project.read_raster("classes")
    assert np.array_equal(classes.data[~null], np.array([2, 5, 7])[expected.argmax(-1)][~null])
    for options, complaint in (
        ({"engine": "keras"}, "which OpenVINO computes: leave out engine=keras"),
        ({"novelty": "new"}, "only networks of i.dl.train give novelty"),
        ({"tile_size": 64}, "takes images of 32 x 32 cells: leave out tile_size"),
        ({"tiling": "exact"}, "takes images of 32 x 32 cells and cannot be tiled exactly"),
    ):
        fails_with(predict(grass_project, model, check=False, overwrite=True, **options), complaint)


@pytest.mark.parametrize(
    "options, complaint",
    [
        ({"input": "absent.onnx"}, "File <absent.onnx> not found"),
        ({"classes": "5:tree,2:water"}, "2 classes are named, but the network has 3"),
        ({"output": "taken"}, "exists"),
    ],
)
def test_bad_input_ends_in_one_line_and_nothing_is_written(
    grass_project, tmp_path, monkeypatch, options, complaint
):
    monkeypatch.chdir(tmp_path)
    write_onnx(tmp_path / "net.onnx", size=32)
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "file").touch()
    before = sorted(tmp_path.rglob("*"))
    words = {"input": "net.onnx", "output": "model", **TOLD, **options}
    fails_with(grass_project.run("i.dl.import", check=False, **words), complaint)
    assert sorted(tmp_path.rglob("*")) == before
