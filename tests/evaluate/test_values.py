# SPDX-License-Identifier: GPL-2.0-or-later
"""Values against a reference: sums of maps and patches, and the report on them."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest

from grassdl.core.classes import ClassScheme
from grassdl.evaluate.metrics.value_tally import sampled, tally_values
from grassdl.evaluate.model_targets import MODEL_EVALUATION
from grassdl.evaluate.report.formats import as_csv
from grassdl.evaluate.report.html import page
from grassdl.evaluate.report.text import plain
from grassdl.evaluate.settings import Settings
from grassdl.evaluate.value_patches import ValuePatches
from grassdl.io.json_records import as_json
from grassdl.model.ensemble import Member, Model
from patches_of_arrays import dataset
from scored_model import BANDS, GRASS, ROOF
from scored_model import card_of as class_card
from tiny_dataset import BANDS as VALUE_BANDS
from value_dataset import scene, write_values

RNG = np.random.default_rng(1)
REFERENCE = RNG.uniform(0, 30, (60, 80))
PREDICTED = REFERENCE + RNG.normal(1, 2, REFERENCE.shape)
REFERENCE[0, :7] = np.nan
PREDICTED[0, 5:9] = np.nan


class Values:
    """A map of floating type in memory, NULL where NaN."""

    def __init__(self, values):
        self.values = values
        self.rows, self.cols = values.shape
        self.dtype = values.dtype

    def read(self, row, rows):
        part = self.values[row : row + rows]
        return np.nan_to_num(part), np.isnan(part)


def assessed(predicted=PREDICTED, reference=REFERENCE, block_size=10):
    maps = Values(predicted), Values(reference)
    sample = sampled(*maps, ("p", "r"))
    tally, left_out = tally_values(*maps, None, sample, block_size, lambda rows: None)
    return {
        "classification": "p@P", "reference": "r@P", "target": "value", "design": "census",
        **tally.report(1), "left_out": left_out.to_json(),
    }  # fmt: skip


def test_figures_are_those_of_the_cells_that_both_maps_have():
    found = assessed()
    known = np.isfinite(PREDICTED) & np.isfinite(REFERENCE)
    difference = (PREDICTED - REFERENCE)[known]
    assert found["pixels"] == known.sum()
    assert found["rmse"] == pytest.approx(np.sqrt((difference**2).mean()))
    assert found["bias"] == pytest.approx(difference.mean())
    assert found["pearson"] == pytest.approx(np.corrcoef(PREDICTED[known], REFERENCE[known])[0, 1])
    assert found["left_out"] == {
        "masked": 0, "null_in_classification": 2, "null_in_reference": 5, "null_in_both": 2,
    }  # fmt: skip


def test_the_size_of_blocks_changes_intervals_only():
    small, large = assessed(block_size=7), assessed(block_size=20)
    assert small["intervals"]["blocks"] == 9 * 12
    assert small["rmse"] == pytest.approx(large["rmse"])
    low, high = small["intervals"]["rmse"]
    assert low < small["rmse"] < high and high - low < 0.3


def test_few_blocks_have_no_intervals():
    assert assessed(block_size=60)["intervals"]["rmse"] is None


def test_ranges_of_the_reference_have_figures_of_their_own():
    found = assessed()["ranges"]
    known = np.isfinite(PREDICTED) & np.isfinite(REFERENCE)
    assert sum(one["pixels"] for one in found) == known.sum()
    edge = float(found[0]["label"].split()[1])
    own = known & (edge > REFERENCE)
    assert found[0]["pixels"] == pytest.approx(own.sum(), abs=3)
    assert found[0]["bias"] == pytest.approx((PREDICTED - REFERENCE)[own].mean(), abs=0.05)


def test_maps_without_common_cells_are_refused():
    with pytest.raises(ValueError, match="<p> and <r> have no cells in common"):
        sampled(Values(PREDICTED * np.nan), Values(REFERENCE), ("p", "r"))


def test_the_report_is_written_in_every_form():
    report = assessed()
    assert json.loads(as_json(report))["rmse"] == report["rmse"]
    rows = {
        (row["metric"], row["class"]): row for row in csv.DictReader(io.StringIO(as_csv(report)))
    }
    assert float(rows["rmse", ""]["value"]) == report["rmse"]
    assert float(rows["intervals_r2_low", ""]["value"]) == report["intervals"]["r2"][0]
    assert rows["bias", "1"]["label"] == report["ranges"][0]["label"]
    text = plain(report)
    for words in ("Lin's concordance", "BY RANGE OF THE REFERENCE", "block bootstrap"):
        assert words in text
    html = page(report, [], {"scatter": b"png"}, {})
    assert "RMSE" in html and "Scatter" in html


def value_card(**changes):
    return class_card(
        target=write_target(), bands=VALUE_BANDS, mean=[2000.0, 2000.0], deviation=[500.0, 500.0],
        size=16, resolution=(0.25, 0.25), stride=4, **changes,
    )  # fmt: skip


def model_of(card):
    return Model((Member(Path("model"), card),), card)


def write_target():
    from value_dataset import target_of

    return target_of(scene(2, 1)[1])


def half_a_metre_high(images):
    """What knows how the scenes were made, and is half a metre too high."""
    return (20 + 10 * (images[..., :1] - 1000) / 2000 + 0.5).astype(np.float32)


def test_a_model_of_values_is_scored_on_the_patches_of_each_dataset(tmp_path):
    one = write_values(tmp_path / "a", {"test": scene(12, 1)})
    images, labels = scene(3, 2)
    labels[0, :, :4] = np.nan
    other = write_values(tmp_path / "b", {"test": (images, labels)})
    patches = ValuePatches(value_card(), [one, other], "test")
    found = patches.score(half_a_metre_high, seed=1)
    assert found["bias"] == pytest.approx(0.5, abs=1e-3)
    assert found["pixels"] == 15 * 256 - 64
    assert found["left_out"] == {"null": 0, "unlabelled": 64}
    assert [area["pixels"] for area in found["areas"]] == [12 * 256, 3 * 256 - 64]
    assert found["intervals"]["blocks"] == 15
    assert len(patches.pairs[0]) == len(patches.pairs[1]) > 1000
    assert "BY DATASET" in plain(found)


def test_labels_of_another_kind_or_units_are_refused(tmp_path):
    feet = write_values(tmp_path / "a", {"test": scene(2, 1)}, units="ft")
    with pytest.raises(ValueError, match="does not fit model .* values are in m of one and in ft"):
        ValuePatches(value_card(), [feet], "test")
    labels = np.zeros((2, 16, 16), np.uint8)
    classes = dataset(tmp_path / "b", labels, labels, bands=VALUE_BANDS, size=16)
    with pytest.raises(ValueError, match="it is of 2 classes, the model of values of <height>"):
        ValuePatches(value_card(), [classes], "test")


def test_a_model_of_classes_is_not_scored_on_values(tmp_path):
    made = write_values(tmp_path / "a", {"test": scene(2, 1)})
    card = class_card(target=ClassScheme([GRASS, ROOF]), bands=BANDS)
    with pytest.raises(ValueError, match="is of values of <height> in m, and classes are needed"):
        MODEL_EVALUATION.of(card.target)(model_of(card), [made], "test", Settings(), "")


@pytest.mark.parametrize(
    ("settings", "fit", "words"),
    [
        (Settings(), "t", "The flag -t is for classes"),
        (Settings(), "s", "The flag -s is for classes"),
        (Settings(importance=3), "", "The option importance is for classes"),
        (Settings(matrix=True), "", "The option matrix is for classes"),
    ],
)
def test_options_of_classes_are_refused_for_a_model_of_values(tmp_path, settings, fit, words):
    made = write_values(tmp_path / "a", {"test": scene(2, 1)})
    card = value_card()
    with pytest.raises(ValueError, match=words):
        MODEL_EVALUATION.of(card.target)(model_of(card), [made], "test", settings, fit)
