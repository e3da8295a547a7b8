# SPDX-License-Identifier: GPL-2.0-or-later
"""How runs are tiled, and what they are told to take."""

from dataclasses import replace

import pytest

from grassdl.predict.plan import LEAST_BESIDES_MB, LEAST_MB, Frame, Need, duration, plan
from grassdl.predict.settings import Settings
from grassdl.predict.tile_shape import TileShape

NEED = Need(
    working=400, weights=2_000_000, bands=5, layers=7, band_bytes=2, made=11, with_keras=False
)
WITH_KERAS = replace(NEED, with_keras=True)
WIDE = Frame(top=0, rows=6000, left=0, cols=5000, region_rows=6000, region_cols=5000)


def settings(memory=300, tiling="exact", tile_size=None):
    halo = 96 if tiling == "exact" else 0
    return Settings(tiling, tile_size, 16, halo, None, False, 0, memory, resumed=False)


@pytest.mark.parametrize("need", [NEED, WITH_KERAS])
@pytest.mark.parametrize("tiling", ["exact", "blend"])
@pytest.mark.parametrize("memory", [300, 1500, 2500, 4000])
def test_a_run_takes_no_more_than_memory_or_the_least(memory, tiling, need):
    tiled = plan(settings(memory, tiling), WIDE, need)
    assert tiled.bytes <= max(memory, LEAST_MB) * 1e6


@pytest.mark.parametrize("height", [1000, 60_000])
def test_what_the_network_does_not_take_stays_below_a_gigabyte_on_50_000_columns(height):
    wide = Frame(top=0, rows=height, left=0, cols=50_000, region_rows=height, region_cols=50_000)
    tiled = plan(settings(), wide, NEED)
    window = NEED.of_cells("exact").window
    network = window * tiled.rows.longest_window * tiled.cols.longest_window
    assert tiled.bytes - network <= LEAST_BESIDES_MB * 1e6
    assert tiled.overhead < 2.5


def test_without_keras_there_is_more_memory_for_larger_tiles():
    overheads = [plan(settings(), WIDE, need).overhead for need in (NEED, WITH_KERAS)]
    assert overheads[0] < 0.8 * overheads[1]


def test_more_memory_computes_less():
    overheads = [plan(settings(memory), WIDE, NEED).overhead for memory in (1200, 2000, 4000)]
    assert overheads == sorted(overheads, reverse=True)
    assert overheads[0] > 1.2 > overheads[-1]


def test_a_given_tile_size_is_taken_and_that_of_an_earlier_run_goes_before_the_choice():
    assert plan(settings(tile_size=256), WIDE, NEED).shape == TileShape(256, 256)
    earlier = TileShape(160, 5008)
    assert plan(settings(), WIDE, NEED, earlier).shape == earlier


def test_a_line_tells_what_is_to_come():
    tiled = plan(settings(), WIDE, NEED, TileShape(1008, 5008))
    # All windows are of one length; the last one begins earlier than it would need to.
    assert tiled.computed_cells == 5008 * 6 * (1008 + 192)
    assert tiled.told(120 / tiled.computed_cells).startswith(
        "6 tiles of 1008 x 5008 cells with a halo of 96 cells (tiling=exact): 1.20 cells computed "
        "for each cell of the map, "
    )
    assert tiled.told(120 / tiled.computed_cells).endswith("about 2 min")
    assert tiled.told(120 / tiled.computed_cells, done=4500).endswith("about 30 s")
    assert tiled.recorded() == "tiling=exact, tiles of 1008 x 5008 cells, halo 96"


@pytest.mark.parametrize(
    ("seconds", "told"), [(0.1, "1 s"), (89, "89 s"), (600, "10 min"), (36_000, "10.0 h")]
)
def test_times_are_told_as_people_say_them(seconds, told):
    assert duration(seconds) == told
