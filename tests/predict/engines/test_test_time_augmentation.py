# SPDX-License-Identifier: GPL-2.0-or-later
"""Test-time augmentation."""

import numpy as np

from function_engine import FunctionEngine
from grassdl.predict.engines.test_time_augmentation import AugmentedEngine
from grassdl.predict.tiling.axis import Span
from scenes import (
    axis_of,
    everything,
    filled_frame,
    scene,
    small_network,
    tiled,
    turned_mean,
)


def test_the_eight_flips_and_turns_are_averaged_once_each():
    kernel = np.random.default_rng(1).random((4, 6, 3)).astype(np.float32)
    seen = []

    def engine(values):
        seen.append(values.copy())
        weights = kernel if values.shape == kernel.shape else kernel.transpose(1, 0, 2)
        return values * weights

    values = np.random.default_rng(2).random((4, 6, 3)).astype(np.float32)
    found = AugmentedEngine(FunctionEngine(engine))(values)
    assert len({one.tobytes() for one in seen}) == 8
    assert all(one.flags.c_contiguous for one in seen)
    np.testing.assert_allclose(found, turned_mean(engine, values), rtol=1e-6)
    assert found.dtype == np.float32


def test_tiles_of_turned_windows_join_to_the_turned_network_run_once():
    network = small_network("unet", filters=4, depth=2)
    shape = (97, 131)
    values, null = scene(*shape)

    def once(frame):
        return np.asarray(network(np.ascontiguousarray(frame)[None]))[0]

    expected = turned_mean(once, filled_frame(values, null, 4))[: shape[0], : shape[1]]
    found, _, engine = tiled(network, values, null, *everything(shape), 12, wrap=AugmentedEngine)
    rows, cols = (axis_of(network, length, Span(0, length), 12).cores for length in shape)
    assert engine.calls == 8 * len(rows) * len(cols) > 8
    assert engine.by_layers
    assert np.abs(found["probabilities"] - expected)[~null].max() < 1e-5


def test_a_turned_map_has_the_turned_result():
    network = small_network("nicknet", filters=4)
    values, _ = scene(30, 30, null_share=0)
    plain = FunctionEngine(lambda window: np.asarray(network(window[None]))[0])
    engine = AugmentedEngine(plain)
    turned = engine(np.ascontiguousarray(np.rot90(values)))
    np.testing.assert_allclose(turned, np.rot90(engine(values)), atol=1e-6)


def test_it_gets_ready_as_the_engine_does():
    for apart in (False, True):
        engine = FunctionEngine(None, prepares_each_size=apart)
        turning = AugmentedEngine(engine)
        turning.prepare((8, 16, 3))
        assert turning.prepares_each_size == apart and engine.prepared == [(8, 16, 3)]
