# SPDX-License-Identifier: GPL-2.0-or-later
"""Tables as text."""

import os

import numpy as np
import pytest

from grassdl.io import delimited


@pytest.mark.parametrize("separator", ["|", ",", "\t", "%", "{", "}", "{}"])
def test_a_table_has_its_columns_between_separators(tmp_path, monkeypatch, separator):
    monkeypatch.setattr(delimited, "ROWS_AT_ONCE", 2)
    columns = {"cat": np.array([7, -2, 2**31 - 1]), "share": np.array([0.5, 1, 1 / 3])}
    delimited.write_table(tmp_path / "table.csv", columns, separator)
    lines = (tmp_path / "table.csv").read_text().splitlines()
    assert [line.split(separator) for line in lines] == [
        ["cat", "share"],
        ["7", "0.500000"],
        ["-2", "1.000000"],
        ["2147483647", "0.333333"],
    ]


def test_rows_are_read_with_the_lines_that_they_end_in():
    text = 'cat,class\n1,"a ""b""\nc"\n2,d\n'
    rows = [(1, ["cat", "class"]), (3, ["1", 'a "b"\nc']), (4, ["2", "d"])]
    assert list(delimited.read_rows(text, ",", "Table")) == rows


def test_a_field_without_end_is_refused_in_one_line():
    text = 'cat,class\n1,"' + "x" * 200_000
    with pytest.raises(ValueError, match="^Table <t> cannot be read at line 2: field .* quote"):
        list(delimited.read_rows(text, ",", "Table <t>"))


@pytest.mark.parametrize(
    "content, words",
    [
        (b"1|\xe9\n", "byte 2 is no text in UTF-8, save it in that encoding"),
        (None, "No such file or directory"),
    ],
)
def test_what_cannot_be_read_as_text_is_refused_in_one_line(tmp_path, content, words):
    path = tmp_path / "table.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ValueError, match=f"^Table <.*table.csv> cannot be read: {words}$"):
        delimited.read_text(str(path), "Table")


def test_a_device_without_end_takes_no_memory_and_a_pipe_is_read():
    words = "^Table </dev/zero> cannot be read: it is no file, and gives more than 64 MB$"
    with pytest.raises(ValueError, match=words):
        delimited.read_text("/dev/zero", "Table")
    reader, writer = os.pipe()
    os.write(writer, b"\xef\xbb\xbf1|water\n")
    os.close(writer)
    assert delimited.read_text(f"/dev/fd/{reader}", "Table") == "1|water\n"
    os.close(reader)
