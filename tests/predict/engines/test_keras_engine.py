# SPDX-License-Identifier: GPL-2.0-or-later
"""The Keras engine on windows of several sizes."""

import keras
import numpy as np
import pytest

from grassdl.predict.engines.keras_engine import KerasEngine


def interpolating(pixels):
    """Half the resolution and back, bilinearly."""
    coarse = keras.layers.AveragePooling2D(2)(pixels)
    return keras.layers.UpSampling2D(2, interpolation="bilinear")(coarse)


def nested(pixels):
    """The same inside a model of its own."""
    inner = keras.Input((None, None, 2))
    return keras.Model(inner, interpolating(inner))(pixels)


@pytest.mark.parametrize("build", [interpolating, nested])
def test_a_network_that_interpolates_takes_windows_of_several_sizes(build):
    pixels = keras.Input((None, None, 2))
    engine = KerasEngine(keras.Model(pixels, build(pixels)))
    for rows, cols in ((8, 8), (8, 12), (4, 6), (8, 8)):
        # Linear along columns: away from the edges, interpolation gives back the values.
        window = np.broadcast_to(np.arange(cols, dtype=np.float32)[:, None], (rows, cols, 2))
        found = engine(np.ascontiguousarray(window))
        np.testing.assert_allclose(found[:, 1:-1], window[:, 1:-1], atol=1e-6)
        assert found.flags.writeable
