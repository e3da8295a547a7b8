# SPDX-License-Identifier: GPL-2.0-or-later
"""The options engine and precision of i.dl.predict, and two predictions at once."""

import os
import subprocess

import numpy as np
import pytest

from predicting import predict, refused
from small_model import DEVIATION, MEAN, plain_band

pytest.importorskip("openvino", reason="the optional package openvino is not installed")


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
        words = ("Missing Python packages: openvino.", "/bin/pip install -r")
        refused(grass_project, model, *words, env=bare, **options)

    def test_keras_in_bfloat16(self, grass_project, bands, model):
        words = ("Keras computes in bfloat16 on a GPU only", "engine=openvino")
        refused(grass_project, model, *words, engine="keras", precision="bfloat16")

    def test_an_unknown_engine(self, grass_project, bands, model):
        refused(grass_project, model, "engine", engine="torch")


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
