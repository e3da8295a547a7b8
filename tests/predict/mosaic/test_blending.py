# SPDX-License-Identifier: GPL-2.0-or-later
"""Blended tiles, against the same formula worked out over the whole array."""

import numpy as np
import pytest

from grassdl.predict.engines.test_time_augmentation import AugmentedEngine
from grassdl.predict.mosaic.blending import hann_window
from grassdl.predict.tiling.axis import Span
from scenes import blended, everything, scene, small_network, tiled


@pytest.fixture(scope="module")
def network():
    """A network with a stride of 4."""
    return small_network("unet", filters=4, depth=2)


@pytest.mark.parametrize("cells", [2, 8, 512])
def test_hann_windows_are_positive_and_add_up_to_one_over_half_tiles(cells):
    weights = hann_window(cells)
    assert weights.min() > 0
    assert np.array_equal(weights.round(12), weights[::-1].round(12))
    np.testing.assert_allclose(weights[: cells // 2] + weights[cells // 2 :], 1, rtol=1e-12)


@pytest.mark.parametrize(
    ("shape", "tile_size"), [((67, 89), 24), ((64, 48), 16), ((3, 50), 20), ((9, 8), 64)]
)
def test_blended_tiles_are_the_weighted_mean_of_their_probabilities(network, shape, tile_size):
    values, null = scene(*shape)
    expected = blended(network, values, null, tile_size)
    found, _, _ = tiled(network, values, null, *everything(shape), tile_size, "blend")
    assert np.array_equal(found["null"], null)
    assert np.abs(found["probabilities"] - expected)[~null].max() < 1e-5
    assert (found["probabilities"][null] == 0).all()
    np.testing.assert_allclose(found["probabilities"][~null].sum(axis=-1), 1, atol=1e-5)
    assert np.abs(found["confidence"] - expected.max(axis=-1))[~null].max() < 1e-5


def test_neighbouring_regions_meet_without_a_seam(network):
    values, null = scene(70, 90)
    expected = blended(network, values, null, 24)
    for cols in (Span(0, 53), Span(53, 90)):
        found, _, _ = tiled(network, values, null, Span(19, 61), cols, 24, "blend")
        part = np.s_[19:61, cols.relative_to(0)]
        assert np.array_equal(found["null"], null[part])
        assert np.abs(found["probabilities"] - expected[part])[~null[part]].max() < 1e-5


def test_cells_beyond_the_maps_are_null(network):
    values, null = scene(40, 50, null_share=0)
    found, _, _ = tiled(network, values, null, Span(-5, 47), Span(-3, 60), 16, "blend")
    inside = np.zeros((52, 63), bool)
    inside[5:45, 3:53] = True
    assert np.array_equal(found["null"], ~inside)
    expected = blended(network, values, null, 16)
    assert np.abs(found["probabilities"][5:45, 3:53] - expected).max() < 1e-5


def test_tiles_without_data_are_not_computed(network):
    values, null = scene(32, 128, null_share=0)
    null[:, :64] = True
    found, _, engine = tiled(network, values, null, *everything(null.shape), 32, "blend")
    # Of the tiles from 0, 16, ... 96, those that end at 64 or before have no data.
    assert engine.calls == 4
    assert np.array_equal(found["null"], null)


def test_turned_tiles_are_blended_too(network):
    values, null = scene(40, 40, null_share=0)
    turned = np.ascontiguousarray(np.rot90(values))
    spans = everything(null.shape)
    plain, _, engine = tiled(network, values, null, *spans, 16, "blend", AugmentedEngine)
    other, _, _ = tiled(network, turned, null, *spans, 16, "blend", AugmentedEngine)
    assert engine.calls == 8 * 4 * 4
    assert np.abs(np.rot90(plain["probabilities"]) - other["probabilities"]).max() < 1e-5


def test_memory_depends_on_the_tile_and_not_on_the_height(network):
    for height in (100, 300):
        values, null = scene(height, 24, null_share=0)
        found, reader, _ = tiled(network, values, null, *everything(null.shape), 32, "blend")
        assert reader.most_rows == 32
        assert len(found["null"]) == height
