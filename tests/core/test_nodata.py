# SPDX-License-Identifier: GPL-2.0-or-later
"""Which values are taken for undeclared no data, and which are not."""

import numpy as np
import pytest

from grassdl.core.nodata import suspects

CELLS = 40_000
RNG = np.random.default_rng(5)
HEIGHTS = RNG.normal(230, 20, CELLS).astype(np.float32).astype(np.float64)
REFLECTANCE = np.round(RNG.gamma(4, 400, CELLS)) + 1000
"""As of Sentinel-2 since its values have an offset of 1000."""
BYTES = np.clip(np.round(RNG.normal(120, 60, CELLS)), 0, 255)
"""With all values from 0 to 255, clipped at both ends."""
COLLAR = np.arange(CELLS) < 0.1 * CELLS
"""The cells in a corner of an image that have no data, or those of a lake."""


def with_value(values, value, where=COLLAR):
    return np.where(where, value, values)


def one(values):
    return suspects({"map": values}).get("map")


@pytest.mark.parametrize(
    "values, value",
    [
        (HEIGHTS, -9999),
        (HEIGHTS, -999),
        (HEIGHTS, float(np.finfo(np.float32).min)),
        (HEIGHTS, 0),
        (RNG.normal(295, 4, CELLS), -1),
        (REFLECTANCE, 0),
        (REFLECTANCE, 65535),
        (REFLECTANCE, 32767),
        (REFLECTANCE, -32768),
        (RNG.normal(-14, 2, CELLS), -9999),
        (RNG.normal(295, 4, CELLS), 0),
        (np.clip(BYTES, 60, 140), 255),
    ],
)
def test_a_value_far_from_all_others_is_no_data_with_its_share(values, value):
    found = one(with_value(values, value))
    assert found.value == value
    assert found.share == pytest.approx(0.1)
    assert found.low == values[~COLLAR].min()
    assert found.high == values[~COLLAR].max()


def test_a_small_share_of_no_data_is_found_too():
    assert one(with_value(HEIGHTS, -9999, np.arange(CELLS) < 20)).share == 20 / CELLS


def test_no_data_is_found_where_it_was_mixed_with_its_neighbours():
    mixed = np.where(np.arange(CELLS) % 400 == 399, RNG.uniform(-9999, 200, CELLS), HEIGHTS)
    assert one(with_value(mixed, -9999)).value == -9999


def test_null_counts_as_nothing():
    values = with_value(HEIGHTS, np.nan)
    assert one(values) is None
    assert one(np.full(CELLS, np.nan)) is None
    assert one(with_value(values, -9999, np.arange(CELLS) >= 0.55 * CELLS)).share == 0.5


LAKE = with_value(BYTES, 0)
"""Near infrared of bytes over water."""
DARK_LAKE = with_value(np.round(RNG.normal(3000, 500, CELLS)), 0)
"""The same of 16 bits, without a shore."""


@pytest.mark.parametrize(
    "values",
    [
        BYTES,
        LAKE,
        with_value(BYTES, 255),
        HEIGHTS,
        REFLECTANCE,
        RNG.normal(-14, 4, CELLS),  # radar in dB
        np.clip(RNG.normal(-14, 4, CELLS), -25, 0),
        np.minimum(np.round(300 * RNG.pareto(1.2, CELLS)), 65535),  # radar amplitudes, saturated
        with_value(RNG.uniform(372.5, 900, CELLS), 372),  # a lake in a height model
        np.where(HEIGHTS < 230, 0, HEIGHTS - 228),  # heights of what is above 2 m
        with_value(RNG.uniform(-0.3, 0.9, CELLS), -1),  # NDVI of water
        np.round(RNG.exponential(300, CELLS) / 10) * 10,  # distances
        RNG.integers(1, 6, CELLS) * 1.0,  # classes
        with_value(np.full(CELLS, 255.0), 0),  # a mask
        np.full(CELLS, 7.0),
    ],
    ids=range(15),
)
def test_natural_values_are_left_alone(values):
    assert one(values) is None


def test_water_that_is_black_in_the_near_infrared_alone_is_left_alone():
    red = np.round(RNG.normal(900, 200, CELLS)).clip(1)
    assert suspects({"red": red, "nir": DARK_LAKE}) == {}


def test_what_is_0_in_all_bands_of_an_image_is_no_data_in_those_that_are_bright():
    bands = {"red": with_value(REFLECTANCE, 0), "nir": DARK_LAKE, "heights": HEIGHTS}
    assert set(suspects(bands)) == {"red", "nir"}
