# SPDX-License-Identifier: GPL-2.0-or-later
"""Figures of values against a reference, compared with other ways to compute them."""

import numpy as np
import pytest

from grassdl.core.value_accuracy import FIGURES, report, sums_of

REFERENCE = np.array([2.0, 4.0, 6.0, 9.0])
PREDICTED = np.array([3.0, 4.0, 5.0, 11.0])


def figures(predicted, reference, origin=0.0):
    return report(sums_of(predicted, reference, origin), origin)


def test_figures_are_those_worked_out_by_hand():
    found = figures(PREDICTED, REFERENCE)
    assert found["pixels"] == 4
    assert found["rmse"] == pytest.approx(np.sqrt(6 / 4))
    assert found["mae"] == pytest.approx(1.0)
    assert found["bias"] == pytest.approx(0.5)
    assert found["r2"] == pytest.approx(1 - 6 / 26.75)
    assert found["reference_mean"] == pytest.approx(5.25)
    assert found["predicted_deviation"] == pytest.approx(np.std(PREDICTED))


def test_correlations_are_those_of_numpy_and_of_the_definition():
    found = figures(PREDICTED, REFERENCE)
    assert found["pearson"] == pytest.approx(np.corrcoef(PREDICTED, REFERENCE)[0, 1])
    covariance = np.cov(PREDICTED, REFERENCE, bias=True)
    shift = (PREDICTED.mean() - REFERENCE.mean()) ** 2
    assert found["concordance"] == pytest.approx(
        2 * covariance[0, 1] / (covariance.trace() + shift)
    )


def test_r2_is_that_of_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(1)
    reference = rng.normal(100, 3, 500)
    predicted = reference + rng.normal(1, 2, 500)
    found = figures(predicted, reference, origin=100)
    assert found["r2"] == pytest.approx(metrics.r2_score(reference, predicted))
    assert found["rmse"] == pytest.approx(metrics.root_mean_squared_error(reference, predicted))


def test_sums_of_parts_are_those_of_the_whole():
    parts = sums_of(PREDICTED[:1], REFERENCE[:1]) + sums_of(PREDICTED[1:], REFERENCE[1:])
    assert parts == pytest.approx(sums_of(PREDICTED, REFERENCE))


def test_an_origin_keeps_the_digits_of_values_far_from_0():
    far = 1e8
    near = figures(PREDICTED, REFERENCE)
    assert figures(PREDICTED + far, REFERENCE + far, origin=far)["r2"] == pytest.approx(near["r2"])


def test_figures_of_nothing_and_of_a_constant_reference_are_undefined():
    empty = figures(np.array([]), np.array([]))
    assert {empty[name] for name in FIGURES} == {None}
    constant = figures(np.array([1.0, 3.0]), np.array([2.0, 2.0]))
    assert constant["r2"] is None and constant["pearson"] is None
    assert constant["rmse"] == pytest.approx(1.0)


def test_equal_values_agree_in_every_figure():
    found = figures(REFERENCE, REFERENCE)
    assert [found[name] for name in ("rmse", "mae", "bias")] == [0, 0, 0]
    assert [found[name] for name in ("r2", "pearson", "concordance")] == pytest.approx([1, 1, 1])


@pytest.mark.parametrize("origin", [0.0, 1229.467])
def test_rounding_gives_a_constant_reference_no_r2(origin):
    """Sums of squares of equal values do not cancel out exactly."""
    reference = np.full(100_000, 1234.567, np.float32)
    predicted = reference + np.random.default_rng(1).normal(0, 1, len(reference))
    found = figures(predicted, reference, origin)
    assert found["r2"] is None and found["pearson"] is None
    assert found["concordance"] == 0 and found["reference_deviation"] == 0
    assert found["rmse"] == pytest.approx(1, rel=0.01)


def test_a_single_cell_has_no_correlation_of_any_kind():
    found = figures(np.array([3.0]), np.array([2.0]), origin=0.3)
    assert [found[one] for one in ("r2", "pearson", "concordance")] == [None] * 3
    assert (found["rmse"], found["bias"]) == pytest.approx((1, 1))


def test_the_smallest_steps_of_single_precision_are_no_rounding():
    reference = np.tile(np.array([1000, 1000.01], np.float32), 50)
    found = figures(reference + 0.0, reference, origin=0.0)
    assert found["r2"] == 1 and found["pearson"] == pytest.approx(1, abs=1e-4)
