# SPDX-License-Identifier: GPL-2.0-or-later
"""Training on a series of dates, some of which are missing here and there."""

from dataclasses import replace

import numpy as np
import pytest

from field_series import CLASSES, DAYS, GREEN, bands_of_series, field_series, patches_of
from grassdl.core.bands import OBSERVED
from grassdl.train.config.settings import Settings
from grassdl.train.data.augmentation import AUGMENTATIONS
from grassdl.train.data.band_values import BandValues, deviations, means
from grassdl.train.model_readme import readme
from grassdl.train.trainer import train
from model_cards import card_of
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


def test_the_readme_of_a_model_tells_how_to_give_a_series_and_its_days():
    bands = [replace(one, day_of_year=100 + one.day) for one in bands_of_series()]
    text = " ".join(
        readme(card_of(bands=bands, mean=[1.0] * 18, deviation=[1.0] * 18, ranges=[])).split()
    )
    assert "i.dl.predict strds=SERIES model=suburb output=classes" in text
    assert "dataset of 6 dates; `where=` chooses them" in text
    assert "on days 0, 25, 60, 80, 120, 140 from the first on, which was day 100 of the" in text
    assert "1 where all maps of the date have data, else 0" in text
    of_one_date = readme(card_of())
    assert "strds" not in of_one_date


def test_an_augmentation_leaves_what_tells_where_dates_are_missing():
    bands = bands_of_series((0, 1))
    values = BandValues.of(bands, [100.0, 300.0, 0.0] * 2, [50.0, 80.0, 1.0] * 2)
    images = np.full((4, 8, 8, 6), 200, np.float32)
    images[..., 2::3] = 1
    for name in ("brightness", "contrast", "saturation", "noise", "band_dropout"):
        changed, _ = AUGMENTATIONS[name](1.0, values)(
            images.copy(), np.zeros((4, 8, 8), np.uint8), np.random.default_rng(1)
        )
        assert np.array_equal(changed[..., 2::3], images[..., 2::3])


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
