# SPDX-License-Identifier: GPL-2.0-or-later
"""Imagery that is unlike that of the training is found before a run starts."""

from dataclasses import replace

import numpy as np
import pytest

from array_reader import ArrayBands
from grassdl.core.band_statistics import BandStatistics
from grassdl.predict import band_shift
from grassdl.predict.band_shift import shifted_bands
from grassdl.predict.tiling.axis import Span, plan_axis
from model_cards import card_of, mapped

ROWS, COLS = 60, 50


def scene(seed, mean=(300.0, 1200.0), deviation=(50.0, 200.0), shape=(ROWS, COLS)):
    generator = np.random.default_rng(seed)
    return generator.normal(mean, deviation, (*shape, 2)).astype(np.float32)


def card(training):
    statistics = [BandStatistics.of(band) for band in np.moveaxis(training, -1, 0)]
    return card_of(
        bands=[mapped("red"), mapped("nir")],
        mean=[one.mean for one in statistics],
        deviation=[one.deviation for one in statistics],
        ranges=[],
        histograms=[one.histogram.to_json() for one in statistics],
    )


def lines(values, null=None, model=None, output=None, **options):
    null = np.zeros(values.shape[:2], bool) if null is None else null
    axes = (
        plan_axis(ROWS, output or Span(0, ROWS), 16, 1, 0),
        plan_axis(COLS, Span(0, COLS), 16, 1, 0),
    )
    reader = ArrayBands(values, null)
    found = shifted_bands(reader, ["red", "nir"], model or card(scene(1)), *axes, **options)
    return found, reader.reads


def test_nothing_is_said_of_imagery_like_that_of_the_training():
    assert lines(scene(2))[0] == []


def test_a_darker_band_is_named_with_its_figures_and_what_helps():
    [told, hint], _ = lines(scene(2, mean=(300.0, 600.0)))
    assert told.startswith("Band nir is unlike the training: population stability index ")
    assert float(told.split("index ")[1].split(",")[0]) > 5
    assert "mean 59" in told or "mean 60" in told
    assert "above 0.25" in told
    assert "1 of these 1 would be like the training: nir" in hint
    assert hint.startswith("normalization=maps")


def test_maps_that_have_the_trainings_mean_already_are_not_told_to_take_it():
    values = scene(2)
    # Two peaks instead of one, of the same mean and deviation.
    values[..., 1] = 1200 + 200 * np.where(np.arange(COLS) % 2, 1, -1)
    found, _ = lines(values, adjusted=True)
    assert len(found) == 1
    assert "Band nir" in found[0]


def test_normalization_is_not_named_where_it_would_not_help():
    values = scene(2)
    values[..., 1] = np.where(np.arange(COLS) % 2, 1000, 5000)
    assert len(lines(values)[0]) == 1


def test_cells_that_are_null_or_beyond_the_output_do_not_count():
    values, null = scene(2), np.zeros((ROWS, COLS), bool)
    values[:20, :, 0], null[:20] = 9000, True
    values[50:, :, 0] = 9000
    # Cells of a halo are read, but not classified.
    assert lines(values, null, output=Span(0, 50))[0] == []
    assert len(lines(values, null)[0]) == 1


def test_few_rows_of_a_large_region_are_read(monkeypatch):
    monkeypatch.setattr(band_shift, "SAMPLED_ROWS", 25)
    found, reads = lines(scene(2, mean=(100.0, 1200.0)))
    assert len(found) == 2
    assert len(reads) == 25
    assert (reads[0], reads[-1]) == ((0, 1), (ROWS - 1, 1))


def test_nothing_is_said_of_a_handful_of_cells_or_by_models_that_know_no_histograms():
    other = scene(2, mean=(900.0, 1200.0))
    null = np.ones((ROWS, COLS), bool)
    null[:3, :40] = False
    assert lines(other, null)[0] == []
    assert lines(other, model=card_of(bands=[mapped("red"), mapped("nir")], histograms=[]))[0] == []


@pytest.mark.parametrize("number, more", [(8, 0), (11, 3)])
def test_of_many_bands_the_most_unlike_are_named(number, more):
    generator = np.random.default_rng(1)
    training = generator.normal(0, 1, (ROWS, COLS, number))
    statistics = [BandStatistics.of(band) for band in np.moveaxis(training, -1, 0)]
    model = card_of(
        bands=[mapped(f"b{place}") for place in range(number)],
        mean=[0.0] * number,
        deviation=[1.0] * number,
        ranges=[],
        histograms=[one.histogram.to_json() for one in statistics],
    )
    axis = plan_axis(ROWS, Span(0, ROWS), 16, 1, 0), plan_axis(COLS, Span(0, COLS), 16, 1, 0)
    values = training + np.linspace(1, 2, number)
    reader = ArrayBands(values, np.zeros((ROWS, COLS), bool))
    found = shifted_bands(reader, [f"b{place}" for place in range(number)], model, *axis)
    assert found[0].startswith(f"Band b{number - 1} ")
    assert (f"So are {more} further bands" in found) == (more > 0)


def test_the_dates_of_a_band_are_adjusted_together_where_it_is_told_what_helps():
    """Only the second date is lighter: by the mean of both it would stay so."""
    card_of_pair = dated(card(scene(1, mean=(300.0, 300.0), deviation=(50.0, 50.0))))
    values = scene(2, mean=(300.0, 400.0), deviation=(50.0, 50.0))
    told, _ = lines(values, model=card_of_pair)
    assert [line.split()[:2] for line in told] == [["Band", "nir"]]
    assert told[0].endswith("300 and 50 in the training, all dates together")
    both = scene(2, mean=(400.0, 400.0), deviation=(50.0, 50.0))
    told, _ = lines(both, model=card_of_pair)
    assert "2 of these 2 would be like the training" in told[-1]


def dated(card):
    """A card of one band at two dates, of the mean and deviation 300 and 50 at both."""
    first = card.bands[0]
    bands = [first, first.at(1, first)]
    return replace(card, bands=bands, mean=[300.0] * 2, deviation=[50.0] * 2)
