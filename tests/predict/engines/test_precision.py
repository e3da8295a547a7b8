# SPDX-License-Identifier: GPL-2.0-or-later
"""Half precision with Keras, as a GPU computes it; processors compute the same, slowly."""

from dataclasses import replace

import keras
import numpy as np
import pytest

from grassdl import networks
from grassdl.model.ensemble import open_model
from grassdl.networks.precision import in_precision
from grassdl.predict.engines import selection
from grassdl.predict.engines.keras_engine import KerasEngine
from grassdl.predict.engines.selection import chosen_precision, load_engine
from grassdl.predict.mosaic.mosaic import row_bands
from grassdl.predict.settings import AUTO, KERAS, MODEL, Settings
from grassdl.predict.tiled_network import TiledNetwork
from grassdl.runtime import keras_backend
from numbered_inputs import NumberedInputs
from small_model import DEVIATION, MEAN, plain_band, write_model

HALVES = ["bfloat16", "float16"]


@pytest.fixture(scope="module")
def network():
    keras.utils.set_random_seed(1)
    statistics = {"mean": [1000, 5], "deviation": [300, 2]}
    network = networks.build("unet", 16, 2, 3, filters=8, depth=2, **statistics)
    # As sure of most pixels as a trained network is.
    scores = network.get_layer("logits")
    scores.set_weights([20 * one for one in scores.get_weights()])
    return network


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    write_model(folder, [plain_band("one"), plain_band("two")], MEAN, DEVIATION)
    card = open_model(str(folder)).card
    return Settings.without_maps(str(folder), card, normalization=MODEL, memory=1000, nprocs=0)


def load(settings, **changed):
    changed = replace(settings, **changed)
    return load_engine(open_model(settings.model).card, changed, report=lambda line: None)


def with_gpu(monkeypatch, fast):
    """Let the library find a GPU, which may be fast in bfloat16."""
    for name in ("may_have_gpu", "has_gpu"):
        monkeypatch.setattr(keras_backend, name, lambda: True)
    monkeypatch.setattr(keras_backend, "has_fast_bfloat16", lambda: fast)


@pytest.mark.parametrize("precision", HALVES)
def test_half_precision_hardly_changes_classes_and_gives_probabilities_in_float32(
    network, precision
):
    window = np.random.default_rng(1).normal((1000, 5), (300, 2), (32, 32, 2)).astype(np.float32)
    exact = KerasEngine(network)(window)
    found = KerasEngine(network, precision=precision)(window)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found.sum(axis=-1), 1, atol=1e-5)
    assert np.abs(found - exact).max() > 1e-5
    assert (found.argmax(axis=-1) != exact.argmax(axis=-1)).mean() < 0.01


@pytest.mark.parametrize("precision", HALVES)
def test_only_what_lies_between_normalization_and_probabilities_is_halved(network, precision):
    mixed = in_precision(network, precision)
    single = {one.name for one in mixed.layers if one.compute_dtype == "float32"}
    assert {"normalization", "probabilities"} <= single
    halved = [one for one in mixed.layers if one.weights]
    assert {one.compute_dtype for one in halved} == {precision}
    assert {one.dtype for one in mixed.weights} == {"float32"}


@pytest.mark.parametrize(("fast", "expected"), [(True, "bfloat16"), (False, "float32")])
def test_auto_is_what_the_gpu_does_well(monkeypatch, settings, fast, expected):
    with_gpu(monkeypatch, fast)
    loaded = load(settings, precision=AUTO)
    assert (loaded.name, loaded.precision) == (KERAS, expected)


def test_a_gpu_is_taken_for_half_precision(monkeypatch, settings):
    with_gpu(monkeypatch, fast=False)
    loaded = load(settings, precision="float16")
    assert (loaded.name, loaded.precision) == (KERAS, "float16")


def test_where_there_is_a_gpu_windows_are_grouped_and_other_processes_read(monkeypatch, settings):
    with_gpu(monkeypatch, fast=False)
    inputs = NumberedInputs(120, 90)
    card = open_model(settings.model).card
    asked = replace(settings, engine=KERAS, tile_size=32, nprocs=2)
    figures = {"with_probabilities": True}
    network = TiledNetwork(card, asked, inputs, figures, report=lambda line: None)
    network.tile(None)
    assert network.loaded.engine.at_once((32, 32, 2)) == 1024
    with inputs.open(network.cells) as reader, network.read_ahead(None) as ahead:
        found, expected = (
            [one.probabilities for one in row_bands(windows, network.decision, "exact")]
            for windows in (network.windows(reader, ahead), network.windows(reader))
        )
    assert np.array_equal(np.concatenate(found), np.concatenate(expected))
    assert np.concatenate(found).shape == (120, 90, 3)


def test_auto_is_float32_on_a_processor(settings):
    loaded = load(settings, precision=AUTO, engine=KERAS)
    assert (loaded.name, loaded.precision) == (KERAS, "float32")


def test_a_processor_without_bfloat16_goes_on_in_float32_and_tells(monkeypatch, settings):
    monkeypatch.setattr(selection, "has_bfloat16", lambda: False)
    lines = []
    asked = replace(settings, precision="bfloat16")
    assert chosen_precision(asked, with_openvino=True, report=lines.append) == "float32"
    assert lines == ["The processor of this machine does not compute in bfloat16: using float32"]


@pytest.mark.parametrize(
    ("precision", "instead"), [("bfloat16", "engine=openvino"), ("float16", "precision=float16")]
)
def test_half_precision_of_keras_is_refused_without_a_gpu(settings, precision, instead):
    with pytest.raises(ValueError, match=f"Keras computes in {precision} on a GPU only.*{instead}"):
        load(settings, precision=precision, engine=KERAS)
