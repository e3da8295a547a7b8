# SPDX-License-Identifier: GPL-2.0-or-later
"""Values against a reference: sums of maps and patches, and the report on them."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest

from grassdl.core.classes import ClassScheme
from grassdl.core.value_plots import map_pictures
from grassdl.evaluate import value_patches
from grassdl.evaluate.band_importance import band_importance
from grassdl.evaluate.metrics.value_comparison import pair_cells, pair_points, value_comparison
from grassdl.evaluate.metrics.value_strata import sample_in_strata
from grassdl.evaluate.metrics.value_tally import sampled, tally_value_points, tally_values
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


def test_areas_between_the_evenly_spread_cells_are_found():
    """Of a million cells every third of every third row is looked at first."""
    reference = np.full((1000, 1000), np.nan, np.float32)
    reference[500:502, 500:502] = [[3, 4], [5, 6]]
    maps = Values(np.full_like(reference, 5)), Values(reference)
    found = sampled(*maps, ("p", "r"))
    assert found.pairs[1].tolist() == [3, 4, 5, 6]
    assert np.isfinite(found.predicted).sum() <= 1
    reference[500] = reference[501, 500] = np.nan
    with pytest.raises(ValueError, match="<p> and <r> have one cell in common .* at least 2 are"):
        sampled(*maps, ("p", "r"))


def test_maps_without_a_value_among_the_spread_cells_have_no_pictures():
    nothing = np.full((3, 4), np.nan)
    assert map_pictures(nothing, nothing) == {}


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


def test_figures_of_small_values_are_listed_with_their_digits():
    small = assessed(PREDICTED * 1e-6, REFERENCE * 1e-6)
    words = plain(small).split()
    figures = small["rmse"], small["ranges"][0]["mae"], small["reference_mean"]
    assert {f"{one:.4g}" for one in figures} <= set(words)
    assert f"{small['r2']:.4f}" in words
    assert f"{assessed()['rmse']:.4f}" in plain(assessed())


def test_points_have_their_own_figures_and_an_interval_of_single_points():
    rows, cols = np.arange(3, 53), np.arange(10, 60)
    mapped, truth = PREDICTED[rows, cols], REFERENCE[rows, cols]
    null = np.arange(50) == 7
    tally, left_out = tally_value_points(mapped, null, truth, ("p@P", "points@P"))
    found = tally.report(1)
    difference = (mapped - truth)[~null]
    assert found["pixels"] == 49
    assert found["bias"] == pytest.approx(difference.mean())
    assert found["mae"] == pytest.approx(np.abs(difference).mean())
    assert left_out.null_in_classification == 1
    made = found["intervals"]
    assert (made["method"], made["blocks"]) == ("bootstrap of points", 49)
    # Of so many independent points it is about that of the normal distribution.
    half = 1.96 * difference.std() / 7
    expected = [found["bias"] - half, found["bias"] + half]
    assert made["bias"] == pytest.approx(expected, abs=0.15 * half)
    assert sum(one["pixels"] for one in found["ranges"]) == 49
    text = plain({"classification": "p@P", "reference": "points@P", "target": "value",
                  "design": "random", **found})  # fmt: skip
    assert "bootstrap, 1000 draws of 49 points" in " ".join(text.split())


def test_points_of_which_the_map_knows_too_few_are_refused():
    with pytest.raises(ValueError, match="has values at 1 of the 3 points of <b>, at least 2"):
        tally_value_points(np.ones(3), np.array([0, 1, 1], bool), np.ones(3), ("a", "b"))


OTHER = PREDICTED - 1
"""A second map without the bias of the first."""


def test_a_second_map_is_compared_on_the_cells_that_all_have():
    other = OTHER.copy()
    other[59, :40] = np.nan
    maps = Values(PREDICTED), Values(other), Values(REFERENCE)
    found = value_comparison(pair_cells(*maps, 15.0, 10), seed=1)
    known = np.isfinite(PREDICTED + other + REFERENCE)
    first, second = ((one - REFERENCE)[known] for one in (PREDICTED, other))
    assert found["pixels"] == known.sum()
    assert found["classification"]["rmse"] == pytest.approx(np.sqrt((first**2).mean()))
    assert found["compare"]["rmse"] == pytest.approx(np.sqrt((second**2).mean()))
    assert found["difference"]["bias"] == pytest.approx(-1)
    # The maps differ by the same everywhere: no draw of blocks tells anything else.
    assert found["difference"]["bias_interval"] == pytest.approx([-1, -1])
    low, high = found["difference"]["rmse_interval"]
    assert low < found["difference"]["rmse"] < high < 0
    assert found["compare_closer"] == (np.abs(second) < np.abs(first)).sum()
    assert found["classification_closer"] == (np.abs(first) < np.abs(second)).sum()


def test_points_are_compared_as_cells_are():
    rows, cols = np.arange(3, 53), np.arange(10, 60)
    one, other, truth = (values[rows, cols] for values in (PREDICTED, OTHER, REFERENCE))
    has_all = np.zeros(50, bool)
    found = value_comparison(pair_points((one, has_all), (other, has_all), truth, 15.0), seed=1)
    assert found["pixels"] == 50
    assert found["difference"]["mae"] == pytest.approx(
        np.abs(other - truth).mean() - np.abs(one - truth).mean()
    )
    assert found["difference"]["bias_interval"] == pytest.approx([-1, -1])
    report = {"classification": "p", "target": "value", **assessed(), "comparison": found}
    text = " ".join(plain(report).split())
    assert "COMPARISON OF TWO MAPS" in text and "closer to the reference in" in text
    assert f"comparison_difference_mae,,,{found['difference']['mae']}\n" in as_csv(report)


def test_maps_that_meet_nowhere_are_not_compared():
    nothing = Values(PREDICTED * np.nan)
    with pytest.raises(ValueError, match="no cell in which classification, compare and reference"):
        pair_cells(Values(PREDICTED), nothing, Values(REFERENCE), 0.0, 10)


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


def test_ranges_of_sparse_labels_are_those_of_all_patches(tmp_path, monkeypatch):
    images, labels = scene(12, 1)
    labels[np.arange(12) != 5] = np.nan
    dataset = write_values(tmp_path / "a", {"test": (images, labels)})
    monkeypatch.setattr(value_patches, "SAMPLED_CELLS", 300)
    found = ValuePatches(value_card(), [dataset], "test").score(half_a_metre_high, seed=1)
    cells = [one["pixels"] for one in found["ranges"]]
    assert len(cells) > 5 and max(cells) < 256 / 3


def test_a_permuted_band_loses_what_it_told_and_another_nothing(tmp_path):
    """Two independent draws of the same values differ by the root of 2 times their deviation."""
    patches = ValuePatches(value_card(), [write_values(tmp_path / "a", {"test": scene(20, 1)})],
                           "test")  # fmt: skip
    found = band_importance(half_a_metre_high, value_card(), patches, 3, seed=1)
    deviation = np.concatenate([one.values[one.labelled] for one in patches.batches()]).std()
    first, second = json.loads(json.dumps(found))["bands"]
    assert found["rmse"] == pytest.approx(0.5, abs=1e-3)
    assert found["r2"] == pytest.approx(1 - 0.25 / deviation**2, abs=1e-3)
    # Half a metre too high beside it, in the mean of squares.
    permuted = np.sqrt(2 * deviation**2 + 0.25)
    assert first["rmse_increase"] == pytest.approx(permuted - 0.5, rel=0.02)
    assert first["r2_loss"] == pytest.approx(2, rel=0.02)
    low, high = first["r2_loss_interval"]
    assert low < first["r2_loss"] < high
    assert second["r2_loss"] == second["rmse_increase"] == second["r2_loss_at_mean"] == 0
    report = {"classification": "p", **assessed(), "importance": found}
    text = plain(report)
    assert "IMPORTANCE OF THE BANDS" in text and f"{first['r2_loss']:+.4f}" in text
    assert f"importance_bands_{first['band']}_r2_loss" in as_csv(report)
    assert "Loss of R2 by permuted band" in page(report, [], {}, {})


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
        (Settings(matrix=True), "", "The option matrix is for classes"),
    ],
)
def test_options_of_classes_are_refused_for_a_model_of_values(tmp_path, settings, fit, words):
    made = write_values(tmp_path / "a", {"test": scene(2, 1)})
    card = value_card()
    with pytest.raises(ValueError, match=words):
        MODEL_EVALUATION.of(card.target)(model_of(card), [made], "test", settings, fit)


class TestPointsOfStrata:
    """Half of the points in a stratum that covers a tenth of the map."""

    STRATUM = np.repeat([3, 8], 100)
    SAMPLE = sample_in_strata(STRATUM, np.zeros(200, bool), {3: 100, 8: 900}, "s@P")
    TRUTH = RNG.uniform(0, 10, 200) + 20 * (STRATUM == 3)
    MAPPED = TRUTH + np.where(STRATUM == 3, 4.0, 0.0) + RNG.normal(0, 1, 200)

    def test_count_what_they_represent(self):
        assert np.allclose(self.SAMPLE.weights[[0, 199]], [0.2, 1.8])
        assert self.SAMPLE.weights.sum() == pytest.approx(200)

    def test_give_the_figures_of_the_map(self):
        has_all = np.zeros(200, bool)
        how = has_all, self.TRUTH, ("p", "r"), lambda known: self.SAMPLE
        found = tally_value_points(self.MAPPED, *how)[0].report(1)
        by_stratum = (self.MAPPED - self.TRUTH).reshape(2, 100)
        assert found["bias"] == pytest.approx([0.1, 0.9] @ by_stratum.mean(axis=1))
        assert found["reference_mean"] == pytest.approx(
            [0.1, 0.9] @ self.TRUTH.reshape(2, 100).mean(axis=1)
        )
        # As Cochran has it: within strata only.
        error = np.sqrt(([0.01, 0.81] * by_stratum.var(axis=1) / 100).sum())
        low, high = found["intervals"]["bias"]
        assert high - low == pytest.approx(2 * 1.96 * error, rel=0.15)

        both = (self.MAPPED, has_all), (self.MAPPED - 1, has_all)
        pairs = pair_points(*both, self.TRUTH, 10.0, lambda known: self.SAMPLE)
        compared = value_comparison(pairs, seed=1)
        assert compared["classification"]["bias"] == pytest.approx(found["bias"])
        assert compared["pixels"] == 200

    def test_are_refused_where_a_stratum_has_none_or_a_point_no_stratum(self):
        with pytest.raises(ValueError, match="Strata of <s@P> have cells but no point .*: 5; draw"):
            sample_in_strata(self.STRATUM, np.zeros(200, bool), {3: 1, 5: 7, 8: 1}, "s@P")
        with pytest.raises(ValueError, match="1 of 200 points lie where <s@P> is NULL"):
            sample_in_strata(self.STRATUM, np.arange(200) == 7, {3: 1, 8: 1}, "s@P")
