# SPDX-License-Identifier: GPL-2.0-or-later
"""Small models with random weights, saved as i.dl.train saves them."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import keras
import numpy as np
import pytest

from grassdl.model.folder import load_card
from grassdl.predict.engines import openvino_conversion
from grassdl.predict.engines.network_facts import NetworkFacts
from grassdl.predict.engines.openvino_cache import cache_folder
from small_model import COLS, DEVIATION, MEAN, ROWS, plain_band, write_model


@pytest.fixture
def make_model(tmp_path: Path) -> Callable[..., tuple[Path, keras.Model]]:
    """Makes a model folder of a U-Net, or of another network; returns it and the network.

    Unless told otherwise it is `converted` for OpenVINO, if that is installed, as an earlier run
    would have left it: Keras is at hand here and would have to be started there.
    """

    def make(*description, converted=True, **changes) -> tuple[Path, keras.Model]:
        folder = tmp_path / "model"
        folder.mkdir()
        network = write_model(folder, *description, **changes)
        if converted and find_spec("openvino"):
            openvino_conversion.converted(
                network,
                NetworkFacts.of(network),
                cache_folder(folder),
                openvino_conversion.trial_window(load_card(folder)),
                lambda line: None,
            )
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
