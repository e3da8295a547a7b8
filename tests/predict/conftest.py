# SPDX-License-Identifier: GPL-2.0-or-later
"""Small models with random weights, saved as i.dl.train saves them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
from small_model import CLASSES, COLS, DEVIATION, MEAN, ROWS, plain_band

from grassdl.bands import Band
from grassdl.model import ModelCard, save_network
from grassdl.networks import registry
from grassdl.networks.reach import reach


@pytest.fixture
def make_model(tmp_path: Path) -> Callable[..., tuple[Path, keras.Model]]:
    """Makes a model folder of a U-Net, or of another network; returns it and the network."""

    def make(
        bands: list[Band],
        mean: list[float],
        deviation: list[float],
        built: keras.Model | None = None,
        **changes,
    ):
        keras.utils.set_random_seed(3)
        classes = len(changes.get("classes", CLASSES))
        options = {"mean": mean, "deviation": deviation, "filters": 4, "depth": 2}
        network = built or registry.build("unet", 64, len(bands), classes, **options)
        rng = np.random.default_rng(3)
        weights = [one + rng.normal(0, 0.1, one.shape) for one in network.get_weights()]
        network.set_weights([np.abs(w) if w.ndim == 1 else w for w in weights])
        extent = reach(network)
        facts = {
            "name": "small",
            "network": "unet",
            "network_options": {"filters": 4, "depth": 2},
            "bands": bands,
            "mean": mean,
            "deviation": deviation,
            "classes": CLASSES,
            "resolution": (1.0, 1.0),
            "size": 64,
            "parameters": network.count_params(),
            "stride": extent.stride,
            "halo": extent.halo,
            "receptive_field": extent.receptive_field,
            "training": {},
            "dataset_ids": ["0123456789abcdef"],
            "versions": {},
            "test": None,
            "command": "i.dl.train",
        }
        folder = tmp_path / "model"
        folder.mkdir()
        ModelCard(**{**facts, **changes}).save(folder)
        save_network(network, folder)
        return folder, network

    return make


@pytest.fixture
def bands(grass_project):
    """Maps `one` and `two`, NULL here and there, and the region set to them."""
    rng = np.random.default_rng(1)
    arrays = [rng.normal(m, d, (ROWS, COLS)) for m, d in zip(MEAN, DEVIATION, strict=True)]
    arrays = [array.astype(np.float32) for array in arrays]
    arrays[0][5:9, 10:30] = np.nan
    arrays[1][30, :] = np.nan
    for name, array in zip(("one", "two"), arrays, strict=True):
        grass_project.write_raster(name, array)
    grass_project.run("g.region", raster="one")
    return np.dstack(arrays)


@pytest.fixture
def model(make_model):
    """A model of two bands called as the maps are, not declared."""
    return make_model([plain_band("one"), plain_band("two")], MEAN, DEVIATION)
