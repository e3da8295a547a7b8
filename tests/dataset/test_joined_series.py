# SPDX-License-Identifier: GPL-2.0-or-later
"""Datasets of series that are trained on together."""

from dataclasses import replace

import numpy as np
import pytest

from field_series import bands_of_series
from grassdl.core.bands import OBSERVED
from grassdl.dataset.patchset import JoinedPatchSets
from patches_of_arrays import dataset
from scored_model import SIZE

TWO_DATES = bands_of_series((0, 1))


def series(folder, bands):
    """A dataset of one patch whose dates are observed throughout."""
    images = np.full((1, SIZE, SIZE, len(bands)), 7, np.float32)
    labels = np.zeros((1, SIZE, SIZE), np.uint8)
    return dataset(folder, labels, None, bands=bands, images=images, split="train")


def later(bands, days):
    """The bands, their second date some days later."""
    return [replace(one, day=one.day + days * one.date) for one in bands]


def test_other_days_make_another_dataset_and_are_told(tmp_path):
    first = series(tmp_path / "first", TWO_DATES)
    again = series(tmp_path / "again", TWO_DATES)
    other = series(tmp_path / "other", later(TWO_DATES, 40))
    assert first.manifest.dataset_id == again.manifest.dataset_id != other.manifest.dataset_id
    assert JoinedPatchSets([first, again]).far_dates() == []
    (line,) = JoinedPatchSets([first, other]).far_dates()
    assert line.startswith(f"The dates of dataset <{other.folder}> are up to 40 days off those")
    spring, autumn = ([replace(one, day_of_year=day) for one in TWO_DATES] for day in (100, 280))
    both = [series(tmp_path / "spring", spring), series(tmp_path / "autumn", autumn)]
    (line,) = JoinedPatchSets(both).far_dates()
    assert "begin on day 280 of the year, 180 days off those of" in line


def test_decibel_and_power_are_not_mixed(tmp_path):
    decibel = [replace(TWO_DATES[0], transform="db"), *TWO_DATES[1:]]
    both = [series(tmp_path / "db", decibel), series(tmp_path / "power", TWO_DATES)]
    with pytest.raises(ValueError, match="does not fit .*: band <red> is expected to hold decibel"):
        JoinedPatchSets(both)


def test_where_dates_were_observed_is_no_band_to_learn_from_alone(tmp_path):
    one = series(tmp_path / "one", TWO_DATES)
    names = [band.label for band in JoinedPatchSets([one], ["nir"]).bands]
    assert names == ["nir", OBSERVED, "nir (date 1)", f"{OBSERVED} (date 1)"]
    with pytest.raises(ValueError, match="names no band but <observed>, which stays by itself"):
        JoinedPatchSets([one], [OBSERVED])
