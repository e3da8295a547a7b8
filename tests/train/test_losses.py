# SPDX-License-Identifier: GPL-2.0-or-later
"""Losses against values computed by hand."""

import math

import keras
import numpy as np
import pytest
from keras import ops

from grassdl.classes import NULL_INDEX, UNLABELLED_INDEX
from grassdl.train.losses import CrossEntropy

PROBABILITIES = np.array(
    [[[[0.5, 0.25, 0.25], [0.1, 0.8, 0.1]], [[0.2, 0.2, 0.6], [0.7, 0.2, 0.1]]]], np.float32
)
"""One patch of 2 x 2 pixels, three classes."""


def loss_of(codes, probabilities=PROBABILITIES):
    return float(CrossEntropy()(np.array([codes], np.uint8), probabilities))


def test_cross_entropy_is_the_mean_of_minus_log_p():
    by_hand = -(math.log(0.5) + math.log(0.8) + math.log(0.6) + math.log(0.2)) / 4
    assert loss_of([[0, 1], [2, 1]]) == pytest.approx(by_hand, rel=1e-6)


def test_unlabelled_and_null_pixels_weigh_nothing():
    by_hand = -(math.log(0.5) + math.log(0.8)) / 2
    codes = [[0, 1], [UNLABELLED_INDEX, NULL_INDEX]]
    assert loss_of(codes) == pytest.approx(by_hand, rel=1e-6)
    changed = PROBABILITIES.copy()
    changed[0, 1] = [0.01, 0.01, 0.98]
    assert loss_of(codes, changed) == loss_of(codes)


def test_a_code_beyond_the_classes_is_unlabelled():
    assert loss_of([[0, 3], [3, 3]]) == pytest.approx(-math.log(0.5), rel=1e-6)


def test_a_batch_without_labels_has_loss_zero_and_leaves_the_weights_alone():
    assert loss_of([[UNLABELLED_INDEX] * 2] * 2) == 0
    model = keras.Sequential([keras.Input((2, 2, 3)), keras.layers.Dense(3, "softmax")])
    model.compile("sgd", CrossEntropy())
    before = [weights.copy() for weights in model.get_weights()]
    loss = model.train_on_batch(PROBABILITIES, np.full((1, 2, 2), UNLABELLED_INDEX, np.uint8))
    assert float(loss) == 0
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_certain_error_costs_much_but_stays_finite():
    certain = np.zeros_like(PROBABILITIES)
    certain[..., 0] = 1
    assert loss_of([[1, 1], [1, 1]], certain) == pytest.approx(-math.log(1e-7), rel=1e-3)


def test_the_mean_runs_over_the_pixels_of_the_batch_not_over_its_patches():
    two = np.concatenate([PROBABILITIES, PROBABILITIES])
    codes = np.full((2, 2, 2), UNLABELLED_INDEX, np.uint8)
    codes[0] = [[0, 0], [0, 0]]
    codes[1, 0, 0] = 1
    by_hand = -sum(map(math.log, (0.5, 0.1, 0.2, 0.7, 0.25))) / 5
    assert float(CrossEntropy()(codes, ops.convert_to_tensor(two))) == pytest.approx(by_hand)
