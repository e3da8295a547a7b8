# SPDX-License-Identifier: GPL-2.0-or-later
"""Files that appear whole or not at all."""

import os

import pytest

from grassdl.io.atomic import StagedFiles, replacing, write_files
from grassdl.io.json_records import read_json, write_json


def names(folder):
    return sorted(path.name for path in folder.iterdir())


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


def write_folder(path):
    path.mkdir()
    (path / "network.bin").write_text("whole")


def test_a_folder_appears_whole_and_debris_of_one_is_removed(tmp_path):
    debris = tmp_path / ".network.123456789012.part"
    debris.mkdir()
    (debris / "network.bin").write_text("half")
    write_files({tmp_path / "network": write_folder})
    assert names(tmp_path) == ["network"]
    assert (tmp_path / "network" / "network.bin").read_text() == "whole"


def test_an_error_while_a_file_is_replaced_leaves_it_as_it_was(tmp_path):
    file = tmp_path / "checkpoint"
    file.write_text("whole")
    with pytest.raises(OSError, match="disk full"), replacing(file) as part:
        part.write(b"half")
        raise OSError("disk full")
    assert file.read_text() == "whole"
    assert names(tmp_path) == ["checkpoint"]
