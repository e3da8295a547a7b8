# SPDX-License-Identifier: GPL-2.0-or-later
"""Training on a series of dates, some of which are missing here and there."""

import numpy as np
import pytest

from field_series import CLASSES, DAYS, GREEN, bands_of_series, field_series, patches_of
from grassdl.core.bands import OBSERVED
from grassdl.train.config.settings import Settings
from grassdl.train.data.band_values import deviations, means
from grassdl.train.trainer import train
from tiny_dataset import joined, write_dataset

ALL_DATES = range(len(DAYS))

FOUR_DATES = (0, 1, 4, 5)


def dataset(folder, dates):
    """A dataset of some dates, with validation and test patches of other scenes."""
    arrays = {split: patches_of(seed, dates) for seed, split in enumerate(("train", "val", "test"))}
    return write_dataset(folder, arrays, CLASSES, bands_of_series(dates))


def test_attention_to_a_series_tells_crops_that_look_alike_in_pairs_at_each_date(tmp_path):
    """At one date without clouds no classifier is right but for the commoner crop of each group."""
    settings = Settings(
        network="utae", network_options={"filters": 8, "depth": 1}, epochs=10, batch_size=6,
        learning_rate=0.01,
    )  # fmt: skip
    data = joined(dataset(tmp_path / "dataset", FOUR_DATES))
    how = {"command": "", "versions": {}, "report": print, "warn": print}
    card = train(data, tmp_path / "model", settings, **how)
    crops = field_series(2).crops
    one_date = max(best_of_one_date(crops, green) for green in GREEN.T)
    print(f"series {card.test['overall_accuracy']:.3f}, one date at best {one_date:.3f}")
    assert card.test["overall_accuracy"] > 0.9
    assert one_date < 0.65
    assert card.bands[3].day == 25


def best_of_one_date(crops, green):
    """The highest accuracy that can be had where crops are green or bare."""
    counts = np.bincount(crops.ravel(), minlength=5)[1:]
    return sum(counts[green == group].max() for group in (0, 1)) / crops.size


class TestWhatIsMissing:
    """Statistics and bands of a dataset whose dates have clouds."""

    @pytest.fixture
    def data(self, tmp_path):
        return joined(dataset(tmp_path / "dataset", ALL_DATES))

    def test_counts_in_no_statistics(self, data):
        images, _ = patches_of(0, ALL_DATES)
        red, observed = images[..., 0::3], images[..., 2::3] > 0
        assert data.statistics[0].count == observed[..., 0].sum()
        assert means(data)[0] == pytest.approx(red[observed].mean())
        assert deviations(data)[3] == pytest.approx(red[observed].std())

    def test_is_told_by_a_band_that_is_not_scaled(self, data):
        places = [place for place, one in enumerate(data.bands) if one.derivation == OBSERVED]
        assert places == [2, 5, 8, 11, 14, 17]
        assert {means(data)[place] for place in places} == {0}
        assert {deviations(data)[place] for place in places} == {1}
        shares = [data.statistics[place].mean for place in places]
        assert np.all((np.array(shares) > 0.6) & (np.array(shares) < 0.85))

    def test_is_told_also_where_other_bands_are_left_out(self, tmp_path):
        data = joined(dataset(tmp_path / "dataset", ALL_DATES), bands=["nir"])
        assert [one.name for one in data.bands[:2]] == ["nir", OBSERVED]
        assert data.days == DAYS
