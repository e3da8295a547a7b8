# SPDX-License-Identifier: GPL-2.0-or-later
"""Who is at work, told by locks whose holders may be killed at any moment."""

import subprocess
import sys

import pytest

from grassdl.io.locks import Hold, abandoned, lock, locked_folder
from paths import LIBRARY

HOLD = """
import sys
from pathlib import Path
from grassdl.io.locks import Hold
hold = Hold(Path(sys.argv[1]).joinpath)
print(hold.word, flush=True)
sys.stdin.read()
"""


def test_the_word_of_a_live_process_is_not_abandoned_and_that_of_a_killed_one_is(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, tmp_path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": str(LIBRARY)},
    )
    word = process.stdout.readline().strip()
    assert list(abandoned([word], tmp_path.joinpath)) == []
    process.kill()
    process.communicate()
    assert (tmp_path / word).is_file()
    assert list(abandoned([word, word], tmp_path.joinpath)) == [word]
    assert list(tmp_path.iterdir()) == []


def test_the_own_word_is_not_abandoned_until_it_is_released(tmp_path):
    hold = Hold(tmp_path.joinpath)
    assert list(abandoned([hold.word], tmp_path.joinpath)) == []
    hold.release()
    assert list(tmp_path.iterdir()) == []


def test_a_word_that_is_taken_is_not_taken_again(tmp_path, monkeypatch):
    numbers = iter([7, 7, 8])
    monkeypatch.setattr("grassdl.io.locks.secrets.randbelow", lambda limit: next(numbers))
    first, second = Hold(tmp_path.joinpath), Hold(tmp_path.joinpath)
    assert (int(first.word), int(second.word)) == (7, 8)
    first.release()
    second.release()


def test_a_lock_is_had_by_one_at_a_time(tmp_path):
    with lock(tmp_path / "lock") as held:
        assert held is not None
        assert lock(tmp_path / "lock") is None
    assert lock(tmp_path / "lock") is not None


def test_a_folder_is_locked_by_one_at_a_time_and_made_if_it_is_to_be(tmp_path):
    folder = tmp_path / "runs" / "one"
    with pytest.raises(FileNotFoundError), locked_folder(folder, "busy", create=False):
        pass
    with (
        locked_folder(folder, "busy"),
        pytest.raises(ValueError, match="^busy$"),
        locked_folder(folder, "busy"),
    ):
        pass
    with locked_folder(folder, "busy", create=False):
        assert folder.is_dir()
