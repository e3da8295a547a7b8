# SPDX-License-Identifier: GPL-2.0-or-later
"""A run from stored probabilities to maps, with arrays in the place of GRASS's maps."""

from contextlib import nullcontext
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from array_reader import ArrayBands
from grassdl.model.novelty import FeatureStatistics
from grassdl.predict import run
from grassdl.predict.checkpoint import open_checkpoint
from grassdl.predict.run import StoredProbabilitiesRun
from grassdl.predict.settings import Settings
from model_cards import card_of

ROWS, COLS = 10, 4
SETTINGS = Settings("", "exact", None, 1, 0, None, False, 0, 300, False)


class ArrayInputs:
    """Probabilities of two classes; the first is the likelier one in even rows."""

    sources = ["p_2@P", "p_7@P"]
    region = SimpleNamespace(rows=ROWS, cols=COLS, nsres=1.0, ewres=1.0)

    def fingerprint(self):
        return {"raster map <p_2@P>": "12ab"}

    def open(self, cells):
        assert cells is None
        first = np.where(np.arange(ROWS) % 2 == 0, 0.75, 0.25)[:, np.newaxis].repeat(COLS, 1)
        values = np.dstack([first, 1 - first]).astype(np.float32)
        return nullcontext(ArrayBands(values, np.zeros((ROWS, COLS), bool)))


class ArrayOutputs:
    """Rows that are written, until one is refused, and what is called in what order."""

    figures = {"with_confidence": True}

    def __init__(self, most_bands=ROWS):
        self.index, self.events, self.most_bands = [], [], most_bands

    def check_inputs(self, inputs):
        if "classes@P" in inputs:
            raise ValueError("Output <classes> is also an input")

    def open(self, folder, rows):
        self.events.append(f"open after {rows}")

    def write(self, band):
        if len(self.index) == self.most_bands:
            raise OSError("disk full")
        self.index.append(band.index[:, 0].tolist())

    def close(self):
        self.events.append("close")

    def open_segments(self, cells):
        return None

    def make(self, support, columns, by_segment, objects, before_naming):
        assert (dict(columns), list(by_segment)) == ({}, [])
        before_naming()
        self.events.append(support["description"])


def execute(folder, outputs, resume=False):
    """A run in bands of four rows; the numbers of finished rows."""
    done = []
    one = StoredProbabilitiesRun(card_of(), SETTINGS, ArrayInputs(), outputs, print)
    with open_checkpoint(folder, {}, ROWS, resume, print) as checkpoint:
        one.execute(checkpoint, done.append)
        assert checkpoint.record.naming is True
    return done


@pytest.fixture(autouse=True)
def bands_of_four_rows(monkeypatch):
    monkeypatch.setattr(run, "STRIP_CELLS", 4 * COLS)


def test_row_bands_are_written_as_they_come_and_maps_made_at_the_end(tmp_path):
    outputs = ArrayOutputs()
    assert execute(tmp_path / "runs" / "classes", outputs) == [4, 8, 10]
    assert outputs.index == [[0, 1, 0, 1], [0, 1, 0, 1], [0, 1]]
    opened, made, closed = outputs.events
    assert (opened, closed) == ("open after 0", "close")
    assert "from stored probabilities" in made


def test_a_run_that_ends_early_makes_no_map_and_is_resumed_after_its_last_band(tmp_path):
    folder, outputs = tmp_path / "runs" / "classes", ArrayOutputs(most_bands=1)
    with pytest.raises(OSError, match="disk full"):
        execute(folder, outputs)
    assert (outputs.index, outputs.events) == ([[0, 1, 0, 1]], ["open after 0", "close"])
    outputs = ArrayOutputs()
    assert execute(folder, outputs, resume=True) == [8, 10]
    assert outputs.index == [[0, 1, 0, 1], [0, 1]]
    assert outputs.events[0] == "open after 4"


def test_a_map_that_is_read_is_not_replaced():
    inputs = ArrayInputs()
    inputs.sources = ["classes@P"]
    with pytest.raises(ValueError, match="Output <classes> is also an input"):
        StoredProbabilitiesRun(card_of(), SETTINGS, inputs, ArrayOutputs(), print)


def test_a_run_with_novelty_depends_on_the_statistics_of_every_member(tmp_path, monkeypatch):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        FeatureStatistics(np.ones((2, 3), np.float32), np.eye(3, dtype=np.float32)).save(
            tmp_path / name
        )
    members = [SimpleNamespace(folder=tmp_path / name) for name in ("one", "two")]
    opened = SimpleNamespace(deciding_hash="0", members=members)
    monkeypatch.setattr(run, "open_model", lambda names: opened)

    def fingerprint(**outputs):
        settings = replace(SETTINGS, outputs=outputs)
        return StoredProbabilitiesRun(
            card_of(), settings, ArrayInputs(), ArrayOutputs(), print
        ).fingerprint()

    before, without = fingerprint(novelty="unlike"), fingerprint()
    FeatureStatistics(np.ones((2, 3), np.float32), 2 * np.eye(3, dtype=np.float32)).save(
        tmp_path / "two"
    )
    after = fingerprint(novelty="unlike")
    changed = [name for name in before if before[name] != after[name]]
    assert changed == ["the statistics for novelty"]
    assert fingerprint() == without
