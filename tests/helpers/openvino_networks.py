# SPDX-License-Identifier: GPL-2.0-or-later
"""Networks of the tests in OpenVINO."""

import numpy as np
import pytest

from grassdl.model.weights import save_network
from grassdl.predict.engines.network_facts import NetworkFacts
from grassdl.predict.engines.openvino_cache import cache_folder
from grassdl.predict.engines.openvino_conversion import converted
from grassdl.predict.engines.openvino_engine import OpenVinoEngine
from scenes import MEAN


def trial(rows=64, cols=64):
    """A window of likely values of the bands of `scenes`."""
    noise = np.random.default_rng(2).normal(MEAN, [20, 50], (rows, cols, 2))
    return noise.astype(np.float32)


def in_openvino(network, folder, **options):
    """The engine of a network that is saved in a folder."""
    pytest.importorskip("openvino")
    save_network(network, folder)
    return OpenVinoEngine(convert(network, folder, print), **options)


def convert(network, folder, tell):
    """What a network that is saved in a folder becomes for OpenVINO."""
    return converted(network, NetworkFacts.of(network), cache_folder(folder), trial(), tell)
