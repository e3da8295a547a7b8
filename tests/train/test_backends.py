# SPDX-License-Identifier: GPL-2.0-or-later
"""The library on JAX, beside TensorFlow, on which all other tests run."""

import os
import subprocess
import sys

import numpy as np
import pytest

from grassdl.model.folder import load_card
from grassdl.model.weights import load_network
from paths import CHECKOUT, PROGRAMS
from small_model import write_model
from tiny_dataset import BANDS, scene, write_dataset

ON_JAX = {
    **os.environ,
    "KERAS_BACKEND": "jax",
    "JAX_PLATFORMS": "cpu",
    # To optimise a network of this size takes longer than to train it.
    "JAX_DISABLE_MOST_OPTIMIZATIONS": "true",
}

OF_PUBLISHED = "networks/architectures/test_published_networks.py::test_"
SUITE = [
    *"train/optimization/test_losses.py train/optimization/test_metrics.py".split(),
    "networks/architectures/test_nicknet.py",
    f"{OF_PUBLISHED}unpooling_puts_each_maximum_back_where_it_was",
    f"{OF_PUBLISHED}image_pooling_puts_the_mean_of_the_image_into_every_cell",
]
"""Losses, metrics and networks against their oracles; those that compile fast. Batches and their
augmentation are NumPy's."""

AGREEMENT = 1e-4
"""Difference of the same probabilities on two backends, at most."""


def test_losses_metrics_and_networks_pass_their_tests_on_jax():
    call = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--no-header", "-x"]
    done = subprocess.run(
        [*call, *(str(CHECKOUT / "tests" / name) for name in SUITE)],
        env=ON_JAX,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """A model written here, one trained on JAX, images, and the probabilities of both on JAX.

    That of here has random weights and batch statistics: what a network of TensorFlow gives on JAX
    does not depend on where they come from.
    """
    folder = tmp_path_factory.mktemp("backends")
    arrays = {"train": scene(48, 1), "val": scene(8, 2), "test": scene(8, 3)}
    dataset = write_dataset(folder / "dataset", arrays)
    (folder / "here").mkdir()
    write_model(folder / "here", BANDS, [500.0, 1000.0], [300.0, 800.0])
    images = arrays["test"][0].astype(np.float32)
    np.save(folder / "images.npy", images)
    words = [dataset, folder / "jax", folder / "here", folder / "images.npy", folder / "out.npz"]
    subprocess.run(
        [sys.executable, str(PROGRAMS / "predict_on_jax.py"), *map(str, words)],
        env=ON_JAX,
        check=True,
    )
    return folder, images, np.load(folder / "out.npz")


@pytest.mark.parametrize(("model", "key"), [("here", "other"), ("jax", "trained")])
def test_a_model_of_one_backend_predicts_the_same_on_the_other(both, model, key):
    folder, images, on_jax = both
    assert on_jax["backend"] == "jax"
    here = load_network(folder / model).predict_on_batch(images)
    assert here == pytest.approx(on_jax[key], abs=AGREEMENT)
    assert here.std(axis=(0, 1, 2)).max() > 0.05


def test_training_on_jax_learns_what_there_is_to_learn(both):
    card = load_card(both[0] / "jax")
    assert card.test["overall_accuracy"] > 0.9
    assert "jax" in card.versions
