# SPDX-License-Identifier: GPL-2.0-or-later
"""How much there is to compute."""

import numpy as np
import pytest

from grassdl.predict import forecast
from grassdl.predict.forecast import cells_with_data
from grassdl.predict.tiling.axis import Span, plan_axis


class Mask:
    """The NULL mask of a scene, which counts the rows that are asked for."""

    def __init__(self, null):
        self.mask = null
        self.rows = 0

    def null(self, row, rows):
        self.rows += rows
        return self.mask[row : row + rows]


def axes(rows=96, cols=64):
    return plan_axis(rows, Span(0, rows), 16, 1, 0), plan_axis(cols, Span(0, cols), 16, 1, 0)


def test_empty_tiles_are_not_counted():
    null = np.ones((96, 64), bool)
    assert cells_with_data(Mask(null), *axes()) == 0
    null[16:32, 32:48] = False
    assert cells_with_data(Mask(null), *axes()) == 16 * 16
    null[:, :20] = False
    assert cells_with_data(Mask(null), *axes()) == 16 * 16 + 6 * 2 * 16 * 16
    # An earlier run has finished the first four rows of tiles.
    assert cells_with_data(Mask(null), *axes(), first=4) == 2 * 2 * 16 * 16
    assert cells_with_data(Mask(null), *axes(), first=6) == 0


@pytest.mark.parametrize("most", [4, 3, 10])
def test_few_rows_are_read_however_many_there_are(monkeypatch, most):
    monkeypatch.setattr(forecast, "SAMPLED_ROWS", most)
    mask = Mask(np.zeros((96, 64), bool))
    assert cells_with_data(mask, *axes()) == 96 * 64
    assert mask.rows <= most
