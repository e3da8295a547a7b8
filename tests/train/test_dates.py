# SPDX-License-Identifier: GPL-2.0-or-later
"""Training on datasets of two dates."""

from dataclasses import replace

import numpy as np
import pytest

from grassdl.core.bands import NDSM
from grassdl.networks import registry
from grassdl.train.config.settings import Settings
from grassdl.train.data.band_values import deviations, means
from grassdl.train.model_readme import readme
from grassdl.train.optimization.transfer import take_over
from grassdl.train.trainer import check_network
from model_cards import card_of
from small_model import CLASSES, write_model
from tiny_dataset import BANDS, band, joined, scene, write_dataset

SIAMESE = Settings(network="siamese_unet", network_options={"filters": 2, "depth": 1})


@pytest.fixture
def pair(tmp_path):
    """A dataset of red and near infrared at two dates, of which the second is brighter."""
    images, labels = scene(6, seed=1)
    both = np.concatenate([images, images // 2 + 5000], axis=-1).astype(np.uint16)
    dated = [*BANDS, *(one.at(1, one) for one in BANDS)]
    return write_dataset(tmp_path / "pair", {"train": (both, labels)}, bands=dated)


def test_a_name_chooses_a_band_at_all_dates(pair):
    data = joined(pair, bands=["nir"])
    assert [one.label for one in data.bands] == ["nir", "nir (date 1)"]
    assert data.dates == 2
    images, _ = data.arrays("train")[0].read(slice(0, 1))
    assert images.shape[-1] == 2
    assert images[..., 1].min() >= 5000


def test_the_dates_of_a_band_share_mean_and_deviation(pair):
    data = joined(pair)
    alone = [one.mean for one in data.statistics]
    assert means(data) == pytest.approx([(alone[0] + alone[2]) / 2, (alone[1] + alone[3]) / 2] * 2)
    assert deviations(data)[:2] == deviations(data)[2:]


def test_a_network_of_two_dates_refuses_a_dataset_of_one(tmp_path, pair):
    one = write_dataset(tmp_path / "one", {"train": scene(2, seed=1)})
    with pytest.raises(ValueError, match=r"compares two dates, the data have one: cut patches"):
        check_network(joined(one), SIAMESE)
    check_network(joined(pair), SIAMESE)


def test_datasets_of_other_dates_do_not_mix(tmp_path, pair):
    one = write_dataset(tmp_path / "one", {"train": scene(2, seed=1)})
    with pytest.raises(ValueError, match="bands of one date are expected, of 2 dates are given"):
        joined(one, pair)


def test_the_readme_of_a_model_tells_how_to_give_both_dates():
    bands = card_of().bands
    heights = next(one for one in bands if one.name == NDSM)
    dated = [*bands, *(replace(one, date=1) for one in bands)]
    text = readme(card_of(bands=dated, mean=[1.0] * 6, deviation=[1.0] * 6, ranges=[]))
    assert heights.label in text and "nir (date 1)" in text
    assert (
        "i.dl.predict input=red,nir dsm=DSM dtm=DTM after_input=MAP,MAP after_dsm=AFTER_DSM "
        "after_dtm=AFTER_DTM model=suburb output=classes"
    ) in text


def dated(names):
    first = [band(name) for name in names]
    return [one.at(date, one) for date in range(2) for one in first]


def siamese(bands, outputs):
    how = {"mean": [0.0] * bands, "deviation": [1.0] * bands, "filters": 2, "depth": 1}
    return registry.build("siamese_unet", 16, bands, outputs, dates=2, **how)


def test_a_siamese_network_finds_the_kernels_of_its_bands_once_for_both_dates(tmp_path):
    known = dated(["red", "nir"])
    old = write_model(tmp_path, known, [0.0] * 4, [1.0] * 4, siamese(4, 3), network="siamese_unet")
    network = siamese(6, 3)
    bands = dated(["nir", "blue", "red"])
    transfer = take_over(network, bands, CLASSES, tmp_path, siamese)
    before, after = (
        one.get_layer("shared").get_layer("encoder0_0_conv").get_weights()[0]
        for one in (old, network)
    )
    np.testing.assert_array_equal(after[..., [2, 0], :], before)
    assert not after[..., 1, :].any()
    assert transfer.bands == ["blue", "blue (date 1)"]
    images = np.random.default_rng(1).normal(size=(1, 16, 16, 6)).astype(np.float32)
    seen = images[..., [2, 0, 5, 3]]
    np.testing.assert_allclose(network(images), old(seen), atol=1e-5)
