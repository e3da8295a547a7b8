# SPDX-License-Identifier: GPL-2.0-or-later
"""The checkpoint of a run that ends early. Kills of real runs: test_resuming.py."""

import json
import subprocess
import sys

import pytest

from grassdl.io.atomic import open_cut
from grassdl.predict.checkpoint import check_checkpoint, open_checkpoint
from grassdl.predict.decision import Decision
from grassdl.predict.tiling.tile_shape import TileShape

FINGERPRINT = {"the model": "1234", "raster map <one@PERMANENT>": "5678"}


@pytest.fixture
def folder(tmp_path):
    return tmp_path / ".checkpoints" / "classes"


def opened(folder, resume, fingerprint=FINGERPRINT, report=lambda line: None):
    """The checkpoint of a run of 100 rows."""
    return open_checkpoint(folder, fingerprint, 100, resume, report)


def interrupted(folder, rows, resume=False):
    """A run that is stopped after so many rows, and the exception that it ends with."""
    with (
        pytest.raises(KeyboardInterrupt) as caught,
        opened(folder, resume) as checkpoint,
    ):
        checkpoint.record_shape(TileShape(16, 32))
        if rows:
            checkpoint.record_rows(rows, has_data=True)
        raise KeyboardInterrupt
    return caught.value


def test_a_run_that_ends_well_leaves_nothing(folder):
    told = []
    with opened(folder, resume=False, report=told.append) as checkpoint:
        checkpoint.record_rows(100, has_data=True)
    assert told == []
    assert not folder.parent.exists()


def test_a_run_resumes_where_an_earlier_one_ended(folder):
    error = interrupted(folder, 40)
    assert error.__notes__ == ["40 of 100 rows are finished: -r resumes the run"]
    told = []
    with opened(folder, resume=True, report=told.append) as checkpoint:
        assert (checkpoint.rows, checkpoint.shape, checkpoint.has_data) == (
            40,
            TileShape(16, 32),
            True,
        )
    assert told == ["Resuming after 40 of 100 rows"]
    assert not folder.parent.exists()


def test_a_run_that_finished_no_row_leaves_nothing(folder):
    assert not hasattr(interrupted(folder, 0), "__notes__")
    assert not folder.parent.exists()


def test_the_checkpoint_of_another_output_stays(folder):
    interrupted(folder, 40)
    interrupted(folder.with_name("other"), 0)
    assert [path.name for path in folder.parent.iterdir()] == ["classes"]


def test_without_resuming_the_earlier_rows_are_reported_and_replaced(folder):
    interrupted(folder, 40)
    (folder / "classes.bin").write_bytes(b"rows")
    told = []
    with opened(folder, resume=False, report=told.append) as checkpoint:
        assert (checkpoint.rows, checkpoint.shape) == (0, None)
        assert not (folder / "classes.bin").exists()
    assert told == [
        "An earlier run ended after 40 of 100 rows, from which -r would have resumed: they "
        "are replaced"
    ]


def test_nothing_to_resume_is_refused(folder):
    for _ in range(2):
        with (
            pytest.raises(ValueError, match="leave out -r"),
            opened(folder, resume=True),
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
            pytest.raises(ValueError, match=f"Cannot resume: {name}.* has changed"),
            opened(folder, resume=True, fingerprint={**FINGERPRINT, **changed}),
        ):
            pass
    assert json.loads((folder / "record.json").read_text())["rows"] == 40


HOLD = """
import sys, time
from pathlib import Path
from grassdl.predict.checkpoint import open_checkpoint
with open_checkpoint(Path(sys.argv[1]), {}, 100, False, print) as checkpoint:
    checkpoint.record_rows(30, has_data=True)
    print("held", flush=True)
    time.sleep(60)
"""


def test_the_checkpoint_of_a_live_run_is_refused_and_that_of_a_killed_one_is_not(folder):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, folder],
        stdout=subprocess.PIPE,
        env={"PYTHONPATH": ":".join(sys.path)},
    )
    assert process.stdout.readline() == b"held\n"
    for resume in (False, True):
        with (
            pytest.raises(ValueError, match="Another run is making the same output"),
            opened(folder, resume, fingerprint={}),
        ):
            pass
    process.kill()
    process.wait()
    with opened(folder, resume=True, fingerprint={}) as checkpoint:
        assert checkpoint.rows == 30


def test_the_making_of_rows_ends_with_an_error_of_their_writer(folder):
    ended = []

    def bands():
        try:
            yield from Decision(2).empty_bands(8, 5, 4)
        finally:
            ended.append(True)

    def refuse(band):
        raise OSError("disk full")

    made = bands()
    with pytest.raises(OSError, match="disk full"), opened(folder, resume=False) as checkpoint:
        checkpoint.write(made, [refuse], lambda rows: None)
    assert ended


@pytest.mark.parametrize(
    "record", ["", "[]", "[" * 99999, '{"fingerprint": {}, "of": 100, "rows": 200}']
)
def test_a_damaged_record_ends_one_r_and_blocks_nothing(folder, record):
    interrupted(folder, 40)
    (folder / "record.json").write_text(record)
    for attempt in (
        lambda: check_checkpoint(folder, True),
        lambda: opened(folder, True).__enter__(),
    ):
        with pytest.raises(ValueError, match="Record of an earlier run.*leave out -r to start"):
            attempt()
    assert check_checkpoint(folder, resume=False) is False
    told = []
    with opened(folder, resume=False, report=told.append) as checkpoint:
        checkpoint.record_rows(100, has_data=True)
    assert len(told) == 1 and told[0].endswith("rows that an earlier run finished are replaced")
    assert not folder.exists()


@pytest.mark.parametrize("level", ["the checkpoint", "the folder of checkpoints", "a file"])
def test_nothing_is_removed_through_a_link(folder, tmp_path, level):
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "classes").mkdir(parents=True)
    for place in (elsewhere, elsewhere / "classes"):
        (place / "thesis.txt").write_text("years of work")
    if level == "the folder of checkpoints":
        folder.parent.symlink_to(elsewhere)
    elif level == "the checkpoint":
        folder.parent.mkdir()
        folder.symlink_to(elsewhere / "classes")
    else:
        folder.mkdir(parents=True)
        (folder / "classes.bin").symlink_to(elsewhere / "thesis.txt")
    for resume in (False, True):
        for attempt in (
            lambda resume=resume: check_checkpoint(folder, resume),
            lambda resume=resume: opened(folder, resume).__enter__(),
        ):
            with pytest.raises(ValueError, match="remove it"):
                attempt()
    for place in (elsewhere, elsewhere / "classes"):
        assert (place / "thesis.txt").read_text() == "years of work"
        assert not (place / "lock").exists()


def test_a_file_that_lost_rows_is_not_resumed(tmp_path):
    file = tmp_path / "classes.bin"
    file.write_bytes(b"1234567")
    with pytest.raises(ValueError, match="classes.bin> is too short: leave out -r"):
        open_cut(file, 8)
    assert file.read_bytes() == b"1234567"
    with open_cut(file, 5) as cut:
        cut.write(b"0")
    assert file.read_bytes() == b"123450"
