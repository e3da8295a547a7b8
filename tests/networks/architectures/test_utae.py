# SPDX-License-Identifier: GPL-2.0-or-later
"""U-TAE on a series: what is missing, and the days."""

import keras
import numpy as np
import pytest

from grassdl.model.weights import load_network, save_network
from grassdl.networks import registry
from grassdl.networks.analysis.receptive_field import reach
from grassdl.networks.precision import in_precision

DAYS = (0, 30, 90)


def build(days, dates=3):
    keras.utils.set_random_seed(1)
    how = {"mean": [5.0, 7.0, 0.0] * dates, "deviation": [2.0, 3.0, 1.0] * dates}
    return registry.build(
        "utae", 16, 3 * dates, 3, dates=dates, days=days, filters=4, depth=2, **how
    )


@pytest.fixture(scope="module")
def network():
    return build(DAYS)


@pytest.fixture
def images():
    """An image (1, 32, 32, 9) of which the second date is missing in the upper left quarter."""
    found = np.random.default_rng(1).normal(5, 3, (1, 32, 32, 9)).astype(np.float32)
    found[..., 2::3] = 1
    found[:, :16, :16, 3:6] = 0
    return found


def attention(network, images, level=""):
    layer = network.get_layer(f"attention{level}").output
    found = keras.ops.convert_to_numpy(keras.Model(network.input, layer)(images))
    return found.reshape(*found.shape[:3], len(DAYS), -1)


def given(network, images):
    return keras.ops.convert_to_numpy(network(images))


def test_what_a_map_holds_where_its_date_is_missing_does_not_matter(network, images):
    others = images.copy()
    others[:, :16, :16, 3:5] = 1e6
    assert np.array_equal(given(network, images), given(network, others))
    others[:, :16, :16, 5] = 1
    assert not np.allclose(given(network, images), given(network, others))


def test_a_date_that_is_missing_gets_no_attention(network, images):
    found = attention(network, images)
    np.testing.assert_allclose(found.sum(axis=3), 1, atol=1e-5)
    assert not found[:, :4, :4, 1].any()
    assert found[:, 4:, 4:, 1].min() > 0


def test_cells_without_any_date_give_numbers(network, images):
    images[:, :8] = 0
    assert np.isfinite(given(network, images)).all()


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_half_precision_knows_what_is_missing(network, images, precision):
    half = in_precision(network, precision)
    found = given(half, images)
    assert np.abs(found - given(network, images)).max() < 0.02
    # Beyond the numbers of float16.
    images[:, :16, :16, 3:5] = 1e6
    assert np.array_equal(given(half, images), found)


def test_the_days_decide_and_are_kept_with_the_network(network, images, tmp_path):
    assert not np.allclose(given(network, images), given(build((0, 100, 300)), images))
    save_network(network, tmp_path)
    np.testing.assert_allclose(
        given(load_network(tmp_path), images), given(network, images), atol=1e-6
    )


def test_what_tells_where_dates_are_missing_widens_no_view(network):
    assert reach(network) == reach(build(None))


def test_one_date_is_refused():
    with pytest.raises(ValueError, match="<utae> needs a series of dates, the data have one: cut"):
        build((0,), dates=1)
