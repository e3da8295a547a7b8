# SPDX-License-Identifier: GPL-2.0-or-later
"""Output folders: whole or not at all, and nothing of anybody else is removed."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from grassdl.dataset.manifest import DATASET_FOLDER as KIND
from grassdl.io.folders import (
    check_disk,
    check_output_folder,
    folders_named,
    new_folder,
    reserved,
    scratch_folder,
)
from grassdl.model.folder import MODEL_FOLDER
from paths import LIBRARY

MARK = "dataset.json"


def fill(folder, text):
    (folder / MARK).write_text(json.dumps({"format": "i.dl patch dataset", "id": text}))


def content(folder):
    return json.loads((folder / MARK).read_text())["id"]


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def old(tmp_path):
    """A folder of the kind that may be overwritten."""
    folder = tmp_path / "out"
    (folder / "train").mkdir(parents=True)
    fill(folder, "old")
    (folder / "train" / "images.npy").write_text("old")
    return folder


@pytest.fixture
def target(tmp_path):
    return tmp_path / "out"


def begun(target, made="new_folder(Path(sys.argv[1]), DATASET_FOLDER)"):
    """A process that writes a folder until it is killed."""
    program = (
        "import sys, time; from pathlib import Path\n"
        "from grassdl.dataset.manifest import DATASET_FOLDER\n"
        "from grassdl.io.folders import new_folder, scratch_folder\n"
        f"with {made} as folder:\n"
        "    (folder / 'dataset.json').write_text('new')\n"
        "    print('begun', flush=True); time.sleep(60)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(target)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(LIBRARY)},
    )
    assert process.stdout.readline() == "begun\n"
    return process


def kill(process):
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    process.stdout.close()


def test_nothing_lies_under_the_final_name_until_the_block_has_ended(tmp_path, target):
    with new_folder(target, KIND) as folder:
        fill(folder, "new")
        assert not target.exists()
        assert tmp_path in folder.parents
    assert content(target) == "new"
    assert names(tmp_path) == ["out"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, OSError])
def test_an_error_in_the_block_leaves_nothing(tmp_path, target, error):
    with pytest.raises(error), new_folder(target, KIND) as folder:
        fill(folder, "new")
        raise error
    assert names(tmp_path) == []


def test_a_replaced_folder_is_there_until_the_block_ends_and_gone_then(old):
    with new_folder(old, KIND) as folder:
        fill(folder, "new")
        assert content(old) == "old"
    assert names(old) == [MARK]
    assert content(old) == "new"
    assert names(old.parent) == ["out"]


def test_an_error_in_the_block_leaves_the_old_folder(old):
    with pytest.raises(KeyboardInterrupt), new_folder(old, KIND) as folder:
        fill(folder, "new")
        raise KeyboardInterrupt
    assert names(old.parent) == ["out"]
    assert names(old) == [MARK, "train"]


def test_ctrl_c_between_the_two_renames_leaves_the_old_folder(old, monkeypatch):
    rename = Path.rename

    def interrupted(self, target):
        rename(self, target)
        if self == old:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), new_folder(old, KIND) as folder:
        fill(folder, "new")
        monkeypatch.setattr(Path, "rename", interrupted)
    assert names(old.parent) == ["out"]
    assert content(old) == "old"


def refused(target, kind, message):
    """A folder is refused with --overwrite, at the start and by whoever does not ask before."""
    before = sorted(target.rglob("*"))
    for attempt in (
        lambda: check_output_folder(target, True, kind),
        lambda: new_folder(target, kind).__enter__(),
    ):
        with pytest.raises(ValueError, match=message):
            attempt()
    assert sorted(target.rglob("*")) == before
    assert names(target.parent) == [target.name]


def test_the_folder_of_a_stranger_is_never_replaced(target):
    target.mkdir()
    (target / "holiday.jpg").write_text("precious")
    refused(target, KIND, "out> holds no dataset.json that i.dl wrote")


@pytest.mark.parametrize("text", ['{"format": "layers-model"}', "{", "[]"])
def test_a_folder_with_the_model_json_of_another_program_is_never_replaced(target, text):
    target.mkdir()
    (target / "model.json").write_text(text)
    refused(target, MODEL_FOLDER, "out> holds no model.json that i.dl wrote")


@pytest.mark.parametrize(
    "strange, make",
    [
        ("notes.txt", Path.touch),
        ("train/images_of_mine.npy", Path.touch),
        ("trials", Path.mkdir),
        ("link", lambda path: path.symlink_to(path.parent)),
    ],
)
def test_a_dataset_with_anything_else_in_it_is_refused_by_name(old, strange, make):
    make(old / strange)
    refused(old, KIND, f"holds <{strange}>, which i.dl did not write")


def test_a_link_among_the_files_is_removed_and_what_it_leads_to_is_not(tmp_path, old):
    (tmp_path / "labels.npy").write_text("precious")
    (old / "train" / "labels.npy").symlink_to(tmp_path / "labels.npy")
    with new_folder(old, KIND) as folder:
        fill(folder, "new")
    assert names(old) == [MARK]
    assert (tmp_path / "labels.npy").read_text() == "precious"


def test_an_empty_folder_may_be_written_without_overwrite(target):
    target.mkdir()
    with new_folder(check_output_folder(target, False, KIND), KIND) as folder:
        fill(folder, "new")
    assert names(target) == [MARK]


def test_a_folder_that_appears_meanwhile_is_left_alone_and_the_result_kept(tmp_path, target):
    told = pytest.raises(ValueError, match="left alone: the result is <.*out_2>")
    with told, new_folder(target, KIND) as folder:
        fill(folder, "new")
        target.mkdir()
        fill(target, "somebody else's")
    assert content(target) == "somebody else's"
    assert content(tmp_path / "out_2") == "new"
    assert names(tmp_path) == ["out", "out_2"]


def test_a_folder_that_changes_meanwhile_is_left_alone_and_the_result_kept(tmp_path, old):
    (tmp_path / "out_2").mkdir()
    told = pytest.raises(ValueError, match="left alone: the result is <.*out_3>")
    with told, new_folder(old, KIND) as folder:
        fill(folder, "new")
        (old / "notes.txt").write_text("precious")
    assert content(old) == "old"
    assert names(old) == [MARK, "notes.txt", "train"]
    assert content(tmp_path / "out_3") == "new"


def test_of_two_runs_with_one_output_the_second_is_refused(target):
    with reserved(target, KIND):
        for attempt in (
            lambda: check_output_folder(target, True, KIND),
            lambda: reserved(target, KIND).__enter__(),
        ):
            with pytest.raises(ValueError, match="Another run is writing <.*out>"):
                attempt()
    with reserved(target, KIND):
        pass


def test_brackets_in_a_name_are_no_pattern(tmp_path):
    (tmp_path / ".a.part" / "new-1").mkdir(parents=True)
    with new_folder(tmp_path / "[ab]", KIND) as folder:
        fill(folder, "new")
    assert names(tmp_path) == [".a.part", "[ab]"]


@pytest.mark.parametrize("exists", [True, False])
def test_a_kill_in_the_middle_leaves_the_old_folder_or_none(tmp_path, request, target, exists):
    if exists:
        request.getfixturevalue("old")
    kill(begun(target))
    assert target.exists() == exists
    if exists:
        assert content(target) == "old"
    # The lock tells that nobody is at work, whoever has the number of the killed process now.
    with new_folder(target, KIND) as folder:
        fill(folder, "next run")
    assert names(tmp_path) == ["out"]


def test_a_folder_set_aside_by_a_killed_run_gets_its_name_back(tmp_path, old):
    work = tmp_path / ".out.part"
    work.mkdir()
    old.rename(work / "old")
    with pytest.raises(ValueError, match="exists"):
        check_output_folder(old, False, KIND)
    assert content(old) == "old"
    assert names(tmp_path) == ["out"]


def test_an_existing_output_is_refused_without_overwrite(old):
    with pytest.raises(ValueError, match="exists: choose another one or use --overwrite"):
        check_output_folder(old, False, KIND)
    assert check_output_folder(old, True, KIND) == old


def test_a_file_or_a_link_is_never_replaced(old):
    file, link = old.parent / "file", old.parent / "link"
    file.write_text("x")
    link.symlink_to(old)
    for path in (file, link):
        with pytest.raises(ValueError, match="is not a folder"):
            check_output_folder(path, True, KIND)


def test_the_root_of_all_folders_is_refused():
    with pytest.raises(ValueError, match="Output </> is the root of all folders"):
        check_output_folder("/", True, KIND)


def test_a_missing_parent_is_refused(tmp_path):
    with pytest.raises(ValueError, match="nowhere> not found"):
        check_output_folder(tmp_path / "nowhere" / "out", False, KIND)


def test_a_relative_path_is_taken_from_the_current_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert check_output_folder("out", False, KIND) == tmp_path / "out"


def test_a_scratch_folder_of_a_killed_run_goes_with_the_next_and_that_of_a_living_one_stays(
    tmp_path,
):
    place = tmp_path / "scratch"
    process = begun(place, "scratch_folder(Path(sys.argv[1]))")
    (theirs,) = place.iterdir()
    with scratch_folder(place) as own:
        assert sorted(place.iterdir()) == sorted([theirs, own])
    kill(process)
    # Whoever has its number now, and whether it had its lock already.
    (place / "just_made").mkdir()
    with scratch_folder(place) as own:
        assert list(place.iterdir()) == [own]
    assert not place.exists()


def test_what_the_disk_cannot_hold_is_refused_with_numbers(tmp_path):
    check_disk(tmp_path, 1, "a map")
    with pytest.raises(ValueError, match=r"a map needs 4611686018427.4 MB in .*, [\d.]+ MB are"):
        check_disk(tmp_path, 2**62, "a map")


def test_many_names_are_longer_together_than_that_of_a_folder_may_be(tmp_path):
    names = [f"training_{number:02}_of_a_name_that_is_long" for number in range(16)]
    assert folders_named(",".join(names)) == names
    (tmp_path / "a,b").mkdir()
    assert folders_named(f"{tmp_path}/a,b") == [f"{tmp_path}/a,b"]


@pytest.fixture
def sheets(tmp_path, monkeypatch):
    """Three folders and a file in the folder `sheets` of the current one."""
    for name in ("c", "a", "b"):
        (tmp_path / "sheets" / name).mkdir(parents=True)
    (tmp_path / "sheets" / "a.txt").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_pattern_stands_for_the_folders_that_match_it_in_the_order_of_their_names(sheets):
    assert folders_named("sheets/*") == ["sheets/a", "sheets/b", "sheets/c"]
    assert folders_named(f"sheets/c,{sheets}/sheets/[ab]") == [
        "sheets/c",
        f"{sheets}/sheets/a",
        f"{sheets}/sheets/b",
    ]
    (sheets / "sheets" / "[ab]").mkdir()
    assert folders_named("sheets/[ab]") == ["sheets/[ab]"]


def test_a_file_has_a_name_on_each_line(sheets):
    (sheets / "names.txt").write_text("# the north\nsheets/b\n\n  sheets/a \n")
    assert folders_named("names.txt,sheets/c") == ["sheets/b", "sheets/a", "sheets/c"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("sheets/a\nsheets/d\n", "<sheets/d> is none"),
        ("", "it is empty"),
        ("{\x00\n", "<{> is none"),
    ],
)
def test_a_file_that_names_something_else_is_refused(sheets, content, words):
    (sheets / "names.txt").write_text(content)
    with pytest.raises(ValueError, match=f"File <names.txt> must name .*{words}"):
        folders_named("names.txt")


def test_a_pattern_that_nothing_matches_is_refused(sheets):
    with pytest.raises(ValueError, match=r"<sheets/x\*> not found: no folder matches"):
        folders_named("sheets/x*")
