# SPDX-License-Identifier: GPL-2.0-or-later
"""i.dl.predict in a GRASS session."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time

import keras
import numpy as np
import pytest
from predicting import predict, refused
from small_model import CLASSES, COLS, DEVIATION, MEAN, ROWS, plain_band

from grassdl.bands import Band
from grassdl.classes import ClassScheme, MapClass
from grassdl.networks.image_pooling import ImagePooling2D


def whole(network, values):
    """Probabilities of the network run once over the maps, NULL as the mean; and what is NULL."""
    null = np.isnan(values).any(axis=-1)
    rows, cols = null.shape
    filled = np.empty((-(-rows // 4) * 4, -(-cols // 4) * 4, values.shape[-1]), np.float32)
    filled[:] = MEAN
    filled[:rows, :cols] = np.where(null[..., None], np.float32(MEAN), values)
    return np.asarray(network(filled[None]))[0, :rows, :cols], null


def probabilities(project):
    return np.ma.dstack([project.read_raster(f"p_{one.value}") for one in CLASSES])


def test_the_maps_are_the_network_run_once(grass_project, bands, model):
    expected, null = whole(model[1], bands)
    predict(grass_project, model, confidence="sure", probabilities="p", tile_size=16)
    found = probabilities(grass_project)
    assert np.array_equal(found.mask.any(axis=-1), null)
    assert np.abs(found.data - expected)[~null].max() < 1e-5
    classes = grass_project.read_raster("classes")
    assert np.array_equal(np.ma.getmaskarray(classes), null)
    assert np.array_equal(classes.data[~null], CLASSES.values[expected.argmax(axis=-1)][~null])
    sure = grass_project.read_raster("sure")
    assert np.abs(sure.data - expected.max(axis=-1))[~null].max() < 1e-5


def test_the_class_map_carries_labels_colours_title_and_history(grass_project, bands, model):
    predict(grass_project, model)
    listed = grass_project.run("r.category", map="classes", separator="tab").stdout
    assert listed.splitlines() == ["2\tgrass", "5\troof", "9\ta b|c"]
    colors = grass_project.run("r.what.color", input="classes", value="2,5,9").stdout
    assert colors.splitlines() == ["2: 120:200:80", "5: 200:60:50", "9: 1:2:3"]
    info = grass_project.run("r.info", map="classes").stdout
    for words in ("Classification by model small, unet", "dataset 0123456789ab", "i.dl.predict"):
        assert words in info
    without_frame = "".join(info.replace("|", " ").split())
    assert f"input=one,twomodel={model[0]}output=classes" in without_frame
    assert "CELL" in info


def test_the_report_on_the_map_holds_the_card_of_its_model(grass_project, bands, model, tmp_path):
    """The history is as long as the call, and told without loss."""
    folder = model[0].rename(tmp_path / f"a model {'of a long name ' * 6}")
    predict(grass_project, (folder, model[1]))
    page = tmp_path / "report.html"
    grass_project.run("i.dl.evaluate", classification="classes", reference="classes", report=page)
    told = " ".join(page.read_text().split())
    assert "<dt>network</dt><dd>unet, " in told
    assert "<dt>bands</dt><dd>one, two</dd>" in told


def test_a_group_is_read_in_its_order(grass_project, bands, model):
    grass_project.run("i.group", group="pair", subgroup="both", input="one,two")
    words = grass_project.command(
        "i.dl.predict", group="pair", subgroup="both", model=model[0], output="classes"
    )
    subprocess.run(words, env=grass_project.environment, check=True, capture_output=True)
    expected, null = whole(model[1], bands)
    classes = grass_project.read_raster("classes")
    assert np.array_equal(classes.data[~null], CLASSES.values[expected.argmax(axis=-1)][~null])


def test_neighbouring_regions_read_a_coarser_map_alike(grass_project, make_model):
    # The centres of 0.2 m cells lie on the borders of 0.5 m cells, where rounding decides.
    rng = np.random.default_rng(4)
    for name, cells, resolution in (("fine", 150, 0.2), ("coarse", 60, 0.5)):
        values = rng.normal(100, 30, (cells, cells)).astype(np.float32)
        where = {"north": 5600000.0 + 30, "west": 500000.0, "resolution": resolution}
        grass_project.write_raster(name, values, **where)
    cells = {"resolution": (0.2, 0.2)}
    model = make_model([plain_band("fine"), plain_band("coarse")], MEAN, DEVIATION, **cells)
    grass_project.run("g.region", raster="fine")
    options = {"input": "fine,coarse", "probabilities": "p", "overwrite": True}
    predict(grass_project, model, **options)
    everything = probabilities(grass_project).data
    for north, rows in ((7.4, 41), (13.0, 60)):
        n, s = 5600030 - north, 5600030 - north - rows * 0.2
        grass_project.run("g.region", raster="fine", n=n, s=s, res=0.2)
        predict(grass_project, model, **options)
        first = round(north / 0.2)
        part = probabilities(grass_project).data
        assert np.abs(part - everything[first : first + rows]).max() < 1e-5


def test_a_part_of_the_region_gives_a_part_of_the_map(grass_project, bands, model):
    expected, null = whole(model[1], bands)
    grass_project.run("g.region", n=ROWS - 11, s=6, w=13, e=COLS - 9)
    before = grass_project.run("g.region", flags="g").stdout
    predict(grass_project, model, probabilities="p", tile_size=20)
    part = np.s_[11 : ROWS - 6, 13 : COLS - 9]
    found = probabilities(grass_project)
    assert np.array_equal(found.mask.any(axis=-1), null[part])
    assert np.abs(found.data - expected[part])[~null[part]].max() < 1e-5
    assert grass_project.run("g.region", flags="g").stdout == before
    wanted = {"one", "two", "classes", "p_2", "p_5", "p_9"}
    assert set(grass_project.maps()) == wanted


def test_masked_cells_are_null_and_the_mask_stays(grass_project, bands, model):
    grass_project.run("r.mapcalc", expression="inside = if(col() < 40, 1, null())")
    grass_project.run("r.mask", raster="inside")
    predict(grass_project, model)
    assert "MASK" in grass_project.maps()
    grass_project.run("r.mask", flags="r")
    _, null = whole(model[1], bands)
    null[:, 39:] = True
    assert np.array_equal(np.ma.getmaskarray(grass_project.read_raster("classes")), null)


def test_ndvi_is_made_from_the_maps_where_training_had_them(grass_project, bands, make_model):
    source = {"red": "one@PERMANENT", "nir": "two@PERMANENT"}
    ndvi = Band("ndvi", True, source, "ndvi", 1.0, "nearest", "", "float32")
    mean, deviation = [*MEAN, -0.4], [*DEVIATION, 0.2]
    folder, network = make_model([plain_band("one"), plain_band("two"), ndvi], mean, deviation)
    predict(grass_project, (folder, network), probabilities="p")
    red, nir = bands[..., 0].astype(np.float64), bands[..., 1].astype(np.float64)
    stack = np.dstack([bands, ((nir - red) / (nir + red)).astype(np.float32)])
    null = np.isnan(stack).any(axis=-1)
    filled = np.empty((48, 72, 3), np.float32)
    filled[:] = mean
    filled[:ROWS, :COLS] = np.where(null[..., None], np.float32(mean), stack)
    expected = np.asarray(network(filled[None]))[0, :ROWS, :COLS]
    assert np.abs(probabilities(grass_project).data - expected)[~null].max() < 1e-5


def test_tile_sizes_and_regions_agree_on_real_imagery(grass_project, make_model, real_data):
    image = real_data / "naip_ohio" / "cluster07_rgbn.tif"
    grass_project.run("r.in.gdal", flags="o", input=image, output="naip")
    names = [f"naip.{place}" for place in (1, 2, 3, 4)]
    model = make_model(
        [plain_band(name) for name in names],
        [120.0, 120, 100, 130],
        [50.0, 40, 30, 50],
        resolution=(0.6, 0.6),
    )
    grass_project.run("g.region", raster="naip.1")

    def classes(tile_size):
        predict(
            grass_project,
            model,
            input=names,
            tile_size=tile_size,
            probabilities="p",
            overwrite=True,
        )
        found = grass_project.read_raster("classes"), probabilities(grass_project)
        return found[0].filled(-1), found[1].filled(-1)

    first, shares = classes(1024)
    two_best = np.sort(shares, axis=-1)[..., -2:]
    clear = two_best[..., 1] - two_best[..., 0] > 2e-5
    assert clear.mean() > 0.99
    for tile_size in (128, 250):
        again, other_shares = classes(tile_size)
        assert np.abs(other_shares - shares).max() < 1e-5
        assert np.array_equal(again[clear], first[clear])
    grass_project.run("g.region", n="n-60", s="s+120", w="w+90", e="e-30.6")
    part = np.s_[100:-200, 150:-51]
    again, other_shares = classes(250)
    assert np.abs(other_shares - shares[part]).max() < 1e-5
    assert np.array_equal(again[clear[part]], first[part][clear[part]])


def run_in_full(network):
    """The network as a function of one window."""
    return lambda window: np.asarray(network(np.ascontiguousarray(window)[None]))[0]


def test_turned_maps_are_the_mean_of_the_eight_turned_networks(grass_project, bands, model):
    predict(grass_project, model, flags="a", probabilities="p", tile_size=16)
    _, null = whole(model[1], bands)
    filled = np.empty((48, 72, 2), np.float32)
    filled[:] = MEAN
    filled[:ROWS, :COLS] = np.where(null[..., None], np.float32(MEAN), bands)
    run = run_in_full(model[1])
    turned = [np.rot90(run(np.rot90(filled, k)), -k) for k in range(4)]
    turned += [np.rot90(run(np.rot90(filled[::-1], k)), -k)[::-1] for k in range(4)]
    expected = np.mean(turned, axis=0)[:ROWS, :COLS]
    found = probabilities(grass_project)
    assert np.array_equal(found.mask.any(axis=-1), null)
    assert np.abs(found.data - expected)[~null].max() < 1e-5


def test_cells_below_the_threshold_are_null_in_the_class_map_alone(grass_project, bands, model):
    expected, null = whole(model[1], bands)
    best = expected.max(axis=-1)
    threshold = float(np.median(best[~null]).round(3))
    predict(grass_project, model, threshold=threshold, confidence="sure", uncertainty="unsure")
    clear = np.abs(best - threshold) > 2e-5
    classes = np.ma.getmaskarray(grass_project.read_raster("classes"))
    below = null | (best < threshold)
    assert np.array_equal(classes[clear], below[clear])
    assert 0.3 < (below & ~null).sum() / (~null).sum() < 0.7
    entropy = -(expected * np.log(expected)).sum(axis=-1) / np.log(3)
    for name, values in (("sure", best), ("unsure", entropy)):
        found = grass_project.read_raster(name)
        assert np.array_equal(np.ma.getmaskarray(found), null)
        assert np.abs(found.data - values)[~null].max() < 1e-4
    info = grass_project.run("r.info", map="unsure").stdout
    assert "Normalised entropy of the class probabilities" in info


def test_the_temperature_of_the_model_cools_its_probabilities(grass_project, bands, model):
    folder, network = model
    content = json.loads((folder / "model.json").read_text())
    content["properties"]["idl:temperature"] = 2.5
    (folder / "model.json").write_text(json.dumps(content))
    expected, null = whole(network, bands)
    powers = expected ** (1 / 2.5)
    warm = powers / powers.sum(axis=-1, keepdims=True)
    predict(grass_project, model, probabilities="p", tile_size=16)
    found = probabilities(grass_project)
    assert np.abs(found.data - warm)[~null].max() < 1e-5
    assert np.abs(warm - expected)[~null].max() > 0.01
    classes = grass_project.read_raster("classes")
    assert np.array_equal(classes.data[~null], CLASSES.values[expected.argmax(axis=-1)][~null])


def test_of_two_classes_the_threshold_decides_for_the_second(grass_project, bands, make_model):
    two = ClassScheme([MapClass(3, "rest", "0:0:0"), MapClass(8, "roof", "200:60:50")])
    model = make_model([plain_band("one"), plain_band("two")], MEAN, DEVIATION, classes=two)
    expected, null = whole(model[1], bands)
    threshold = float(np.quantile(expected[~null][:, 1], 0.8).round(3))
    predict(grass_project, model, threshold=threshold)
    found = grass_project.read_raster("classes")
    assert np.array_equal(np.ma.getmaskarray(found), null)
    clear = ~null & (np.abs(expected[..., 1] - threshold) > 2e-5)
    wanted = np.where(expected[..., 1] >= threshold, 8, 3)
    assert np.array_equal(found.data[clear], wanted[clear])
    assert 0.15 < (wanted[clear] == 8).mean() < 0.25


@pytest.fixture
def global_model(make_model):
    """A model whose network looks at its whole window."""
    pixels = keras.Input((None, None, 2))
    local = keras.layers.Conv2D(4, 3, padding="same", activation="relu")(
        keras.layers.Rescaling(0.01)(pixels)
    )
    joined = keras.layers.Concatenate()([local, ImagePooling2D()(local)])
    network = keras.Model(pixels, keras.layers.Conv2D(3, 1, activation="softmax")(joined))
    bands = [plain_band("one"), plain_band("two")]
    return make_model(bands, MEAN, DEVIATION, network, network="pooled")


def test_a_global_network_is_blended_and_says_so(grass_project, bands, global_model):
    done = predict(grass_project, global_model, tile_size=32, probabilities="p")
    told = " ".join(done.stderr.split())
    assert "Network pooled looks at the whole image at once" in told
    assert "32 cells overlap by half and are blended" in told
    found = probabilities(grass_project)
    null = np.isnan(bands).any(axis=-1)
    assert np.array_equal(found.mask.any(axis=-1), null)
    # The first half tile has no neighbour: it is one window's result.
    filled = np.where(null[..., None], np.float32(MEAN), bands)[:32, :32]
    corner = run_in_full(global_model[1])(filled)[:16, :16]
    assert np.abs(found.data[:16, :16] - corner)[~null[:16, :16]].max() < 1e-5
    assert corner.std(axis=(0, 1)).max() > 1e-3


def test_blended_regions_meet_without_a_seam(grass_project, bands, model):
    options = {"tiling": "blend", "tile_size": 24, "probabilities": "p", "overwrite": True}
    done = predict(grass_project, model, **options)
    assert "looks at the whole image" not in done.stderr
    everything = probabilities(grass_project)
    exact, null = whole(model[1], bands)
    assert np.abs(everything.data - exact)[~null].max() > 1e-3
    grass_project.run("g.region", n=ROWS - 11, s=6, w=13, e=COLS - 9)
    predict(grass_project, model, **options)
    part = np.s_[11 : ROWS - 6, 13 : COLS - 9]
    found = probabilities(grass_project)
    assert np.array_equal(found.mask, everything.mask[part])
    assert np.abs(found.data - everything.data[part])[~null[part]].max() < 1e-5


class TestBadInput:
    def test_a_missing_map(self, grass_project, bands, model):
        refused(grass_project, model, "<absent>", input="one,absent")

    def test_another_number_of_bands(self, grass_project, bands, model):
        refused(grass_project, model, "2 bands are expected (one, two)", "1", input="one")

    def test_declared_names_in_another_order(self, grass_project, bands, make_model):
        declared = [plain_band("red", declared=True), plain_band("nir", declared=True)]
        model = make_model(declared, MEAN, DEVIATION)
        refused(grass_project, model, "band 1 is expected to be <red>", "<nir>", bands="nir,red")

    def test_another_resolution(self, grass_project, bands, model):
        grass_project.run("g.region", res=1.25)
        refused(grass_project, model, "cells of 1,", "g.region -a res=1")

    def test_a_missing_derived_band(self, grass_project, bands, make_model):
        source = {"dsm": "one@PERMANENT", "dtm": "two@PERMANENT"}
        ndsm = Band("ndsm", True, source, "ndsm", 1.0, "nearest", "", "float32")
        model = make_model([plain_band("x"), ndsm], MEAN, DEVIATION)
        refused(grass_project, model, "<ndsm>", "dsm and dtm", input="one")

    def test_a_derived_band_that_the_model_lacks(self, grass_project, bands, model):
        refused(grass_project, model, "no band <ndsm>", dsm="one", dtm="two")

    def test_a_missing_model_folder(self, grass_project, bands, model):
        refused(grass_project, ["/nowhere/model"], "Model folder </nowhere/model> not found")

    def test_a_damaged_model_card(self, grass_project, bands, model):
        (model[0] / "model.json").write_text('{"format": "i.dl model", "version": 2}')
        refused(grass_project, model, "damaged model.json")

    def test_a_model_of_a_newer_version(self, grass_project, bands, model):
        (model[0] / "model.json").write_text('{"format": "i.dl model", "version": 99}')
        refused(grass_project, model, "version 99", "install a newer i.dl")

    def test_damaged_weights(self, grass_project, bands, model):
        weights = model[0] / "model.keras"
        weights.write_bytes(weights.read_bytes()[:2000])
        refused(grass_project, model, "model.keras", "cannot be loaded")

    def test_weights_of_another_model(self, grass_project, bands, make_model, model):
        card = json.loads((model[0] / "model.json").read_text())
        card["properties"]["idl:classes"].pop()
        (model[0] / "model.json").write_text(json.dumps(card))
        refused(grass_project, model, "does not fit its model.json")

    @pytest.mark.parametrize(
        "change",
        [
            {"idl:halo": 0},
            {"idl:stride": 0},
            {"idl:halo": "8"},
            {"idl:resolution": "1"},
            {"idl:resolution": [1, 0]},
        ],
    )
    def test_a_model_card_with_impossible_values(self, grass_project, bands, model, change):
        card = json.loads((model[0] / "model.json").read_text())
        card["properties"] |= change
        (model[0] / "model.json").write_text(json.dumps(card))
        refused(grass_project, model, "damaged model.json")

    def test_a_model_file_that_holds_code(self, grass_project, bands, model, tmp_path):
        trace = tmp_path / "executed"
        pixels = keras.Input((None, None, 2))
        code = keras.layers.Lambda(eval(f"lambda x: open({str(trace)!r}, 'w') and x"))
        probabilities = keras.layers.Conv2D(3, 1, activation="softmax")(code(pixels))
        keras.Model(pixels, probabilities).save(model[0] / "model.keras")
        trace.unlink()
        refused(grass_project, model, "model.keras", "cannot be loaded")
        assert not trace.exists()

    def test_an_output_that_is_an_input(self, grass_project, bands, model):
        refused(grass_project, model, "<two> is also an input", output="two", overwrite=True)
        refused(grass_project, model, "<one> is also an input", confidence="one", overwrite=True)

    def test_a_group_with_missing_members(self, grass_project, bands, model):
        grass_project.run("g.copy", raster="two,gone")
        grass_project.run("i.group", group="pair", input="one,gone")
        grass_project.run("g.remove", flags="f", type="raster", name="gone")
        words = grass_project.command("i.dl.predict", group="pair", model=model[0], output="x")
        done = subprocess.run(words, env=grass_project.environment, capture_output=True, text=True)
        assert done.returncode == 1
        assert "ERROR: Raster map <gone@PERMANENT> not found" in done.stderr

    def test_an_existing_output(self, grass_project, bands, model):
        grass_project.run("g.copy", raster="one,p_5")
        refused(grass_project, model, "<p_5> exists", probabilities="p")

    def test_two_outputs_of_one_name(self, grass_project, bands, model):
        refused(grass_project, model, "<classes>", confidence="classes")

    def test_a_region_beside_the_maps(self, grass_project, bands, model):
        grass_project.run("g.region", n=500, s=400, w=0, e=100, res=1)
        refused(grass_project, model, "outside the input maps")

    def test_a_region_without_data(self, grass_project, bands, model):
        grass_project.run("g.region", n=ROWS - 5, s=ROWS - 9, w=10, e=30)
        refused(grass_project, model, "nothing to classify")

    def test_exact_tiling_of_a_global_network(self, grass_project, bands, global_model):
        words = ("Network pooled", "cannot be tiled exactly", "leave out tiling=exact")
        refused(grass_project, global_model, *words, tiling="exact")

    @pytest.mark.parametrize("threshold", [-0.1, 1.5, "nan"])
    def test_a_threshold_that_is_no_probability(self, grass_project, bands, model, threshold):
        refused(grass_project, model, "threshold", "0 to 1", threshold=threshold)

    def test_an_uncertainty_map_that_exists_or_is_an_input(self, grass_project, bands, model):
        grass_project.run("g.copy", raster="one,unsure")
        refused(grass_project, model, "<unsure>", "exists", uncertainty="unsure")
        refused(grass_project, model, "<one>", "input", uncertainty="one", overwrite=True)

    def test_a_nonsense_tile_size(self, grass_project, bands, model):
        refused(grass_project, model, "tile_size", tile_size=0)


def stop_when(process, reached, how):
    """Send a signal to a module's processes as soon as it has reached something."""
    deadline = time.monotonic() + 120
    while not reached():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.005)
    os.killpg(process.pid, how)
    return process.communicate()[1]


@pytest.fixture
def long_prediction(grass_project, model):
    """A prediction of maps that are large enough to be caught in the making."""
    rng = np.random.default_rng(1)
    for name in ("one", "two"):
        grass_project.write_raster(name, rng.normal(100, 30, (1500, 1500)).astype(np.float32))
    grass_project.run("g.region", raster="one")
    words = grass_project.command(
        "i.dl.predict", input="one,two", model=model[0], output="classes", probabilities="p"
    )
    return subprocess.Popen(
        words,
        env=grass_project.environment,
        start_new_session=True,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_prediction_stopped_at_work_leaves_no_map(grass_project, long_prediction, how):
    scratch = grass_project.mapset / ".tmp"

    def at_work():
        return any(path.stat().st_size for path in scratch.rglob("classes.bin"))

    messages = stop_when(long_prediction, at_work, how)
    assert grass_project.maps() == ["one", "two"]
    if how != signal.SIGKILL:
        assert long_prediction.returncode == 1
        assert "Interrupted: nothing was written" in messages
        assert not list(scratch.rglob("classes.bin"))


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_prediction_stopped_while_maps_are_made_leaves_none(grass_project, long_prediction, how):
    cells = grass_project.mapset / "cell"

    def making_maps():
        return any(path.name.endswith("p_2") for path in cells.iterdir())

    stop_when(long_prediction, making_maps, how)
    assert long_prediction.returncode == 1
    assert grass_project.maps() == ["one", "two"]


def test_maps_of_a_killed_prediction_go_with_the_next_one(grass_project, bands, model):
    dead = subprocess.Popen(["true"])
    dead.wait()
    grass_project.run("g.copy", raster=f"one,i_dl_predict_tmp_{dead.pid}_p_2")
    predict(grass_project, model)
    assert set(grass_project.maps()) == {"one", "two", "classes"}
