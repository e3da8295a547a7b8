# SPDX-License-Identifier: GPL-2.0-or-later
"""Row bands of tiles are a crop of the network run once over the frame."""

import numpy as np
import pytest

from grassdl.networks.analysis.receptive_field import reach
from grassdl.predict.mosaic.mosaic import TILINGS
from grassdl.predict.tiling.axis import Span
from scenes import FILL, axis_of, scene, small_network, tiled, whole


@pytest.fixture(scope="module", params=["unet", "nicknet"])
def network(request):
    """A network with stride and one without."""
    options = {"filters": 6, "depth": 2} if request.param == "unet" else {"filters": 6}
    return small_network(request.param, **options)


@pytest.mark.parametrize("shape", [(97, 131), (13, 211), (8, 9)])
@pytest.mark.parametrize("tile_size", [17, 64, 500])
def test_tiles_join_to_the_network_run_once(network, shape, tile_size):
    values, null = scene(*shape)
    expected = whole(network, values, null)
    rows, cols = (Span(0, length) for length in shape)
    found, _, _ = tiled(network, values, null, rows, cols, tile_size)
    assert np.array_equal(found["null"], null)
    assert np.abs(found["probabilities"] - expected)[~null].max() < 1e-5
    two_best = np.sort(expected, axis=-1)[..., -2:]
    clear = ~null & (two_best[..., 1] - two_best[..., 0] > 2e-5)
    assert np.array_equal(found["index"][clear], expected.argmax(axis=-1)[clear])
    assert np.abs(found["confidence"] - expected.max(axis=-1))[~null].max() < 1e-5


def test_two_neighbouring_regions_meet_without_a_seam(network):
    values, null = scene(90, 120)
    expected = whole(network, values, null)
    for cols in (Span(0, 53), Span(53, 120)):
        found, _, _ = tiled(network, values, null, Span(7, 61), cols, 32)
        part = expected[7:61, cols.relative_to(0)]
        valid = ~null[7:61, cols.relative_to(0)]
        assert np.abs(found["probabilities"] - part)[valid].max() < 1e-5


def test_cells_beyond_the_maps_are_null(network):
    values, null = scene(40, 50, null_share=0)
    found, _, _ = tiled(network, values, null, Span(-5, 47), Span(-3, 60), 16)
    inside = np.zeros((52, 63), bool)
    inside[5:45, 3:53] = True
    assert np.array_equal(found["null"], ~inside)
    assert np.abs(found["probabilities"][5:45, 3:53] - whole(network, values, null)).max() < 1e-5


def test_tiles_without_data_are_not_computed(network):
    values, null = scene(64, 300, null_share=0)
    cores = [one.core for one in axis_of(network, 300, Span(0, 300), 64).cores]
    null[:, : cores[1].stop] = True
    found, _, engine = tiled(network, values, null, Span(0, 64), Span(0, 300), 64)
    assert engine.calls == len(cores) - 2 > 0
    assert engine.by_layers
    assert np.array_equal(found["null"], null)


def test_a_null_acts_on_its_neighbours_as_the_mean_would(network):
    values, null = scene(48, 48, null_share=0)
    null[20:24, 20:24] = True
    with_null, _, _ = tiled(network, values, null, Span(0, 48), Span(0, 48), 48)
    values[20:24, 20:24] = FILL
    with_mean, _, _ = tiled(network, values, np.zeros_like(null), Span(0, 48), Span(0, 48), 48)
    assert np.array_equal(with_null["probabilities"][~null], with_mean["probabilities"][~null])


def test_rows_in_memory_depend_on_the_tile_and_not_on_the_height(network):
    extent = reach(network)
    for height in (200, 600):
        values, null = scene(height, 24, null_share=0)
        _, reader, _ = tiled(network, values, null, Span(0, height), Span(0, 24), 32)
        # The first window is read whole, of the next ones what is new.
        assert reader.most_rows == 32 + 2 * extent.halo


@pytest.mark.parametrize("tiling", ["exact", "blend"])
@pytest.mark.parametrize("output", [(Span(0, 150), Span(0, 24)), (Span(-40, 190), Span(5, 40))])
def test_a_run_that_goes_on_computes_the_same_rows_and_no_others(network, tiling, output):
    values, null = scene(150, 24)
    undisturbed, _, whole_work = tiled(network, values, null, *output, 32, tiling)
    finished = TILINGS[tiling][1](axis_of(network, 150, output[0], 32, tiling))
    steps, again = len(finished), 1 if tiling == "blend" else 0
    for step in (0, 2, steps - 1):
        done = finished[step].start - output[0].start
        rest, _, work = tiled(network, values, null, *output, 32, tiling, done=done)
        for name, expected in undisturbed.items():
            assert np.array_equal(rest[name], expected[done:])
        # A blended row of tiles also needs what the one before leaves over.
        assert work.calls == whole_work.calls * min(steps - step + again, steps) / steps
        # The first window of the first step that is computed.
        first = axis_of(network, 150, output[0], 32, tiling).cores[max(step - again, 0)].window
        across = axis_of(network, 24, output[1], 32, tiling).cores[0].window
        assert work.prepared == [(len(first), len(across), 2)]
