# SPDX-License-Identifier: GPL-2.0-or-later
"""How runs are tiled, and what they are told to take."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from grassdl.predict.decision import Decision
from grassdl.predict.engines.network_facts import NetworkFacts
from grassdl.predict.engines.selection import LoadedEngine
from grassdl.predict.settings import Settings
from grassdl.predict.tiling.tile_shape import TileShape
from grassdl.predict.tiling_plan import LEAST_BESIDES_MB, LEAST_MB, Frame, Need, plan

NEED = Need(
    working=400,
    weights=3 * 2_000_000,
    bands=5,
    layers=7,
    band_bytes=2,
    output_bytes=11,
    with_keras=False,
)
WITH_KERAS = replace(NEED, weights=2_000_000, with_keras=True)
WIDE = Frame(top=0, rows=6000, left=0, cols=5000, region_rows=6000, region_cols=5000)


def settings(memory=300, tiling="exact", tile_size=None):
    halo = 96 if tiling == "exact" else 0
    return Settings("", tiling, tile_size, 16, halo, None, False, 0, memory, resume=False)


@pytest.mark.parametrize(
    ("engine", "with_keras", "tiling", "turned", "precision", "copies", "working"),
    [
        ("keras", True, "exact", False, "float32", 1, 400.0),
        ("openvino", False, "exact", False, "float32", 3, 400.0),
        ("openvino", False, "exact", False, "bfloat16", 3, 200.0),
        ("openvino", False, "blend", True, "float32", 9, 400.0),
        ("openvino", True, "blend", False, "float32", 6, 400.0),
    ],
)
def test_the_need_depends_on_engine_and_precision(
    engine, with_keras, tiling, turned, precision, copies, working
):
    facts = NetworkFacts(5, 7, 16, 96, 193, {"float32": 400.0, "bfloat16": 200.0})
    loaded = LoadedEngine(None, engine, precision, facts, with_keras)
    card = SimpleNamespace(parameters=2_000_000, bands=range(5))
    run = replace(settings(tiling=tiling), augmented=turned, precision=precision)
    need = Need.of(card, loaded, run, np.dtype(np.uint16), Decision(7))
    assert (need.weights, need.working) == (copies * 2_000_000, working)
    assert (need.bands, need.layers, need.band_bytes) == (5, 7, 2)
    assert need.fixed == ((850 if with_keras else 150) + 50) * 1e6 + 4 * need.weights


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
    timed = replace(tiled, seconds_per_cell=120 / tiled.computed_cells)
    assert timed.summary(tiled.computed_cells).startswith(
        "6 tiles of 1008 x 5008 cells with a halo of 96 cells (tiling=exact): 1.20 cells computed "
        "for each cell of the map, "
    )
    assert timed.summary(tiled.computed_cells).endswith("about 2 min of computing")
    assert timed.summary(tiled.computed_cells // 4).endswith("about 30 s of computing")
    assert timed.summary(1).endswith("about 1 s of computing")
    assert tiled.description == "tiling=exact, tiles of 1008 x 5008 cells, halo 96"


def test_tiles_that_no_memory_of_this_machine_holds_are_refused():
    wide = Frame(top=0, rows=10**6, left=0, cols=10**6, region_rows=10**6, region_cols=10**6)
    words = "Tiles of 1000000 x 1000000 cells take about .* this machine has .*leave out tile_size"
    with pytest.raises(ValueError, match=words):
        plan(settings(tile_size=10**6), wide, NEED)
    assert plan(settings(tile_size=512), wide, NEED).shape == TileShape(512, 512)
