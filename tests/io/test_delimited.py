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
