# SPDX-License-Identifier: GPL-2.0-or-later
"""Class weights against values computed by hand and scikit-learn's."""

import numpy as np
import pytest
from sklearn.utils.class_weight import compute_class_weight

from grassdl.train.config.choices import CLASS_WEIGHTS
from grassdl.train.config.class_weights import check_class_weights, class_weights

PIXELS = np.array([600, 0, 150, 30])


def test_balanced_weights_are_those_of_scikit_learn_and_make_classes_equal():
    found = np.array(class_weights("balanced", PIXELS))
    reference = np.repeat([0, 2, 3], PIXELS[[0, 2, 3]])
    expected = compute_class_weight("balanced", classes=np.array([0, 2, 3]), y=reference)
    np.testing.assert_allclose(found[[0, 2, 3]], expected)
    np.testing.assert_allclose((found * PIXELS)[[0, 2, 3]], 780 / 3)


def test_sqrt_weights_are_the_square_roots_of_the_balanced_ones():
    expected = np.sqrt([260 / 600, 0, 260 / 150, 260 / 30])
    np.testing.assert_allclose(class_weights("sqrt", PIXELS), expected)


def test_a_class_without_pixels_weighs_nothing():
    assert class_weights("balanced", PIXELS)[1] == 0


def test_none_needs_no_weights_and_a_list_stays_as_it_is():
    assert class_weights("none", PIXELS) is None
    assert class_weights((1, 2, 0.5, 0), PIXELS) == [1, 2, 0.5, 0]


def test_a_list_of_another_length_is_refused():
    with pytest.raises(ValueError, match="each of the 4 classes.*found 2"):
        class_weights((1, 2), PIXELS)


def test_weights_that_leave_nothing_to_learn_are_refused():
    with pytest.raises(ValueError, match="leaves no class to learn"):
        class_weights((0, 5, 0, 0), PIXELS)


@pytest.mark.parametrize("wrong", ["even", (1, -2), (1, float("nan")), (float("inf"), 1)])
def test_impossible_weights_are_refused_before_the_classes_are_known(wrong):
    with pytest.raises(ValueError, match="<class_weights> must"):
        check_class_weights(wrong)


@pytest.mark.parametrize("how", [*CLASS_WEIGHTS, (0, 1.5)])
def test_possible_weights_pass(how):
    check_class_weights(how)
    class_weights(how, PIXELS[2:])
