# SPDX-License-Identifier: GPL-2.0-or-later
"""Mixed precision in training, single precision in the model."""

import keras
import numpy as np
import pytest

from grassdl import networks
from grassdl.networks.precision import in_precision
from grassdl.runtime import keras_backend
from grassdl.train.optimization import precision
from grassdl.train.optimization.precision import computing_in, resolve


def test_auto_is_what_the_hardware_does_well(monkeypatch):
    for fast, expected in ((True, "bfloat16"), (False, "float32")):
        monkeypatch.setattr(precision, "has_fast_bfloat16", lambda fast=fast: fast)
        assert resolve("auto") == expected
        assert resolve("float32") == "float32"
        assert resolve("bfloat16") == "bfloat16"


def test_a_processor_alone_has_no_fast_bfloat16():
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        if tf.config.list_physical_devices("GPU"):
            pytest.skip("there is a GPU")
    assert not keras_backend.has_fast_bfloat16()


@pytest.mark.parametrize("name", ["unet", "segnet", "deeplabv3plus"])
def test_a_copy_in_single_precision_has_the_same_weights_and_computes_in_it(name):
    options = {} if name == "deeplabv3plus" else {"depth": 1}
    statistics = {"mean": [1000, 5], "deviation": [300, 2]}
    with computing_in("bfloat16"):
        mixed = networks.build(name, 16, 2, 3, filters=4, **statistics, **options)
    plain = networks.build(name, 16, 2, 3, filters=4, **statistics, **options)
    assert {layer.compute_dtype for layer in mixed.layers} == {"bfloat16", "float32"}
    single = in_precision(mixed, "float32")
    assert {layer.compute_dtype for layer in single.layers} == {"float32"}
    plain.set_weights(mixed.get_weights())
    pixels = np.random.default_rng(1).uniform(0, 2000, (1, 16, 16, 2)).astype(np.float32)
    np.testing.assert_array_equal(single(pixels), plain(pixels))
    assert np.abs(np.subtract(single(pixels), mixed(pixels))).max() > 0
    assert [one.name for one in single.layers] == [one.name for one in plain.layers]


def test_the_precision_of_others_is_left_as_it_was():
    before = keras.config.dtype_policy()
    with pytest.raises(RuntimeError), computing_in("bfloat16"):
        assert keras.config.dtype_policy().name == "mixed_bfloat16"
        raise RuntimeError
    assert keras.config.dtype_policy() == before
