# SPDX-License-Identifier: GPL-2.0-or-later
"""What squares are told apart by: their uncertainty, and what they look like."""

from contextlib import nullcontext
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from array_reader import ArrayBands
from grassdl.model.card import tempered
from grassdl.model.ensemble import open_model
from grassdl.predict.decision import normalised_entropy
from grassdl.predict.settings import Settings
from grassdl.review.squares import SquareGrid, SquareSums
from grassdl.review.uncertainty import WatchedReader, of_imagery, of_probabilities
from small_model import DEVIATION, MEAN, plain_band, write_members

SIZE = 5
GRID = SquareGrid(rows=20, cols=15, size=SIZE)


class Bands(ArrayBands):
    """Bands whose mask can be read alone, as those of GRASS."""

    def null(self, row, rows):
        return self.null_cells[row : row + rows]


def test_probabilities_give_the_mean_entropy_and_the_mean_of_each_class():
    probabilities = np.random.default_rng(1).dirichlet([1, 2, 3], (20, 15)).astype(np.float32)
    null = np.zeros((20, 15), bool)
    null[:7] = True
    done = []
    figures = of_probabilities(ArrayBands(probabilities, null), 3, GRID, done.append)
    assert (done[-1], figures.measure) == (20, "uncertainty")
    assert figures.cells[:, 0].tolist() == [0, 15, 25, 25]
    part = probabilities[10:15, 5:10]
    assert figures.scores[2, 1] == pytest.approx(normalised_entropy(part).mean(), abs=1e-6)
    assert figures.looks[2, 1] == pytest.approx(part.mean(axis=(0, 1)), abs=1e-6)
    below = probabilities[7:10, 5:10]
    assert figures.scores[1, 1] == pytest.approx(normalised_entropy(below).mean(), abs=1e-6)


@pytest.mark.parametrize(
    "top, left",
    [(0, 0), (-3, -2), (4, 3), (-3, 6)],
    ids=["the region", "around it", "inside it", "some of both"],
)
def test_cells_of_the_region_are_looked_at_once_whatever_window_is_read(top, left):
    rows, cols = 30 + top, 22
    values = np.random.default_rng(1).random((rows, cols, 2)).astype(np.float32)
    looks = SquareSums(GRID, 4)
    reader = WatchedReader(
        Bands(values, np.zeros((rows, cols), bool)), looks, (top, rows, left, cols), GRID.cols
    )
    # Single rows are read ahead, and windows overlap.
    for row in (max(-top, 0), 9, rows - 1):
        reader.read(row, 1)
    for row in range(0, rows, 4):
        reader.read(row, min(7, rows - row))
    whole = np.full((20, 15, 2), np.nan)
    inside = np.s_[max(top, 0) :, max(left, 0) :]
    part = values[max(-top, 0) :, max(-left, 0) :]
    room = whole[inside].shape
    whole[inside] = part[: room[0], : room[1]]
    known = ~np.isnan(whole[..., 0])
    squares = known.reshape(4, SIZE, 3, SIZE)
    assert np.array_equal(looks.cells, squares.sum(axis=(1, 3)))
    total = np.nan_to_num(np.concatenate([whole, whole**2], axis=-1))
    sums = total.reshape(4, SIZE, 3, SIZE, 4).sum(axis=(1, 3))
    np.testing.assert_allclose(looks.means, sums / np.maximum(looks.cells, 1)[..., None], rtol=1e-6)


class Imagery:
    """Bands of a region, as `predict.run.BandInputs` has them."""

    sources, names, dtype = ["one@P", "two@P"], ["one", "two"], np.dtype(np.float32)

    def __init__(self, values):
        rows, cols = values.shape[:2]
        self._values = values
        self.region = SimpleNamespace(rows=rows, cols=cols, nsres=1.0, ewres=1.0)
        self.frame = (0, rows, 0, cols)

    def open(self, cells):
        top, rows, left, cols = cells
        part = self._values[top : top + rows, left : left + cols]
        return nullcontext(Bands(part, np.zeros(part.shape[:2], bool)))


def test_squares_of_an_ensemble_are_ranked_by_the_disagreement_of_its_networks(tmp_path):
    networks = write_members(tmp_path / "model", [plain_band("one"), plain_band("two")], (1.0, 2.0))
    card = open_model(str(tmp_path / "model")).card
    grid = SquareGrid(32, 48, 16)
    rng = np.random.default_rng(1)
    values = rng.normal(MEAN, DEVIATION, (grid.rows, grid.cols, 2)).astype(np.float32)
    how = Settings.without_maps(
        str(tmp_path / "model"),
        card,
        normalization="model",
        memory=300,
        nprocs=0,
        disagreement=True,
    )
    silent = SimpleNamespace(message=lambda line: None, warning=lambda line: None)
    figures = of_imagery(
        card, replace(how, engine="keras"), Imagery(values), grid, silent, lambda rows: None
    )
    parts = [
        tempered(np.asarray(network(values[None]))[0], temperature)
        for network, temperature in zip(networks, (1.0, 2.0), strict=True)
    ]
    own = np.mean([normalised_entropy(one) for one in parts], axis=0)
    expected = normalised_entropy(np.mean(parts, axis=0)) - own
    squares = expected.reshape(2, 16, 3, 16).mean(axis=(1, 3))
    assert figures.measure == "disagreement"
    np.testing.assert_allclose(figures.scores, squares, atol=1e-5)
    cells = values.reshape(2, 16, 3, 16, 2).astype(float)
    seen = np.concatenate([cells.mean(axis=(1, 3)), cells.std(axis=(1, 3))], axis=-1)
    np.testing.assert_allclose(figures.looks, seen, rtol=1e-5)
