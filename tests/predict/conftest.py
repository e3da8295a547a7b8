# SPDX-License-Identifier: GPL-2.0-or-later
"""Small models with random weights, saved as i.dl.train saves them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import partial
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

Model = tuple[Path, keras.Model]
"""A model folder and the network in it."""


def write_converted(folder: Path, *description, converted=True, **changes) -> Model:
    """Write a model folder as `write_model` does; returns it and the network.

    Unless told otherwise it is `converted` for OpenVINO, if that is installed, as an earlier run
    would have left it: Keras is at hand here and would have to be started there.
    """
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


@pytest.fixture
def make_model(tmp_path: Path) -> Callable[..., Model]:
    """Makes the model folder of a test, see `write_converted`."""
    return partial(write_converted, tmp_path / "model")


@pytest.fixture(scope="session")
def two_band_model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """The model that most tests take a copy of: to convert it takes longer than to use it."""
    folder = tmp_path_factory.mktemp("two_bands") / "model"
    return write_converted(folder, [plain_band("one"), plain_band("two")], MEAN, DEVIATION)


@pytest.fixture
def model(two_band_model: Model, tmp_path: Path) -> Model:
    """A model of two bands called as the maps are, not declared; the network is not to change."""
    folder, network = two_band_model
    return shutil.copytree(folder, tmp_path / "model"), network


@pytest.fixture(scope="session")
def one_band_model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """A model of the band `one` alone, to be copied."""
    folder = tmp_path_factory.mktemp("one_band") / "model"
    return write_converted(folder, [plain_band("one")], [100.0], [30.0])


@pytest.fixture(scope="session")
def two_bands(new_project, tmp_path_factory):
    """A project with the maps `one` and `two`, the region set to them; and their values."""
    project = new_project(tmp_path_factory.mktemp("two_bands"))
    rng = np.random.default_rng(1)
    arrays = [rng.normal(m, d, (ROWS, COLS)) for m, d in zip(MEAN, DEVIATION, strict=True)]
    arrays = [array.astype(np.float32) for array in arrays]
    arrays[0][5:9, 10:30] = np.nan
    arrays[1][30, :] = np.nan
    for name, array in zip(("one", "two"), arrays, strict=True):
        project.write_raster(name, array)
    project.run("g.region", raster="one")
    return project, np.dstack(arrays)


@pytest.fixture
def bands(grass_project, two_bands):
    """Maps `one` and `two`, NULL here and there, and the region set to them."""
    project, values = two_bands
    grass_project.take_maps_of(project)
    return values.copy()
