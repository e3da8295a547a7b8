# SPDX-License-Identifier: GPL-2.0-or-later
"""Rows of windows that move down."""

import tracemalloc

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from grassdl.predict.mosaic import row_buffer
from grassdl.predict.mosaic.row_buffer import RowBuffer


class CountedRows:
    """Rows that tell their number; counts how often each is read, and how many at most at once."""

    dtype = np.dtype(np.int32)
    cols = 3

    def __init__(self, rows):
        self.times = np.zeros(rows, int)
        self.most = 0

    def read(self, row, rows):
        self.times[row : row + rows] += 1
        self.most = max(self.most, rows)
        numbers = np.arange(row, row + rows)[:, None]
        values = np.broadcast_to(numbers[..., None], (rows, self.cols, 2))
        return values, np.broadcast_to(numbers % 7 == 0, (rows, self.cols))


@given(
    windows=st.lists(st.tuples(st.integers(0, 40), st.integers(1, 30)), min_size=1, max_size=12),
    piece=st.integers(1, 20),
)
def test_each_row_is_read_once_and_in_pieces_as_windows_move_down(windows, piece):
    reader = CountedRows(12 * 40 + 30)
    held = RowBuffer(reader, 2, most=30)
    held._piece = piece
    start = stop = 0
    for step, rows in windows:
        # Windows of a tiling end no earlier than the one before.
        start += step
        rows = max(rows, min(stop - start, 30), 1)
        start, stop = max(start, stop - 30), max(stop, start + rows)
        values, null = held.read(start, stop - start)
        numbers = np.arange(start, stop)
        assert np.array_equal(values[:, 0, 0], numbers)
        assert np.array_equal(null[:, 2], numbers % 7 == 0)
    assert reader.times.max() == 1
    assert reader.most <= piece


def test_rows_move_without_a_copy_of_them():
    reader = CountedRows(900)
    reader.cols = 2000
    held = RowBuffer(reader, 2, most=600)
    held.read(0, 600)
    tracemalloc.start()
    held._leave(300)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # The rows that stay take 300 x 2000 x 2 values of four bytes.
    assert most < 100_000
    assert np.array_equal(held.read(300, 600)[0][:, 0, 0], np.arange(300, 900))


def test_a_wide_map_is_read_few_rows_at_a_time():
    reader = CountedRows(50)
    reader.cols = 50_000
    values, _ = RowBuffer(reader, 2, most=50).read(0, 50)
    assert np.array_equal(values[:, -1, 0], np.arange(50))
    assert reader.most == row_buffer.PIECE_CELLS // 50_000


def test_rows_keep_their_values_when_the_reader_meets_larger_ones():
    class Widening(CountedRows):
        dtype = np.dtype(np.uint8)

        def read(self, row, rows):
            values, null = super().read(row, rows)
            return values.astype(np.uint8 if row + rows <= 256 else np.int32), null

    held = RowBuffer(Widening(400), 2, most=200)
    for start in (0, 100, 200):
        values, _ = held.read(start, 200)
        assert np.array_equal(values[:, 1, 1], np.arange(start, start + 200))
