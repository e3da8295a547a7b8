# SPDX-License-Identifier: GPL-2.0-or-later
"""U-Net against published and recomputed figures."""

import keras
import numpy as np
import pytest

from grassdl import networks


@pytest.mark.parametrize(
    ("bands", "classes", "filters", "batch_norm", "parameters"),
    [
        (1, 2, 64, False, 31_030_658),
        (3, 21, 64, False, 31_033_045),
        (3, 8, 64, False, 31_032_200),
        (5, 7, 64, False, 31_033_287),
        (3, 1, 32, False, 7_760_097),
        (5, 7, 32, True, 7_772_647),
        (3, 1, 16, True, 1_946_993),
        (5, 7, 16, True, 1_947_383),
    ],
)
def test_parameters_are_the_published_ones(bands, classes, filters, batch_norm, parameters):
    """Source: Ronneberger et al. 2015, widths 64 * 2^i; recomputed from the formula, and for 1/2,
    3/21, 3/8 (64 filters), 3/1 (32 and 16 filters) equal to published re-implementations."""
    model = networks.build("unet", 64, bands, classes, filters=filters, batch_norm=batch_norm)
    assert model.count_params() == parameters


@pytest.mark.parametrize(("filters", "fixed"), [(32, 5_888), (16, 2_944)])
def test_only_moving_statistics_are_not_trainable(filters, fixed):
    """Source: two for each of the 92 * filters normalised channels (sum over all levels)."""
    model = networks.build("unet", 64, 5, 7, filters=filters)
    assert sum(np.prod(weight.shape) for weight in model.non_trainable_weights) == fixed


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_probabilities_of_any_multiple_of_the_stride_sum_to_one(depth):
    model = networks.build("unet", 2**depth, 2, 3, filters=2, depth=depth)
    rows, cols = 3 * 2**depth, 2**depth
    pixels = np.random.default_rng(1).normal(size=(2, rows, cols, 2))
    probabilities = keras.ops.convert_to_numpy(model(pixels))
    assert probabilities.shape == (2, rows, cols, 3)
    np.testing.assert_allclose(probabilities.sum(axis=-1), 1, atol=1e-6)


def test_dropout_acts_at_the_bottom_and_only_in_training():
    model = networks.build("unet", 16, 2, 3, filters=4, depth=2, dropout=0.5, batch_norm=False)
    pixels = np.random.default_rng(1).normal(size=(1, 16, 16, 2))
    assert model.get_layer("bottom_dropout").rate == 0.5
    predicted = [keras.ops.convert_to_numpy(model(pixels, training=False)) for _ in range(2)]
    trained = [keras.ops.convert_to_numpy(model(pixels, training=True)) for _ in range(2)]
    np.testing.assert_array_equal(*predicted)
    assert np.abs(trained[0] - trained[1]).max() > 1e-4


def test_a_depth_below_one_is_refused():
    with pytest.raises(ValueError, match="<depth> must be at least 1, found 0"):
        networks.build("unet", 64, 5, 7, depth=0)
