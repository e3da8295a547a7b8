# SPDX-License-Identifier: GPL-2.0-or-later
"""Rows that several processes read ahead of a GPU."""

import numpy as np
import pytest

from grassdl.predict import read_ahead
from grassdl.predict.band_matching import AdjustedReader, Adjustment
from grassdl.predict.mosaic.row_buffer import RowBuffer
from grassdl.predict.read_ahead import ReadAhead
from numbered_inputs import BrokenInputs, NumberedInputs, NumberedRows

ROWS, COLS = 300, 5
CELLS = 0, ROWS, 0, COLS
ADJUSTMENT = Adjustment(["row", "col"], *np.array([[9.0, 2], [3, 1], [100, 50], [7, 2]]))


@pytest.fixture(autouse=True)
def _short_chunks(monkeypatch):
    monkeypatch.setattr(read_ahead, "CHUNK_CELLS", 8 * COLS)


@pytest.mark.parametrize("adjustment", [None, ADJUSTMENT], ids=["plain", "adjusted"])
def test_windows_that_move_down_get_the_rows_that_one_process_reads(adjustment):
    def reader():
        plain = NumberedRows(ROWS, COLS)
        return AdjustedReader(plain, adjustment) if adjustment else plain

    with ReadAhead(NumberedInputs(ROWS, COLS), CELLS, adjustment, 2) as ahead:
        # A run computes the rows before and after a strip that it has; a strip may be given up.
        for first, stop, last in ((3, 33, 33), (60, 200, 90), (231, ROWS, ROWS)):
            expected, found = (
                RowBuffer(one, 2, most=20) for one in (reader(), ahead.rows(reader(), first, stop))
            )
            for start in range(first, last - 16, 13):
                for one, other in zip(expected.read(start, 17), found.read(start, 17), strict=True):
                    assert np.array_equal(one, other)


def test_with_one_process_its_own_reader_reads():
    reader = NumberedRows(ROWS, COLS)
    with ReadAhead(NumberedInputs(ROWS, COLS), CELLS, None, 1) as ahead:
        assert ahead.rows(reader, 0, ROWS) is reader


def test_what_a_process_cannot_read_is_raised_here():
    with (
        ReadAhead(BrokenInputs(), CELLS, None, 2) as ahead,
        pytest.raises(ValueError, match="no such map"),
    ):
        ahead.rows(NumberedRows(ROWS, COLS), 0, ROWS).read(0, 1)
