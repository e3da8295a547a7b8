# SPDX-License-Identifier: GPL-2.0-or-later
"""What is told before a training: memory and time; and what is told where memory ends."""

import time

import keras
import numpy as np
import pytest

from grassdl.train import preflight
from grassdl.train import trainer as fit_module
from grassdl.train.callbacks import first_steps
from grassdl.train.config.settings import Settings
from grassdl.train.preflight import (
    COPIES_OF_WEIGHTS,
    batch_size_that_fits,
    enough_memory,
    feature_bytes,
    memory_needed,
)
from grassdl.train.trainer import train
from tiny_dataset import joined, scene, write_dataset


@pytest.fixture(scope="module")
def network():
    """1x1 convolutions of 10 and 3 filters on 2 bands."""
    pixels = keras.Input((None, None, 2))
    features = keras.layers.Conv2D(10, 1)(pixels)
    nested = keras.Input((None, None, 10))
    head = keras.Model(nested, keras.layers.Conv2D(3, 1)(keras.layers.MaxPooling2D(2)(nested)))
    return keras.Model(pixels, head(features))


def test_features_and_weights_are_counted_in_nested_models_too(network):
    floats = 16 * 10 + 4 * 10 + 4 * 3
    assert feature_bytes(network, 4) == 4 * floats
    weights = 2 * 10 + 10 + 10 * 3 + 3
    assert memory_needed(network, 4, 5) == 4 * (COPIES_OF_WEIGHTS * weights + 5 * floats)


def test_the_batch_size_that_fits_is_told(network):
    weights, per_patch = memory_needed(network, 4, 0), feature_bytes(network, 4)
    assert batch_size_that_fits(network, 4, 32, weights + 5 * per_patch) == 5
    assert batch_size_that_fits(network, 4, 32, weights + 100 * per_patch) == 16
    assert batch_size_that_fits(network, 4, 32, None) == 16
    assert batch_size_that_fits(network, 4, 32, weights) == 0
    assert batch_size_that_fits(network, 4, 1, None) == 0


class ResourceExhaustedError(Exception):
    """Named as TensorFlow's."""


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        np._core._exceptions._ArrayMemoryError((9,), np.dtype("float32")),
        ResourceExhaustedError("OOM"),
        RuntimeError("RESOURCE_EXHAUSTED: Out of memory while trying to allocate 99 bytes"),
    ],
)
def test_each_way_to_run_out_of_memory_is_one_line(network, error):
    with (
        pytest.raises(ValueError, match="Out of memory with batches of 8.*use batch_size=4"),
        enough_memory(network, 4, 8, print),
    ):
        raise error


def test_other_errors_pass(network):
    with pytest.raises(RuntimeError, match="something else"), enough_memory(network, 4, 8, print):
        raise RuntimeError("something else")


def test_too_large_a_batch_is_told_before_it_fails(network, monkeypatch):
    warnings = []
    monkeypatch.setattr(preflight, "available_memory", lambda: 10**6)
    with enough_memory(network, 64, 100, warnings.append):
        pass
    assert len(warnings) == 1
    assert "use batch_size=" in warnings[0] or "cut smaller patches" in warnings[0]


def test_a_batch_that_no_memory_of_this_machine_holds_is_refused(network):
    words = "Training with batches of 10000 patches takes .* this machine has .*: use batch_size="
    with (
        pytest.raises(ValueError, match=words),
        enough_memory(network, 4096, 10_000, print),
    ):
        raise AssertionError("the training has begun")


GREEDY = """
import keras
def build(size, bands, classes):
    pixels = keras.Input((None, None, bands))
    x = keras.layers.Conv2D(classes, 1, activation="softmax")(pixels)
    x = keras.layers.ZeroPadding2D(1500)(x)
    return keras.Model(pixels, keras.layers.Cropping2D(1500)(x))
"""


def test_a_training_that_runs_out_of_memory_says_what_to_do(tmp_path):
    # A padded patch takes 109 MB, a batch of them 890 GB.
    data = joined(write_dataset(tmp_path / "dataset", {"train": scene(8192, 1)}))
    (tmp_path / "greedy.py").write_text(GREEDY)
    chosen = Settings(network_file=str(tmp_path / "greedy.py"), batch_size=8192, augmentation=())
    lines = []
    with pytest.raises(ValueError, match="Training with batches of 8192 patches.*use batch_size="):
        train(
            data,
            tmp_path / "model",
            chosen,
            command="",
            versions={},
            report=lines.append,
            warn=lines.append,
        )
    assert "MB of memory for batches of 8192" in lines[0]
    assert sorted(one.name for one in tmp_path.iterdir()) == ["dataset", "greedy.py"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"filters": 4096}, "Network <unet> would have 127073 million parameters.*fewer filters"),
        ({"depth": 7}, "Patch size 16 does not fit network <unet>: .* multiple of 128"),
    ],
)
def test_a_network_beyond_patches_or_memory_is_refused_before_it_is_built(
    tmp_path, monkeypatch, options, words
):
    def built(*_):
        raise AssertionError("the network is built")

    monkeypatch.setattr(fit_module, "build_network", built)
    data = joined(write_dataset(tmp_path / "dataset", {"train": scene(4, 16)}))
    settings = Settings(network_options=options)
    with pytest.raises(ValueError, match=words):
        train(data, tmp_path / "model", settings, command="", versions={}, report=print, warn=print)
    assert [one.name for one in tmp_path.iterdir()] == ["dataset"]


def test_the_time_per_epoch_is_told_once_after_the_first_steps(monkeypatch):
    monkeypatch.setattr(first_steps, "TIMED_SECONDS", 0.02)
    lines = []
    steps = first_steps.FirstSteps(1000, 10, lines.append)
    for step in range(40):
        steps.on_train_batch_end(step)
        time.sleep(0.002)
    assert len(lines) == 1
    assert "per epoch" in lines[0]
    assert lines[0].endswith("for 10 epochs")


def test_an_epoch_that_is_over_soon_tells_its_own_time():
    lines = []
    steps = first_steps.FirstSteps(3, 10, lines.append)
    for step in range(3):
        steps.on_train_batch_end(step)
    steps.on_epoch_end(0)
    assert lines == []
