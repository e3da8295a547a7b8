# SPDX-License-Identifier: GPL-2.0-or-later
"""Exported models: the files another tool opens, run again by its own runtime."""

import json
from dataclasses import replace

import keras
import numpy as np
import pytest

import stac_check
from grassdl.core.bands import Band
from grassdl.core.patch_classes import PatchClasses
from grassdl.exchange import formats
from grassdl.exchange.export import EXPORT_FOLDER, Export
from grassdl.exchange.formats import FORMATS, overlap
from grassdl.exchange.ground_units import metres_per_unit
from grassdl.exchange.importing import Import, Wanted
from grassdl.exchange.whole_network import Layout
from grassdl.model.ensemble import open_model
from grassdl.model.folder import load_card, save_card
from grassdl.model.weights import load_network
from small_model import CLASSES, plain_band, write_model

BYTES = [
    Band(name, True, {"map": name}, None, 1.0, "nearest", "", "uint8") for name in ("red", "nir")
]


@pytest.fixture(scope="module")
def unet(tmp_path_factory):
    """The folder of a U-Net that is unsure of its probabilities."""
    folder = tmp_path_factory.mktemp("unet")
    bands = [plain_band("one"), plain_band("two")]
    write_model(folder, bands, [100.0, 40.0], [30.0, 10.0], temperature=2.5)
    return folder


def plain_network(interpolation="nearest"):
    """A network of stride 2 that takes no time to convert."""
    pixels = keras.Input((None, None, 2))
    features = keras.layers.Conv2D(4, 2, strides=2)(keras.layers.Rescaling(0.01)(pixels))
    wide = keras.layers.UpSampling2D(2, interpolation=interpolation)(features)
    return keras.Model(pixels, keras.layers.Conv2D(3, 1, activation="softmax")(wide))


@pytest.fixture
def make(tmp_path):
    """Writes a model of a plain network."""

    def write(bands=BYTES, interpolation="nearest", **changes):
        folder = tmp_path / "model"
        folder.mkdir()
        network = plain_network(interpolation)
        write_model(folder, bands, [100.0, 40.0], [30.0, 10.0], network, **changes)
        return folder

    return write


def export(model, output, format_name, size=None, overwrite=False):
    return Export.planned(model, output, format_name, size, overwrite).run()


def probabilities(model, values):
    return load_card(model).tempered(np.array(load_network(model)(values)))


def onnx_facts(path):
    import onnx

    return {one.key: json.loads(one.value) for one in onnx.load(str(path)).metadata_props}


def test_onnx_takes_images_of_any_size_and_gives_the_probabilities_of_the_model(unet, tmp_path):
    done = export(unet, tmp_path / "out", "onnx")
    assert done.path == tmp_path / "out" / "model.onnx"
    assert done.same_class > 0.999
    card = load_card(unet)
    run = formats.open_onnx(tmp_path / "out")
    for edge in (64, 96):
        values = card.likely_values(edge)[None]
        assert run(values) == pytest.approx(probabilities(unet, values), abs=1e-4)
    facts = onnx_facts(done.path)
    assert facts["bands"] == ["one", "two"]
    assert facts["classes"] == {"2": "grass", "5": "roof", "9": "a b|c"}


def test_deepness_is_given_a_tile_of_bytes_and_what_it_must_know(make, tmp_path):
    wkt = 'PROJCS["somewhere",GEOGCS["x",UNIT["degree",0.0174]],UNIT["metre",1]]'
    model = make(resolution=(0.25, 0.25), temperature=3.0)
    card = load_card(model)
    area = {"dataset_id": "a", "crs": None, "wkt": wkt, "north": 1.0, "south": 0.0}
    places = {"train": [[0, 3]], "val": []}
    area |= {"east": 1.0, "west": 0.0, "patches": {"train": 1}, "places": places}
    card.areas = [{**area, "size": 64, "nsres": 0.25, "ewres": 0.25}]
    save_card(card, model)
    done = export(model, tmp_path / "out", "deepness")
    facts = onnx_facts(done.path)
    assert facts["model_type"] == "Segmentor"
    assert facts["class_names"] == {"0": "grass", "1": "roof", "2": "a b|c"}
    assert facts["resolution"] == 25
    # As Deepness does it: bytes as a share of 255, bands first.
    values = card.likely_values(512)[None]
    assert values.min() >= 0 and (values == values.round()).all()
    tile = np.moveaxis(values.astype(np.uint8), -1, 1).astype(np.float32) / 255
    found = formats.open_onnx(tmp_path / "out")(np.ascontiguousarray(tile))
    assert found.shape == (1, 3, 512, 512)
    expected = probabilities(model, values)
    assert np.moveaxis(found, 1, -1) == pytest.approx(expected, abs=1e-4)
    # And i.dl.import takes it back with no more options.
    again = Import.planned(str(done.path), tmp_path / "again", Wanted(), False).run("", {}).card
    assert load_card(tmp_path / "again").seen_areas == card.areas
    for name in ("bands", "classes", "mean", "deviation", "resolution"):
        assert getattr(again, name) == getattr(card, name)
    found = open_model(str(tmp_path / "again")).predictor()(values)
    assert found == pytest.approx(expected, abs=1e-4)


def test_openvino_and_saved_model_of_a_network_that_interpolates_have_one_size(make, tmp_path):
    model = make(interpolation="bilinear")
    with pytest.raises(ValueError, match=r"interpolates: .* name it by size=64"):
        export(model, tmp_path / "out", "openvino")
    assert not (tmp_path / "out").exists()
    values = load_card(model).likely_values(64)[None]
    for name in ("openvino", "savedmodel"):
        export(model, tmp_path / "out", name, 64, overwrite=True)
        found = FORMATS[name].open(tmp_path / "out")(values)
        assert found == pytest.approx(probabilities(model, values), abs=1e-5)
        EXPORT_FOLDER.check_replaceable(tmp_path / "out")


def test_an_ensemble_becomes_one_network_that_averages(tmp_path):
    names = []
    for seed, temperature in ((1, 1.0), (2, 2.5)):
        keras.utils.set_random_seed(seed)
        folder = tmp_path / f"member_{seed}"
        folder.mkdir()
        # Trainings give the networks of an ensemble one name.
        plain = plain_network()
        network = keras.Model(plain.inputs[0], plain.outputs[0], name="unet")
        write_model(folder, BYTES, [100.0, 40.0], [30.0, 10.0], network, temperature=temperature)
        names.append(str(folder))
    export(",".join(names), tmp_path / "out", "savedmodel")
    values = load_card(names[0]).likely_values(64)[None]
    found = FORMATS["savedmodel"].open(tmp_path / "out")(values)
    expected = np.mean([probabilities(name, values) for name in names], axis=0)
    assert found == pytest.approx(expected, abs=1e-5)
    item = json.loads((tmp_path / "out" / "export.json").read_text())
    stac_check.check(item)
    assert item["assets"].keys() == {"model", "readme"}


def test_the_stac_item_has_the_exported_file_as_its_model(make, tmp_path):
    export(make(), tmp_path / "out", "savedmodel")
    item = json.loads((tmp_path / "out" / "export.json").read_text())
    stac_check.check(item)
    assert item["assets"]["model"]["href"] == "./saved_model"
    assert item["properties"]["mlm:input"][0]["input"]["shape"] == [1, -1, -1, 2]
    text = (tmp_path / "out" / "README.md").read_text()
    assert "| nir | 40 |" in text
    assert "| 2 | 9 | a b\\|c |" in text
    assert "Rows and columns are multiples of 2" in text


@pytest.mark.parametrize(
    "changes, format_name, size, complaint",
    [
        ({"bands": [BYTES[0], plain_band("ndsm")]}, "deepness", None, "band <ndsm> is of type"),
        ({}, "savedmodel", 33, "Size 33 is no multiple of 2, .* choose 32"),
        ({"target": PatchClasses(CLASSES)}, "deepness", None, "is for classes of cells, which"),
        ({"target": PatchClasses(CLASSES)}, "onnx", 32, "as a whole, these are of 32; leave out"),
    ],
)
def test_what_cannot_be_exported_is_refused_and_nothing_written(
    make, tmp_path, changes, format_name, size, complaint
):
    model = make(**changes)
    with pytest.raises(ValueError, match=complaint):
        export(model, tmp_path / "out", format_name, size)
    assert [one.name for one in tmp_path.iterdir()] == ["model"]


def test_images_that_no_memory_of_this_machine_holds_are_refused(make, tmp_path, monkeypatch):
    monkeypatch.setattr("grassdl.exchange.export.physical_memory", lambda: 10**6)
    with pytest.raises(ValueError, match="Images of 512 x 512 cells take about .* name a smaller"):
        export(make(), tmp_path / "out", "savedmodel", 512)
    assert [one.name for one in tmp_path.iterdir()] == ["model"]


def test_an_export_that_gives_other_probabilities_is_not_written(make, tmp_path, monkeypatch):
    wrong = replace(FORMATS["savedmodel"], open=lambda folder: lambda images: images[..., [0] * 3])
    monkeypatch.setitem(FORMATS, "savedmodel", wrong)
    with pytest.raises(ValueError, match="other probabilities than the model"):
        export(make(), tmp_path / "out", "savedmodel")
    assert not (tmp_path / "out").exists()


def test_missing_packages_are_all_named(make, tmp_path, monkeypatch):
    monkeypatch.setattr("grassdl.exchange.export.find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError) as caught:
        export(make(), tmp_path / "out", "onnx")
    assert caught.value.name == "onnx onnxruntime tf2onnx"


def test_tiles_overlap_by_twice_the_halo_and_feet_are_metres(make):
    card = load_card(make())
    layout = Layout(size=512)
    assert overlap(replace(card, halo=48), layout) == 19
    assert overlap(replace(card, halo=None), layout) == 25
    feet = 'PROJCS["NC",UNIT["US survey foot",0.3048006096012192]]'
    assert metres_per_unit(replace(card, areas=[{"wkt": feet}])) == pytest.approx(0.3048006)
    assert metres_per_unit(replace(card, areas=[{"wkt": 'GEOGCS["x",UNIT["degree",1]]'}])) is None
