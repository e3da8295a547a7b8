# SPDX-License-Identifier: GPL-2.0-or-later
"""Networks on encoders that have learned on ImageNet: trained, and mapped in tiles as run once."""

from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pytest

from grassdl.model.folder import load_card, save_card
from grassdl.model.weights import load_network, save_network
from grassdl.networks import registry
from grassdl.networks.analysis.receptive_field import reach
from grassdl.predict.engines import openvino_conversion
from grassdl.predict.engines.network_facts import NetworkFacts
from grassdl.predict.engines.openvino_cache import cache_folder
from grassdl.train import trainer
from grassdl.train.config.settings import Settings
from predicting import predict
from tiny_dataset import CLASSES, SPECTRA, band, joined, scene, write_dataset

ROWS, COLS = 45, 70
BANDS = [band("red", declared=False), band("nir", declared=False)]
UNET = {"encoder": "efficientnet_lite0", "depth": 1, "filters": 2}
OTHER = {"encoder": "mobilenetv2", "depth": 1, "filters": 2}


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A U-Net that was trained on an encoder from ImageNet, and one on another encoder."""
    folder = tmp_path_factory.mktemp("encoders")
    dataset = write_dataset(
        folder / "dataset", {"train": scene(8, 1), "val": scene(2, 2)}, bands=BANDS
    )
    settings = Settings(network_options=UNET, encoder_weights="imagenet", epochs=1, batch_size=4)
    told = {"command": "", "versions": {}, "report": lambda line: None, "warn": lambda line: None}
    trained = trainer.train(joined(dataset), folder / "lite0", settings, **told)
    assert trained.training["epochs_run"] == 1
    statistics = {"mean": [500.0, 900.0], "deviation": trained.deviation}
    network = registry.build("unet", 16, len(BANDS), len(CLASSES), **statistics, **OTHER)
    extent = reach(network)
    known = {"network_options": OTHER, "encoder": None, "mean": statistics["mean"]}
    known |= {"stride": extent.stride, "halo": extent.halo, "name": "mobile"}
    (folder / "mobile").mkdir()
    save_network(network, folder / "mobile")
    for name, card in (("lite0", trained), ("mobile", replace(trained, **known))):
        # The project's cells.
        save_card(replace(card, resolution=(1.0, 1.0)), folder / name)
        _convert(folder / name)
    return folder / "lite0", folder / "mobile"


def _convert(folder):
    """As an earlier run would have left it, so that none of the test has to start Keras."""
    if find_spec("openvino"):
        network = load_network(folder)
        facts, window = (
            NetworkFacts.of(network),
            openvino_conversion.trial_window(load_card(folder)),
        )
        openvino_conversion.converted(
            network, facts, cache_folder(folder), window, lambda line: None
        )


def whole(folder, values):
    """Probabilities of a network run once over values (rows, cols, bands), NaN where NULL."""
    card, network = load_card(folder), load_network(folder)
    rows, cols = (-(-length // card.stride) * card.stride for length in values.shape[:2])
    filled = np.empty((1, rows, cols, len(BANDS)), np.float32)
    filled[:] = card.mean
    null = np.isnan(values).any(axis=-1)
    inside = filled[0, : values.shape[0], : values.shape[1]]
    inside[~null] = values[~null]
    return np.asarray(network(filled))[0, : values.shape[0], : values.shape[1]], null


def mapped(project, values, kind, **options):
    """Probabilities as i.dl.predict maps them in tiles, and what is NULL."""
    for place, name in enumerate(("red", "nir")):
        project.write_raster(name, values[..., place], dtype=kind)
    project.run("g.region", raster="red")
    options = {"input": "red,nir", "probabilities": "p", "tile_size": 16, **options}
    predict(project, [options.pop("model")], **options, overwrite=True)
    found = np.ma.dstack([project.read_raster(f"p_{one.value}") for one in CLASSES])
    return found.data, np.ma.getmaskarray(found).any(axis=-1)


def spoiled(values):
    """Values with NULL cells here and there."""
    values[5:9, 10:30, 0] = np.nan
    values[30, :, 1] = np.nan
    return values


def test_maps_of_8_bit_are_the_trained_network_run_once(grass_project, models):
    generator = np.random.default_rng(4)
    values = spoiled(generator.integers(0, 256, (ROWS, COLS, 2)).astype(np.float32))
    found, null = mapped(grass_project, values, "CELL", model=models[0])
    expected, expected_null = whole(models[0], values)
    assert np.array_equal(null, expected_null)
    assert np.abs(found - expected)[~null].max() < 1e-5
    assert expected.std(axis=(0, 1)).max() > 1e-3


def test_maps_of_floats_are_the_mean_of_networks_on_two_encoders_run_once(grass_project, models):
    generator = np.random.default_rng(5)
    labels = generator.integers(len(CLASSES), size=(ROWS, COLS))
    noise = generator.normal(0, 150, (ROWS, COLS, 2))
    values = spoiled((SPECTRA[labels] + noise).astype(np.float32))
    both = ",".join(map(str, models))
    found, null = mapped(grass_project, values, "FCELL", model=both, disagreement="apart")
    each = [whole(one, values)[0] for one in models]
    assert np.array_equal(null, np.isnan(values).any(axis=-1))
    assert np.abs(found - np.mean(each, axis=0))[~null].max() < 1e-5
    assert np.abs(each[0] - each[1])[~null].max() > 0.01
    apart = grass_project.read_raster("apart")
    assert apart.data[~null].max() > 0
