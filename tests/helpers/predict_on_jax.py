# SPDX-License-Identifier: GPL-2.0-or-later
"""Trains a model on JAX, and predicts with it and another one: DATASET TRAINED OTHER IMAGES OUT."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "lib"))

from grassdl.runtime import keras_backend

keras_backend.prepare(1)

import keras  # noqa: E402
import numpy as np  # noqa: E402

from grassdl.dataset.patchset import JoinedPatchSets, PatchSet  # noqa: E402
from grassdl.model.weights import load_network  # noqa: E402
from grassdl.train.config.settings import Settings  # noqa: E402
from grassdl.train.trainer import train  # noqa: E402

dataset, trained, other, images, out = map(Path, sys.argv[1:])
train(
    JoinedPatchSets([PatchSet.open(dataset)]),
    trained,
    Settings(
        network_options={"filters": 4, "depth": 1}, epochs=6, batch_size=4, learning_rate=0.03
    ),
    command="",
    versions={},
    report=print,
    warn=print,
)
pixels = np.load(images)
np.savez(
    out,
    backend=keras.backend.backend(),
    trained=load_network(trained).predict_on_batch(pixels),
    other=load_network(other).predict_on_batch(pixels),
)
