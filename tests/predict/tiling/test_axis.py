# SPDX-License-Identifier: GPL-2.0-or-later
"""The geometry of exact and blended tiling."""

from hypothesis import given
from hypothesis import strategies as st

from grassdl.predict.tiling.axis import Core, Span, plan_axis, plan_blended_axis

CELLS = st.integers(1, 3000)


@given(
    length=CELLS,
    start=st.integers(-500, 3000),
    extent=CELLS,
    tile_size=st.integers(1, 700),
    stride=st.sampled_from([1, 2, 4, 8, 16, 32]),
    halo_strides=st.integers(0, 6),
)
def test_cores_cover_the_output_once_and_lie_on_the_stride(
    length, start, extent, tile_size, stride, halo_strides
):
    halo = stride * halo_strides
    axis = plan_axis(length, Span(start, start + extent), tile_size, stride, halo)
    wanted = range(max(start, 0), min(start + extent, length))
    covered = [
        cell
        for step in axis.cores
        for cell in range(step.core.start, step.core.stop)
        if cell in wanted
    ]
    assert covered == list(wanted)
    filled = -(-length // stride) * stride
    for step in axis.cores:
        assert step.core.start % stride == step.core.stop % stride == 0
        assert step.window.start % stride == step.window.stop % stride == 0
        assert 0 <= step.window.start <= max(0, step.core.start - halo)
        assert filled >= step.window.stop >= min(filled, step.core.stop + halo)
    assert len({len(step.window) for step in axis.cores}) <= 1
    assert [step.window.start for step in axis.cores] == sorted(
        {step.window.start for step in axis.cores}
    )


def test_a_core_at_the_edge_of_the_maps_is_longer_by_the_halo_that_it_lacks():
    axis = plan_axis(length=1000, output=Span(0, 1000), tile_size=128, stride=8, halo=96)
    assert [len(step.core) for step in axis.cores] == [224, 128, 128, 128, 128, 128, 136]
    assert {len(step.window) for step in axis.cores} == {320}


def test_input_reaches_one_halo_beyond_the_output_and_not_beyond_the_maps():
    axis = plan_axis(length=1000, output=Span(300, 600), tile_size=128, stride=16, halo=96)
    assert axis.input == Span(288 - 96, 608 + 96)
    axis = plan_axis(length=1000, output=Span(-50, 1100), tile_size=128, stride=16, halo=96)
    assert axis.input == Span(0, 1000)


def test_a_tile_size_that_is_no_multiple_of_the_stride_is_rounded_up():
    axis = plan_axis(length=64, output=Span(0, 64), tile_size=20, stride=16, halo=16)
    assert axis.cores == (Core(core=Span(0, 64), window=Span(0, 64)),)
    axis = plan_axis(length=96, output=Span(0, 96), tile_size=20, stride=16, halo=16)
    assert axis.cores == (
        Core(core=Span(0, 48), window=Span(0, 64)),
        Core(core=Span(48, 96), window=Span(32, 96)),
    )


def test_an_output_beside_the_maps_needs_nothing():
    axis = plan_axis(length=100, output=Span(200, 300), tile_size=64, stride=4, halo=8)
    assert axis.cores == ()
    assert len(axis.input) == 0


@given(
    length=CELLS,
    start=st.integers(-500, 3000),
    extent=CELLS,
    tile_size=st.integers(1, 700),
    stride=st.sampled_from([1, 2, 4, 8, 16, 32]),
)
def test_blended_tiles_overlap_by_half_and_are_those_of_the_whole(
    length, start, extent, tile_size, stride
):
    output = Span(start, start + extent)
    axis = plan_blended_axis(length, output, tile_size, stride)
    every = plan_blended_axis(length, Span(0, length), tile_size, stride)
    assert axis.cores == tuple(one for one in every.cores if len(one.core.clipped(axis.wanted)))
    half = len(every.cores[0].core) // 2
    filled = -(-length // stride) * stride
    assert half % stride == 0 and tile_size <= 2 * half < tile_size + 2 * stride
    assert [one.core.start for one in every.cores] == [
        half * place for place in range(len(every.cores))
    ]
    assert every.cores[-1].window.stop == filled
    assert all(len(one.window) > min(half, length - 1) for one in every.cores)
    assert all(one.window == one.core.clipped(Span(0, filled)) for one in every.cores)
