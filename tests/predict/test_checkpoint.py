# SPDX-License-Identifier: GPL-2.0-or-later
"""What is kept of a run that ends early. Kills of real runs: test_resuming.py."""

import json
import subprocess
import sys

import pytest

from grassdl.io.atomic import open_cut
from grassdl.predict.checkpoint import check_spool, open_spool
from grassdl.predict.decision import Decision
from grassdl.predict.tiling.tile_shape import TileShape

MADE_OF = {"the model": "1234", "raster map <one@PERMANENT>": "5678"}


@pytest.fixture
def folder(tmp_path):
    return tmp_path / ".spool" / "classes"


def opened(folder, resumed, made_of=MADE_OF, tell=lambda line: None):
    """The spool of a run of 100 rows."""
    return open_spool(folder, made_of, 100, resumed, tell)


def interrupted(folder, rows, resumed=False):
    """A run that is stopped after so many rows, and the exception that it ends with."""
    with (
        pytest.raises(KeyboardInterrupt) as caught,
        opened(folder, resumed) as spool,
    ):
        spool.begin(TileShape(16, 32))
        if rows:
            spool.finish(rows, found=True)
        raise KeyboardInterrupt
    return caught.value


def test_a_run_that_ends_well_leaves_nothing(folder):
    told = []
    with opened(folder, resumed=False, tell=told.append) as spool:
        spool.finish(100, found=True)
    assert told == []
    assert not folder.parent.exists()


def test_a_run_goes_on_where_an_earlier_one_ended(folder):
    error = interrupted(folder, 40)
    assert error.__notes__ == ["40 of 100 rows are kept: -r goes on with them"]
    told = []
    with opened(folder, resumed=True, tell=told.append) as spool:
        assert (spool.rows, spool.shape, spool.found) == (40, TileShape(16, 32), True)
    assert told == ["Going on after 40 of 100 rows"]
    assert not folder.parent.exists()


def test_a_run_that_finished_no_row_leaves_nothing(folder):
    assert not hasattr(interrupted(folder, 0), "__notes__")
    assert not folder.parent.exists()


def test_the_spool_of_another_output_stays(folder):
    interrupted(folder, 40)
    interrupted(folder.with_name("other"), 0)
    assert [path.name for path in folder.parent.iterdir()] == ["classes"]


def test_without_resuming_the_earlier_rows_are_told_and_replaced(folder):
    interrupted(folder, 40)
    (folder / "classes.bin").write_bytes(b"rows")
    told = []
    with opened(folder, resumed=False, tell=told.append) as spool:
        assert (spool.rows, spool.shape) == (0, None)
        assert not (folder / "classes.bin").exists()
    assert told == [
        "An earlier run ended after 40 of 100 rows, which -r would have kept: they are replaced"
    ]


def test_nothing_to_go_on_with_is_refused(folder):
    for _ in range(2):
        with (
            pytest.raises(ValueError, match="leave out -r"),
            opened(folder, resumed=True),
        ):
            pass
        # A run that was killed before its first record.
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "lock").touch()


def test_what_changed_is_named_and_the_rows_stay(folder):
    interrupted(folder, 40)
    for changed in ({"the model": "other"}, {"option confidence": "sure"}):
        (name,) = changed
        with (
            pytest.raises(ValueError, match=f"this has changed: {name}"),
            opened(folder, resumed=True, made_of={**MADE_OF, **changed}),
        ):
            pass
    assert json.loads((folder / "record.json").read_text())["rows"] == 40


HOLD = """
import sys, time
from pathlib import Path
from grassdl.predict.spool import open_spool
with open_spool(Path(sys.argv[1]), {}, 100, False, print) as spool:
    spool.finish(30, found=True)
    print("held", flush=True)
    time.sleep(60)
"""


def test_the_spool_of_a_live_run_is_refused_and_that_of_a_killed_one_is_not(folder):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, folder],
        stdout=subprocess.PIPE,
        env={"PYTHONPATH": ":".join(sys.path)},
    )
    assert process.stdout.readline() == b"held\n"
    for resumed in (False, True):
        with (
            pytest.raises(ValueError, match="Another run is making the same output"),
            opened(folder, resumed, made_of={}),
        ):
            pass
    process.kill()
    process.wait()
    with opened(folder, resumed=True, made_of={}) as spool:
        assert spool.rows == 30


def test_the_making_of_rows_ends_with_an_error_of_their_keeper(folder):
    ended = []

    def bands():
        try:
            yield from Decision(2).empty_bands(8, 5, 4)
        finally:
            ended.append(True)

    def refuse(band):
        raise OSError("disk full")

    made = bands()
    with pytest.raises(OSError, match="disk full"), opened(folder, resumed=False) as spool:
        spool.keep(made, [refuse], lambda rows: None)
    assert ended


@pytest.mark.parametrize(
    "record", ["", "[]", "[" * 99999, '{"made_of": {}, "of": 100, "rows": 200}']
)
def test_a_damaged_record_ends_one_r_and_blocks_nothing(folder, record):
    interrupted(folder, 40)
    (folder / "record.json").write_text(record)
    for attempt in (lambda: check_spool(folder, True), lambda: opened(folder, True).__enter__()):
        with pytest.raises(ValueError, match="Record of an earlier run.*leave out -r to begin"):
            attempt()
    assert check_spool(folder, resumed=False) is False
    told = []
    with opened(folder, resumed=False, tell=told.append) as spool:
        spool.finish(100, found=True)
    assert len(told) == 1 and told[0].endswith("rows that an earlier run finished are replaced")
    assert not folder.exists()


@pytest.mark.parametrize("level", ["the spool", "the folder of spools", "a file"])
def test_nothing_is_removed_through_a_link(folder, tmp_path, level):
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "classes").mkdir(parents=True)
    for place in (elsewhere, elsewhere / "classes"):
        (place / "thesis.txt").write_text("years of work")
    if level == "the folder of spools":
        folder.parent.symlink_to(elsewhere)
    elif level == "the spool":
        folder.parent.mkdir()
        folder.symlink_to(elsewhere / "classes")
    else:
        folder.mkdir(parents=True)
        (folder / "classes.bin").symlink_to(elsewhere / "thesis.txt")
    for resumed in (False, True):
        for attempt in (
            lambda resumed=resumed: check_spool(folder, resumed),
            lambda resumed=resumed: opened(folder, resumed).__enter__(),
        ):
            with pytest.raises(ValueError, match="remove it"):
                attempt()
    for place in (elsewhere, elsewhere / "classes"):
        assert (place / "thesis.txt").read_text() == "years of work"
        assert not (place / "lock").exists()


def test_a_file_that_lost_rows_is_not_gone_on_with(tmp_path):
    file = tmp_path / "classes.bin"
    file.write_bytes(b"1234567")
    with pytest.raises(ValueError, match="classes.bin> is too short: leave out -r"):
        open_cut(file, 8)
    assert file.read_bytes() == b"1234567"
    with open_cut(file, 5) as cut:
        cut.write(b"0")
    assert file.read_bytes() == b"123450"
