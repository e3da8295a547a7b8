# SPDX-License-Identifier: GPL-2.0-or-later
"""The Keras engine on windows of several sizes, and on several windows at once."""

import keras
import numpy as np
import pytest

from grassdl.networks.analysis.receptive_field import reach
from grassdl.predict.decision import Decision
from grassdl.predict.engines import keras_engine
from grassdl.predict.engines.ensemble_engine import EnsembleEngine
from grassdl.predict.engines.keras_engine import KerasEngine
from grassdl.predict.engines.test_time_augmentation import AugmentedEngine
from grassdl.predict.mosaic.mosaic import TILINGS, row_bands
from grassdl.predict.mosaic.windows import Windows
from grassdl.predict.strips import strips_of
from grassdl.predict.tiling.axis import Span, plan_axis, plan_blended_axis
from scenes import CLASSES, FILL, ArrayReader, scene, small_network


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


@pytest.fixture(scope="module")
def network():
    return small_network("unet", filters=4, depth=1)


def on_gpu(network, precision="float32"):
    """The engine as a GPU would have it; a processor computes."""
    return KerasEngine(network, precision=precision, on_gpu=True)


def ensemble(engine):
    return EnsembleEngine([engine, engine], [np.nan_to_num] * 2, CLASSES, disagreement=True)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_several_windows_at_once_have_the_results_of_each(network, precision):
    plain = on_gpu(network, precision)
    windows = [*scene(48, 24, null_share=0)[0].reshape(3, 16, 24, 2)]
    for engine in (plain, AugmentedEngine(plain), ensemble(plain)):
        together = engine.several(windows, 4)
        # To the last bit in any place, beside any others.
        for place, window in enumerate(windows):
            assert np.array_equal(engine.several([window], 4)[0], together[place])
            assert np.array_equal(engine.several([*windows[:2], window], 4)[2], together[place])
            tolerance = 1e-5 if precision == "float32" else 0.05
            np.testing.assert_allclose(engine(window), together[place], atol=tolerance)


def test_small_windows_are_computed_at_once_on_a_gpu_only(network):
    assert on_gpu(network).at_once((512, 512, 2)) == 4
    assert on_gpu(network).at_once((2048, 2048, 2)) == 1
    assert KerasEngine(network).at_once((16, 16, 2)) == 1


@pytest.mark.parametrize("tiling", TILINGS)
def test_a_map_of_several_windows_at_once_is_that_of_single_ones(network, monkeypatch, tiling):
    values, null = scene(70, 150)
    null[:, 40:80] = True
    extent = reach(network)
    plan = {
        "exact": lambda *given: plan_axis(*given, 16, extent.stride, extent.halo),
        "blend": lambda *given: plan_blended_axis(*given, 16, extent.stride),
    }[tiling]
    rows, cols = (plan(length, Span(0, length)) for length in null.shape)
    strips = strips_of(rows, tiling)

    def probabilities(engine, start, stop):
        windows = Windows(ArrayReader(values, null), engine, FILL, rows, cols)
        bands = row_bands(windows, Decision(CLASSES, with_probabilities=True), tiling, start, stop)
        return np.concatenate([one.probabilities for one in bands])

    edge = len(cols.cores[0].window)
    monkeypatch.setattr(keras_engine, "GPU_CELLS", 3 * edge**2)
    engine = on_gpu(network)
    single = probabilities(KerasEngine(network), 0, 70)
    several = probabilities(engine, 0, 70)
    np.testing.assert_allclose(several, single, atol=1e-6)
    # To the last bit, wherever a run that is resumed, or a worker of a cluster, begins.
    for strip in strips:
        found = probabilities(engine, strip.start, strip.stop)
        assert np.array_equal(found, several[strip.start : strip.stop])
