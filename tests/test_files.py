# SPDX-License-Identifier: GPL-2.0-or-later
"""Files and folders that appear whole or not at all."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from grassdl.files import StagedFiles, check_output_folder, new_folder, write_files
from grassdl.records import read_json, write_json

MARK = "dataset.json"


def fill(folder, text):
    (folder / MARK).write_text(text)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def old(tmp_path):
    """A folder of the kind that may be overwritten."""
    folder = tmp_path / "out"
    folder.mkdir()
    fill(folder, "old")
    (folder / "more.npy").write_text("old")
    return folder


@pytest.fixture
def dead_pid():
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


def test_nothing_lies_under_the_final_name_until_the_block_has_ended(tmp_path):
    target = tmp_path / "out"
    with new_folder(target, MARK) as folder:
        fill(folder, "new")
        assert not target.exists()
        assert folder.parent == tmp_path
    assert (target / MARK).read_text() == "new"
    assert names(tmp_path) == ["out"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, OSError])
def test_an_error_in_the_block_leaves_nothing(tmp_path, error):
    with pytest.raises(error), new_folder(tmp_path / "out", MARK) as folder:
        fill(folder, "new")
        raise error
    assert names(tmp_path) == []


def test_a_replaced_folder_is_there_until_the_block_ends_and_gone_then(old):
    with new_folder(old, MARK) as folder:
        fill(folder, "new")
        assert (old / MARK).read_text() == "old"
    assert names(old) == [MARK]
    assert (old / MARK).read_text() == "new"
    assert names(old.parent) == ["out"]


def test_an_error_in_the_block_leaves_the_old_folder(old):
    with pytest.raises(KeyboardInterrupt), new_folder(old, MARK) as folder:
        fill(folder, "new")
        raise KeyboardInterrupt
    assert names(old.parent) == ["out"]
    assert names(old) == [MARK, "more.npy"]


def test_ctrl_c_between_the_two_renames_leaves_the_old_folder(old, monkeypatch):
    rename = Path.rename

    def interrupted(self, target):
        rename(self, target)
        if self == old:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), new_folder(old, MARK) as folder:
        fill(folder, "new")
        monkeypatch.setattr(Path, "rename", interrupted)
    assert names(old.parent) == ["out"]
    assert (old / MARK).read_text() == "old"


def test_the_folder_of_a_stranger_is_never_replaced(tmp_path):
    target = tmp_path / "photos"
    target.mkdir()
    (target / "holiday.jpg").write_text("precious")
    for attempt in (
        lambda: check_output_folder(target, True, MARK),
        lambda: new_folder(target, MARK).__enter__(),
    ):
        with pytest.raises(ValueError, match="photos> holds no dataset.json"):
            attempt()
    assert names(tmp_path) == ["photos"]
    assert names(target) == ["holiday.jpg"]


def test_an_empty_folder_may_be_replaced(tmp_path):
    target = tmp_path / "out"
    target.mkdir()
    with new_folder(check_output_folder(target, True, MARK), MARK) as folder:
        fill(folder, "new")
    assert names(target) == [MARK]


def test_debris_of_dead_runs_is_removed_and_that_of_a_living_one_left_alone(tmp_path, dead_pid):
    alive = os.getppid()
    for pid in (dead_pid, alive):
        for kind in ("part", "old"):
            (tmp_path / f".out.{pid}.{kind}").mkdir()
    (tmp_path / f".other.{dead_pid}.part").mkdir()
    (tmp_path / ".out.notes.part").mkdir()
    with new_folder(tmp_path / "out", MARK) as folder:
        fill(folder, "new")
    assert names(tmp_path) == sorted(
        [f".out.{alive}.part", f".out.{alive}.old", f".other.{dead_pid}.part"]
        + [".out.notes.part", "out"]
    )


def test_debris_of_a_file_that_a_dead_run_was_writing_is_removed(tmp_path):
    # The first is of an older version, whose words were the numbers of processes.
    for word in (os.getppid(), "123456789012"):
        (tmp_path / f".table.csv.{word}.part").write_text("half")
    (tmp_path / ".table.csv.123456789012.lock").touch()
    write_files({tmp_path / "table.csv": lambda path: path.write_text("whole")})
    assert names(tmp_path) == ["table.csv"]


def test_a_file_that_a_live_run_is_writing_is_left_alone(tmp_path):
    file = tmp_path / "table.csv"
    with StagedFiles([file]) as live:
        live.write({file: lambda path: path.write_text("by another run")})
        write_files({file: lambda path: path.write_text("by this one")})
        assert file.read_text() == "by this one"
        live.name()
    assert file.read_text() == "by another run"
    assert names(tmp_path) == ["table.csv"]


def test_debris_with_the_number_of_this_process_is_removed(tmp_path):
    stale = tmp_path / f".out.{os.getpid()}.part"
    stale.mkdir()
    (stale / "images.npy").write_text("of a run in another container")
    with new_folder(tmp_path / "out", MARK) as folder:
        fill(folder, "new")
    assert names(tmp_path / "out") == [MARK]


def test_brackets_in_a_name_are_no_pattern(tmp_path, dead_pid):
    (tmp_path / f".a.{dead_pid}.part").mkdir()
    (tmp_path / f".[ab].{dead_pid}.part").mkdir()
    with new_folder(tmp_path / "[ab]", MARK) as folder:
        fill(folder, "new")
    assert names(tmp_path) == [f".a.{dead_pid}.part", "[ab]"]


@pytest.mark.parametrize("exists", [True, False])
def test_a_kill_in_the_middle_leaves_the_old_folder_or_none(tmp_path, request, exists):
    if exists:
        request.getfixturevalue("old")
    program = (
        "import sys, time; from pathlib import Path; from grassdl.files import new_folder\n"
        "with new_folder(Path(sys.argv[1]), 'dataset.json') as folder:\n"
        "    (folder / 'dataset.json').write_text('new')\n"
        "    print('begun', flush=True); time.sleep(60)\n"
    )
    target = tmp_path / "out"
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(target)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent / "lib")},
    )
    assert process.stdout.readline() == "begun\n"
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    process.stdout.close()
    assert target.exists() == exists
    if exists:
        assert (target / MARK).read_text() == "old"
    with new_folder(target, MARK) as folder:
        fill(folder, "next run")
    assert names(tmp_path) == ["out"]


def test_an_existing_output_is_refused_without_overwrite(old):
    with pytest.raises(ValueError, match="exists: choose another one or use --overwrite"):
        check_output_folder(old, overwrite=False)
    assert check_output_folder(old, overwrite=True, recognise=MARK) == old


def test_a_file_or_a_link_is_never_replaced(old):
    file, link = old.parent / "file", old.parent / "link"
    file.write_text("x")
    link.symlink_to(old)
    for path in (file, link):
        with pytest.raises(ValueError, match="is not a folder"):
            check_output_folder(path, overwrite=True)


def test_a_missing_parent_is_refused(tmp_path):
    with pytest.raises(ValueError, match="nowhere> not found"):
        check_output_folder(tmp_path / "nowhere" / "out", overwrite=False)


def test_a_relative_path_is_taken_from_the_current_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert check_output_folder("out", overwrite=False) == tmp_path / "out"


def test_json_keeps_lists_of_numbers_on_one_line_and_refuses_nan(tmp_path):
    file = tmp_path / "a.json"
    content = {"counts": [1, 2, 3], "text": "[1,\n 2]", "edges": [0.5, -1e-05], "none": []}
    write_json(file, content)
    assert read_json(file, "Thing") == content
    assert '"counts": [ 1, 2, 3 ]' in file.read_text()
    with pytest.raises(ValueError):
        write_json(tmp_path / "b.json", {"mean": float("nan")})
    assert names(tmp_path) == ["a.json"]


@pytest.mark.parametrize("label", ["a  b", "[1,  2]", 'a "[3,   4]" \\', "tab\tand\n line"])
def test_blanks_inside_a_label_survive(tmp_path, label):
    content = {"label": label, label: [label, [1, 2]]}
    write_json(tmp_path / "a.json", content)
    assert read_json(tmp_path / "a.json", "Thing") == content


@pytest.mark.parametrize(
    "content, message",
    [
        (None, "Thing not found"),
        (b"{", "cannot be read"),
        (b"\xff\xfe", "cannot be read"),
        (b"[]", "is damaged: a JSON object is expected"),
        (b"[" * 99999, "nested too deep"),
        (b'{"a": NaN}', "NaN is no number"),
        (b'{"a": 1e999}', "1e999 is out of range"),
        (b'{"a": ' + 5000 * b"9" + b"}", "cannot be read"),
    ],
)
def test_what_is_no_json_object_is_refused(tmp_path, content, message):
    file = tmp_path / "a.json"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_json(file, "Thing")


def test_a_folder_set_aside_by_a_killed_run_gets_its_name_back(old):
    dead = subprocess.Popen(["true"])
    dead.wait()
    old.rename(old.with_name(f".{old.name}.{dead.pid}.old"))
    with pytest.raises(ValueError, match="exists"):
        check_output_folder(old, overwrite=False)
    assert (old / MARK).read_text() == "old"
    assert names(old.parent) == [old.name]
