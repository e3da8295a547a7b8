# SPDX-License-Identifier: GPL-2.0-or-later
"""The options engine and precision of i.dl.predict, and two predictions at once."""

import os
import subprocess

import keras
import numpy as np
import pytest
from predicting import predict, refused
from small_model import DEVIATION, MEAN, plain_band

from grassdl.classes import ClassScheme, MapClass
from grassdl.model import save_network
from grassdl.networks import registry

openvino = pytest.importorskip("openvino", reason="the optional package openvino is not installed")
TRAINED_EPOCHS = 15
BFLOAT16 = "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def without_openvino(project, tmp_path):
    """The environment of a session in whose Python the package is missing."""
    text = "raise ModuleNotFoundError('No module named openvino', name='openvino')"
    (tmp_path / "openvino.py").write_text(text)
    path = os.pathsep.join([str(tmp_path), project.environment["PYTHONPATH"]])
    return {"PYTHONPATH": path}


def engine_told(project, name="classes"):
    """What the history of a map tells of the engine."""
    info = project.run("r.info", flags="h", map=name).stdout
    return next(line.strip() for line in info.splitlines() if line.strip().startswith("engine "))


def test_maps_tell_the_engine_that_made_them(grass_project, bands, make_model):
    named = [plain_band("one"), plain_band("two")]
    model = make_model(named, MEAN, DEVIATION, converted=False)
    predict(grass_project, model, confidence="sure")
    assert engine_told(grass_project) == "engine openvino, precision float32"
    assert engine_told(grass_project, "sure") == "engine openvino, precision float32"
    kept = [one.name for one in model[0].iterdir() if one.name.startswith("openvino-")]
    assert len(kept) == 1
    predict(grass_project, model, engine="keras", output="k", confidence="sure_too")
    assert engine_told(grass_project, "k") == "engine keras, precision float32"
    difference = grass_project.read_raster("sure") - grass_project.read_raster("sure_too")
    assert np.abs(difference).max() < 1e-5


def test_a_run_that_finds_a_converted_network_needs_no_keras(grass_project, bands, model, tmp_path):
    for package in ("keras", "tensorflow"):
        (tmp_path / f"{package}.py").write_text("raise SystemExit(3)")
    path = os.pathsep.join([str(tmp_path), grass_project.environment["PYTHONPATH"]])
    predict(grass_project, model, env={"PYTHONPATH": path})
    assert engine_told(grass_project) == "engine openvino, precision float32"


def test_without_the_package_keras_computes(grass_project, bands, model, tmp_path):
    bare = without_openvino(grass_project, tmp_path)
    predict(grass_project, model, env=bare)
    assert engine_told(grass_project) == "engine keras, precision float32"


class TestBadInput:
    @pytest.mark.parametrize("options", [{"engine": "openvino"}, {"precision": "bfloat16"}])
    def test_openvino_that_is_missing(self, grass_project, bands, model, tmp_path, options):
        bare = without_openvino(grass_project, tmp_path)
        words = ("<openvino> is missing", "-m pip install openvino")
        refused(grass_project, model, *words, env=bare, **options)

    def test_keras_in_bfloat16(self, grass_project, bands, model):
        words = ("engine=keras computes in float32", "engine=openvino")
        refused(grass_project, model, *words, engine="keras", precision="bfloat16")

    def test_an_unknown_engine(self, grass_project, bands, model):
        refused(grass_project, model, "engine", engine="torch")


NAIP_BANDS = [f"naip.{place}" for place in (1, 2, 3, 4)]


@pytest.fixture
def naip(grass_project, real_data, make_model):
    """Real imagery of four bands, and a U-Net that is shortly trained on it."""
    for name, kind in (("naip", "rgbn"), ("label", "label")):
        source = real_data / "naip_ohio" / f"cluster07_{kind}.tif"
        grass_project.run("r.in.gdal", flags="o", input=source, output=name)
    grass_project.run("g.region", raster="naip.1")
    image = np.dstack([grass_project.read_raster(name) for name in NAIP_BANDS])
    values, labels = np.unique(grass_project.read_raster("label").filled(0), return_inverse=True)
    labels = labels.reshape(image.shape[:2])
    mean, deviation = image.mean(axis=(0, 1)).tolist(), image.std(axis=(0, 1)).tolist()
    classes = ClassScheme([MapClass(int(one), f"class {one}", "1:2:3") for one in values])
    keras.utils.set_random_seed(1)
    network = registry.build(
        "unet", 64, 4, len(values), mean=mean, deviation=deviation, filters=8, depth=3
    )
    untrained = network.get_weights()
    folder, network = make_model(
        [plain_band(name) for name in NAIP_BANDS], mean, deviation, network, converted=False,
        resolution=(0.6, 0.6), classes=classes,
    )  # fmt: skip
    patches = [cut(one) for one in (image.astype(np.float32), labels)]
    network.set_weights(untrained)
    network.compile(
        keras.optimizers.Adam(0.003), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    told = network.fit(*patches, batch_size=4, epochs=TRAINED_EPOCHS, verbose=0)
    most_frequent = np.bincount(labels.ravel()).max() / labels.size
    assert told.history["accuracy"][-1] > most_frequent + 0.05
    save_network(network, folder)
    return folder, network


def cut(image, edge=128):
    """Patches beside each other (N, edge, edge, ...)."""
    rows, cols = (length // edge * edge for length in image.shape[:2])
    parts = image[:rows, :cols].reshape(rows // edge, edge, cols // edge, edge, *image.shape[2:])
    return parts.swapaxes(1, 2).reshape(-1, edge, edge, *image.shape[2:])


def test_classes_of_real_imagery_by_a_trained_network_are_those_of_keras(grass_project, naip):
    def classes(**options):
        predict(grass_project, naip, input=NAIP_BANDS, overwrite=True, **options)
        return grass_project.read_raster("classes").filled(-1)

    expected = classes(engine="keras")
    assert len(np.unique(expected)) > 2
    assert (classes(engine="openvino") == expected).mean() >= 0.9999
    if BFLOAT16:
        found = classes(precision="bfloat16")
        assert engine_told(grass_project) == "engine openvino, precision bfloat16"
        assert (found == expected).mean() >= 0.99
        assert (found != expected).any()


def test_two_predictions_at_once_in_different_mapsets_do_not_disturb_each_other(
    grass_project, bands, model
):
    def session(mapset):
        """The environment of a mapset, whose region is that of `one` less a part."""
        gisrc = grass_project.path / f"gisrc_{mapset}"
        text = (grass_project.path / "gisrc").read_text().replace("PERMANENT", mapset)
        gisrc.write_text(text)
        return {**grass_project.environment, "GISRC": str(gisrc)}

    def words(name):
        return grass_project.command(
            "i.dl.predict", input="one@PERMANENT,two@PERMANENT", model=model[0], output=name,
            confidence=f"{name}_sure", vector=f"{name}_areas", tile_size=16,
        )  # fmt: skip

    def bytes_of(environment, name):
        listed = []
        for what in (name, f"{name}_sure"):
            file = grass_project.path / "out.raw"
            call = ["r.out.bin", f"input={what}", f"output={file}", "--o", "--q"]
            subprocess.run(call, env=environment, check=True, capture_output=True)
            listed.append(file.read_bytes())
        return listed

    edges = {"a": ["s=9"], "b": ["w=13"]}
    environments = {}
    for mapset, changes in edges.items():
        grass_project.run("g.mapset", flags="c", mapset=mapset)
        grass_project.run("g.mapset", mapset="PERMANENT")
        environments[mapset] = session(mapset)
        call = ["g.region", "raster=one@PERMANENT", *changes]
        subprocess.run(call, env=environments[mapset], check=True)
    at_once = [
        subprocess.Popen(words("together"), env=one, stderr=subprocess.PIPE)
        for one in environments.values()
    ]
    assert [one.communicate() and one.returncode for one in at_once] == [0, 0]
    for environment in environments.values():
        subprocess.run(words("alone"), env=environment, check=True, capture_output=True)
        assert bytes_of(environment, "together") == bytes_of(environment, "alone")
