# SPDX-License-Identifier: GPL-2.0-or-later
"""Strips: whoever computes them, and in whatever order, the row bands are those of the whole."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from array_reader import ArrayBands
from function_engine import FunctionEngine
from grassdl.predict.decision import Decision
from grassdl.predict.mosaic.mosaic import row_bands
from grassdl.predict.mosaic.windows import Windows
from grassdl.predict.strip_files import PART, StripFiles, has_strips
from grassdl.predict.strips import StripsHere, StripWork, strips_of
from grassdl.predict.tiling.axis import Span, plan_axis, plan_blended_axis
from grassdl.predict.tiling.tile_shape import TileShape
from grassdl.predict.value_decision import ValueDecision

ROWS, COLS = 90, 20
OUTPUT = Span(-7, 95)
"""Rows of the output, some above and below the maps."""

DECISION = Decision(2, None, with_uncertainty=True, with_probabilities=True, features=1)
STRIDE = 2


def blurred(values):
    """Probabilities of two classes and a feature that depend on the cells around, and on the size
    of the window a little, as those of networks may."""
    around = sum(np.roll(values[..., 0], shift, axis=0) for shift in (-1, 0, 1)) / 3
    first = np.clip(around, 0, 1).astype(np.float32)
    return np.dstack([first, 1 - first, first * len(values)])


def axis_of(length, output, tiling):
    """A tiling by steps of eight cells, of blended ones of four."""
    if tiling == "exact":
        return plan_axis(length, output, 8, STRIDE, 2)
    return plan_blended_axis(length, output, 8, STRIDE)


def work(tmp_path, tiling, decision=DECISION):
    """What there is to compute."""
    rng = np.random.default_rng(5)
    null = rng.random((ROWS, COLS)) < 0.1
    null[30:40] = True
    values = rng.random((ROWS, COLS, 1)).astype(np.float32)
    rows, cols = axis_of(ROWS, OUTPUT, tiling), axis_of(COLS, Span(0, COLS), tiling)
    inside = rows.input.relative_to(0), cols.input.relative_to(0)
    reader = ArrayBands(values[inside], null[inside])
    windows = Windows(reader, FunctionEngine(blurred), np.zeros(1, np.float32), rows, cols)
    files = StripFiles.of_run(tmp_path, {"the model": "12ab"}, TileShape(8, 8))
    return StripWork(
        bands=SimpleNamespace(),
        strips=strips_of(rows, tiling),
        files=files,
        windows=windows,
        decision=decision,
        plan=SimpleNamespace(tiling=tiling),
        adjustment=None,
        figures={},
        engine="keras",
        precision="float32",
        fingerprint={},
    )


def finish(work, strips):
    """Have strips finished, as another process does."""
    for one in strips:
        bands = row_bands(work.windows, work.decision, work.plan.tiling, one.start, one.stop)
        work.files.write(work.files.path(one.start, one.stop), bands)


def assert_same(found, expected):
    """The same row bands, bit for bit."""
    found = list(found)
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        for name, part in vars(other).items():
            assert (getattr(one, name) is None) == (part is None)
            assert part is None or np.array_equal(getattr(one, name), part)


@pytest.mark.parametrize("tiling", ["exact", "blend"])
def test_strips_follow_each_other_and_hold_all_rows(tmp_path, tiling):
    strips = work(tmp_path, tiling).strips
    assert strips[0].start == 0
    assert strips[-1].stop == len(OUTPUT)
    assert [one.stop for one in strips[:-1]] == [one.start for one in strips[1:]]
    assert len(strips) > 2
    assert str(strips[0]) == f"rows 1 to {strips[0].stop}"


@pytest.mark.parametrize("tiling", ["exact", "blend"])
@pytest.mark.parametrize("finished", ["none", "some", "all"])
def test_strips_finished_elsewhere_are_taken_and_the_others_computed(tmp_path, tiling, finished):
    todo = work(tmp_path, tiling)
    expected = list(row_bands(todo.windows, DECISION, tiling))
    # In any order, and one of them twice.
    there = {"none": [], "some": todo.strips[1::2], "all": todo.strips}[finished]
    finish(todo, [*there[::-1], *there[:1]])
    assert has_strips(tmp_path) == bool(there)
    assert_same(StripsHere().row_bands(todo, 0), expected)
    assert not list(tmp_path.iterdir())


def test_strips_of_values_are_those_of_the_whole(tmp_path):
    decision = ValueDecision(features=1, with_disagreement=True)
    todo = work(tmp_path, "exact", decision)
    expected = list(row_bands(todo.windows, decision, "exact"))
    finish(todo, todo.strips[::2])
    assert_same(StripsHere().row_bands(todo, 0), expected)


@pytest.mark.parametrize("bands", [1, 3, 5])
def test_a_strip_of_which_some_rows_are_written_gives_the_others(tmp_path, bands):
    todo = work(tmp_path, "blend")
    expected = list(row_bands(todo.windows, DECISION, "blend"))
    finish(todo, todo.strips[:1])
    done = sum(len(one.null) for one in expected[:bands])
    assert_same(StripsHere().row_bands(todo, done), expected[bands:])


def test_a_strip_stays_until_its_last_rows_are_written(tmp_path):
    todo = work(tmp_path, "exact")
    finish(todo, todo.strips[:1])
    bands = StripsHere().row_bands(todo, 0)
    next(bands)
    bands.close()
    assert has_strips(tmp_path)


def test_what_a_killed_process_left_of_a_strip_goes_with_the_strip(tmp_path):
    todo = work(tmp_path, "exact")
    first, second = todo.strips[:2]
    left = [
        tmp_path / f".{todo.files.path(one.start, one.stop).name}.0a1b{PART}"
        for one in (first, second)
    ]
    for path in left:
        path.write_bytes(b"half")
    finish(todo, [first])
    list(todo.waiting(first, 0))
    assert list(tmp_path.iterdir()) == left[1:]


def test_a_strip_that_another_process_was_faster_with_does_not_come_back(tmp_path):
    todo = work(tmp_path, "exact")
    first = todo.strips[0]
    path = todo.files.path(first.start, first.stop)
    bands = todo.computed(first.start, first.stop)

    def overtaken():
        yield next(bands)
        finish(todo, [first])
        list(todo.waiting(first, 0))
        yield from bands

    todo.files.write(path, overtaken())
    assert not list(tmp_path.iterdir())


def test_strips_of_another_run_are_none_of_this_one(tmp_path):
    todo = work(tmp_path, "exact")
    finish(todo, todo.strips)
    for other in ({"the model": "34cd"}, TileShape(8, 8)), ({"the model": "12ab"}, TileShape(8, 6)):
        files = StripFiles.of_run(tmp_path, *other)
        assert not any(files.path(one.start, one.stop).exists() for one in todo.strips)


@pytest.mark.parametrize("damage", [lambda content: content[:-3], lambda content: b"x" + content])
def test_a_damaged_strip_is_named(tmp_path, damage):
    todo = work(tmp_path, "exact")
    finish(todo, todo.strips[:1])
    path = todo.files.path(todo.strips[0].start, todo.strips[0].stop)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ValueError, match=rf"{path.name}.* cannot be read.*leave out -r"):
        list(StripsHere().row_bands(todo, 0))


def test_a_strip_that_cannot_be_written_leaves_nothing(tmp_path):
    todo = work(tmp_path, "exact")

    def failing():
        yield DECISION.empty(2, COLS)
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        todo.files.write(todo.files.path(0, 8), failing())
    assert not list(tmp_path.iterdir())
