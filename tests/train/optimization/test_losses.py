# SPDX-License-Identifier: GPL-2.0-or-later
"""Losses against values computed by hand, and the battery that all of them run through."""

import math

import keras
import numpy as np
import pytest
from keras import ops

from grassdl.core.classes import NULL_INDEX, UNLABELLED_INDEX
from grassdl.train.config.choices import CLASS_LOSSES
from grassdl.train.optimization.losses import CrossEntropy, by_name

PROBABILITIES = np.array(
    [[[[0.5, 0.25, 0.25], [0.1, 0.8, 0.1]], [[0.2, 0.2, 0.6], [0.7, 0.2, 0.1]]]], np.float32
)
"""One patch of 2 x 2 pixels, three classes."""


CODES = [[0, 1], [2, 1]]
"""Their reference: p = 0.5, 0.8, 0.6 and 0.2."""


def loss_of(codes, probabilities=PROBABILITIES, name="cross_entropy", **options):
    return float(by_name(name, **options)(np.array([codes], np.uint8), probabilities))


def test_cross_entropy_is_the_mean_of_minus_log_p():
    by_hand = -(math.log(0.5) + math.log(0.8) + math.log(0.6) + math.log(0.2)) / 4
    assert loss_of(CODES) == pytest.approx(by_hand, rel=1e-6)


def test_focal_loss_weighs_each_pixel_by_the_square_of_what_is_missing():
    by_hand = -sum((1 - p) ** 2 * math.log(p) for p in (0.5, 0.8, 0.6, 0.2)) / 4
    assert loss_of(CODES, name="focal") == pytest.approx(by_hand, rel=1e-6)


def test_dice_loss_is_one_minus_twice_the_overlap_by_the_sum_of_both():
    # By class: sum of p y, sum of p (the columns of the probabilities), sum of y.
    by_class = [(0.5, 1.5, 1), (0.8 + 0.2, 1.45, 2), (0.6, 1.05, 1)]
    by_hand = 1 - sum(2 * both / (p + y) for both, p, y in by_class) / 3
    assert loss_of(CODES, name="dice") == pytest.approx(by_hand, rel=1e-6)


def test_dice_loss_leaves_out_classes_without_reference_pixels():
    by_hand = 1 - (2 * 1.2 / (1.5 + 2) + 2 * 1.0 / (1.45 + 2)) / 2
    assert loss_of([[0, 1], [1, 0]], name="dice") == pytest.approx(by_hand, rel=1e-6)


def test_cross_entropy_and_dice_add_up():
    options = {"class_weights": [1, 2, 3]}
    parts = [loss_of(CODES, name=name, **options) for name in ("cross_entropy", "dice")]
    both = loss_of(CODES, name="cross_entropy_dice", **options)
    assert both == pytest.approx(sum(parts), rel=1e-6)


def test_class_weights_weigh_pixels_by_their_reference():
    weighed = [(1, 0.5), (2, 0.8), (5, 0.6), (2, 0.2)]
    by_hand = -sum(weight * math.log(p) for weight, p in weighed) / (1 + 2 + 5 + 2)
    assert loss_of(CODES, class_weights=[1, 2, 5]) == pytest.approx(by_hand, rel=1e-6)
    by_hand = -sum(w * (1 - p) ** 2 * math.log(p) for w, p in weighed) / (1 + 2 + 5 + 2)
    found = loss_of(CODES, name="focal", class_weights=[1, 2, 5])
    assert found == pytest.approx(by_hand, rel=1e-6)


def test_class_weights_weigh_the_classes_of_the_dice_loss():
    parts = [1 - 2 * 0.5 / 2.5, 1 - 2 * 1.0 / 3.45, 1 - 2 * 0.6 / 2.05]
    by_hand = (1 * parts[0] + 2 * parts[1] + 5 * parts[2]) / 8
    found = loss_of(CODES, name="dice", class_weights=[1, 2, 5])
    assert found == pytest.approx(by_hand, rel=1e-6)


def test_label_smoothing_spreads_a_share_of_the_reference_over_all_classes():
    spread = 0.0
    for row, codes in zip(PROBABILITIES[0], CODES, strict=True):
        for p, code in zip(row, codes, strict=True):
            truth = [0.1 / 3 + 0.9 * (one == code) for one in range(3)]
            spread -= sum(q * math.log(one) for q, one in zip(truth, p, strict=True)) / 4
    assert loss_of(CODES, label_smoothing=0.1) == pytest.approx(spread, rel=1e-6)
    both = loss_of(CODES, name="cross_entropy_dice", label_smoothing=0.1)
    assert both == pytest.approx(spread + loss_of(CODES, name="dice"), rel=1e-6)


def test_a_code_beyond_the_classes_is_unlabelled():
    assert loss_of([[0, 3], [3, 3]]) == pytest.approx(-math.log(0.5), rel=1e-6)


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


def dense_network(kernel, loss):
    """A network of one layer that is trained with a loss."""
    model = keras.Sequential([keras.Input((2, 2, 3)), keras.layers.Dense(3, "softmax")])
    model.set_weights([np.array(kernel, np.float32), np.zeros(3)])
    model.compile("sgd", loss)
    return model


@pytest.mark.parametrize("name", CLASS_LOSSES)
class TestEveryLoss:
    """The battery that every loss of classes runs through that `choices` lists."""

    def test_has_the_name_that_it_is_chosen_by(self, name):
        assert by_name(name).name == name

    @pytest.mark.parametrize("weights", [None, [1.0, 3.0, 0.5]])
    def test_gives_unlabelled_and_null_pixels_no_weight(self, name, weights):
        codes = [[0, 1], [UNLABELLED_INDEX, NULL_INDEX]]
        changed = PROBABILITIES.copy()
        changed[0, 1] = [0.01, 0.01, 0.98]
        options = {"name": name, "class_weights": weights}
        assert loss_of(codes, changed, **options) == loss_of(codes, **options)
        # A patch of the labelled pixels alone has the same loss.
        found = loss_of(codes[:1], PROBABILITIES[:, :1], **options)
        assert loss_of(codes, **options) == pytest.approx(found, rel=1e-6)

    def test_is_zero_without_labels_and_leaves_the_weights_alone(self, name):
        assert loss_of([[UNLABELLED_INDEX] * 2] * 2, name=name) == 0
        model = dense_network(np.eye(3), by_name(name))
        before = [weights.copy() for weights in model.get_weights()]
        loss = model.train_on_batch(PROBABILITIES, np.full((1, 2, 2), UNLABELLED_INDEX, np.uint8))
        assert float(loss) == 0
        for one, other in zip(before, model.get_weights(), strict=True):
            np.testing.assert_array_equal(one, other)

    @pytest.mark.parametrize("score", [900.0, 1e30])
    def test_has_finite_gradients_of_certain_probabilities(self, name, score):
        loss = by_name(name, class_weights=[0.0, 1.0, 1.0])
        model = dense_network([[score, 0, 0]] * 3, loss)
        found = model.train_on_batch(PROBABILITIES, np.array([CODES], np.uint8))
        assert 0 < float(found) < math.inf
        assert all(np.isfinite(weights).all() for weights in model.get_weights())

    def test_is_almost_zero_where_all_is_right_and_large_where_all_is_wrong(self, name):
        right = np.eye(3, dtype=np.float32)[np.array([CODES])]
        assert loss_of(CODES, right, name=name) == pytest.approx(0, abs=1e-6)
        assert loss_of(CODES, np.roll(right, 1, axis=-1), name=name) >= 1 - 1e-6
        assert loss_of(CODES, name=name) > loss_of(CODES, 0.5 * (PROBABILITIES + right), name=name)

    def test_depends_on_the_ratio_of_class_weights_only(self, name):
        weighed, twice, even, plain = (
            loss_of(CODES, name=name, class_weights=weights)
            for weights in ([1, 2, 5], [2, 4, 10], [3, 3, 3], None)
        )
        assert twice == pytest.approx(weighed, rel=1e-6)
        assert even == pytest.approx(plain, rel=1e-6)
        assert abs(weighed - plain) > 1e-3

    def test_leaves_out_a_class_of_weight_zero(self, name):
        first_only = {"name": name, "class_weights": [1, 0, 0]}
        changed = PROBABILITIES.copy()
        changed[0, 1, 1] = [0.7, 0.1, 0.2]  # of class 1, with the same probability of class 0
        assert loss_of(CODES, changed, **first_only) == loss_of(CODES, **first_only)
