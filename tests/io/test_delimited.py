# SPDX-License-Identifier: GPL-2.0-or-later
"""Tables as text."""

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
