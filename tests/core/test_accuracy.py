# SPDX-License-Identifier: GPL-2.0-or-later
"""Accuracy figures against published numbers, scikit-learn and their own definitions."""

import json
import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn import metrics

from grassdl.core import accuracy
from grassdl.core.classes import UNLABELLED_INDEX, ClassScheme, MapClass

# Congalton & Green, Assessing the Accuracy of Remotely Sensed Data: the error matrices of two
# analysts. Kappa and its delta-method variance are published there.
ANALYST_1 = np.array([[65, 4, 22, 24], [6, 81, 5, 8], [0, 11, 85, 19], [4, 7, 3, 90]])
ANALYST_2 = np.array([[45, 4, 12, 24], [6, 91, 5, 8], [0, 8, 55, 9], [4, 7, 3, 55]])

# The matrix of GRASS's own test of r.kappa.
GRASS_TEST = np.array(
    [
        [4, 0, 0, 0, 0, 0],
        [0, 0, 0, 0, 0, 0],
        [0, 1, 4, 0, 0, 0],
        [3, 0, 0, 0, 0, 1],
        [0, 0, 0, 0, 1, 0],
        [0, 2, 0, 0, 0, 2],
    ]
)

tables = st.integers(1, 6).flatmap(
    lambda size: arrays(np.int64, (size, size), elements=st.integers(0, 9))
)


@pytest.fixture(autouse=True)
def warnings_are_errors():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@pytest.mark.parametrize(
    ("counts", "overall", "kappa", "variance"),
    [(ANALYST_1, 0.7396313, 0.6535163, 0.00076995), (ANALYST_2, 0.7321429, 0.6404152, 0.00101429)],
)
def test_kappa_and_its_variance_agree_with_congalton_and_green(counts, overall, kappa, variance):
    assert accuracy.overall_accuracy(counts) == pytest.approx(overall, abs=5e-8)
    assert accuracy.kappa(counts) == pytest.approx(kappa, abs=5e-8)
    assert accuracy.kappa_variance(counts) == pytest.approx(variance, abs=5e-9)


def test_kappa_variance_is_not_that_of_r_kappa():
    # r.kappa pairs (p_i. + p_.j) where Fleiss has (p_.i + p_j.), and prints .00077780.
    assert abs(accuracy.kappa_variance(ANALYST_1) - 0.00077780) > 5e-6


@pytest.mark.parametrize(
    ("counts", "quantity", "allocation"),
    [(ANALYST_1, 0.0921659, 0.1682028), (ANALYST_2, 0.0892857, 0.1785714)],
)
def test_quantity_and_allocation_agree_with_pontius_and_millones(counts, quantity, allocation):
    assert accuracy.quantity_disagreement(counts) == pytest.approx(quantity, abs=5e-8)
    assert accuracy.allocation_disagreement(counts) == pytest.approx(allocation, abs=5e-8)


def test_exchange_and_shift_agree_with_pontius_and_santacruz():
    assert accuracy.exchange(ANALYST_1) == pytest.approx(0.1059908, abs=5e-8)
    assert accuracy.shift(ANALYST_1) == pytest.approx(0.0622120, abs=5e-8)


def test_matrix_of_the_r_kappa_test_gives_the_figures_of_r_kappa():
    nan = math.nan
    assert accuracy.overall_accuracy(GRASS_TEST) == pytest.approx(0.6111111, abs=5e-8)
    assert accuracy.kappa(GRASS_TEST) == pytest.approx(0.5209125, abs=5e-8)
    producers = [0.571429, 0, 1, nan, 1, 0.666667]
    users = [1, nan, 0.8, 0, 1, 0.5]
    np.testing.assert_allclose(accuracy.recall(GRASS_TEST), producers, atol=5e-7)
    np.testing.assert_allclose(accuracy.precision(GRASS_TEST), users, atol=5e-7)
    assert accuracy.quantity_disagreement(GRASS_TEST) == pytest.approx(0.3333333, abs=5e-8)
    assert accuracy.allocation_disagreement(GRASS_TEST) == pytest.approx(0.0555556, abs=5e-8)


@given(tables)
def test_quantity_and_allocation_make_up_the_error(counts):
    if not counts.any():
        return
    error = accuracy.quantity_disagreement(counts) + accuracy.allocation_disagreement(counts)
    assert error == pytest.approx(1 - accuracy.overall_accuracy(counts))
    parts = accuracy.exchange(counts) + accuracy.shift(counts)
    assert parts == pytest.approx(accuracy.allocation_disagreement(counts))
    assert accuracy.shift(counts) >= 0


@settings(max_examples=50)
@given(tables)
def test_figures_equal_those_of_scikit_learn_on_the_pixels_themselves(counts):
    predicted, reference = (
        codes.repeat(counts.ravel()) for codes in np.indices(counts.shape).reshape(2, -1)
    )
    if not predicted.size:
        return
    options = {"labels": range(len(counts)), "average": None, "zero_division": np.nan}
    expected = metrics.precision_recall_fscore_support(reference, predicted, **options)
    for figure, values in zip(
        (accuracy.precision, accuracy.recall, accuracy.f1), expected, strict=False
    ):
        np.testing.assert_allclose(figure(counts), values)
    known = (counts.sum(axis=0) + counts.sum(axis=1)) > 0
    jaccard = metrics.jaccard_score(reference, predicted, **(options | {"zero_division": 0}))
    np.testing.assert_allclose(accuracy.iou(counts), np.where(known, jaccard, np.nan))
    assert accuracy.overall_accuracy(counts) == pytest.approx(np.mean(predicted == reference))
    if not math.isnan(accuracy.kappa(counts)):
        kappa = metrics.cohen_kappa_score(predicted, reference)
        assert accuracy.kappa(counts) == pytest.approx(kappa)
    if not math.isnan(accuracy.matthews_correlation(counts)):
        matthews = metrics.matthews_corrcoef(reference, predicted)
        assert accuracy.matthews_correlation(counts) == pytest.approx(matthews)


@given(tables)
def test_counting_the_pixels_of_a_table_gives_the_table(counts):
    predicted, reference = (
        codes.repeat(counts.ravel()) for codes in np.indices(counts.shape).reshape(2, -1)
    )
    again = accuracy.confusion_counts(
        predicted.astype(np.uint8), reference.astype(np.uint8), len(counts)
    )
    assert again.dtype == np.int64
    np.testing.assert_array_equal(again, counts)


def test_codes_that_are_no_class_are_not_counted():
    predicted = np.array([[0, 1, 1], [UNLABELLED_INDEX, 1, 0]], np.uint8)
    reference = np.array([[0, 0, 1], [1, 254, 1]], np.uint8)
    counts = accuracy.confusion_counts(predicted, reference, 2)
    np.testing.assert_array_equal(counts, [[1, 1], [1, 1]])


def test_pixels_of_254_classes_are_counted():
    codes = np.arange(254, dtype=np.uint8)
    np.testing.assert_array_equal(accuracy.confusion_counts(codes, codes, 254), np.eye(254))


def test_arrays_of_different_shape_are_refused():
    with pytest.raises(ValueError, match="differ in shape"):
        accuracy.confusion_counts(np.zeros(3, np.uint8), np.zeros(4, np.uint8), 2)


def test_a_class_in_neither_map_is_undefined_and_left_out_of_the_means():
    counts = np.array([[3, 1, 0], [1, 5, 0], [0, 0, 0]])
    for figure in (accuracy.precision, accuracy.recall, accuracy.f1, accuracy.iou):
        assert math.isnan(figure(counts)[2])
    assert accuracy.f1_macro(counts) == pytest.approx((6 / 8 + 10 / 12) / 2)
    assert accuracy.mean_iou(counts) == pytest.approx((3 / 5 + 5 / 7) / 2)


def test_a_class_of_the_map_only_has_precision_0_no_recall_and_counts_as_0_in_the_means():
    counts = np.array([[4, 0, 0], [0, 4, 0], [1, 1, 0]])
    assert accuracy.precision(counts)[2] == 0
    assert math.isnan(accuracy.recall(counts)[2])
    assert accuracy.f1(counts)[2] == 0
    assert accuracy.iou(counts)[2] == 0
    assert accuracy.f1_macro(counts) == pytest.approx((8 / 9 + 8 / 9 + 0) / 3)
    assert accuracy.f1_weighted(counts) == pytest.approx(8 / 9)


def test_a_class_of_the_reference_only_has_recall_0_and_no_precision():
    counts = np.array([[4, 1], [0, 0]])
    assert math.isnan(accuracy.precision(counts)[1])
    assert accuracy.recall(counts)[1] == 0
    assert accuracy.f1(counts)[1] == 0
    assert accuracy.iou(counts)[1] == 0


def test_kappa_and_matthews_are_undefined_where_one_class_fills_both_maps():
    counts = np.array([[9, 0], [0, 0]])
    assert accuracy.overall_accuracy(counts) == 1
    assert math.isnan(accuracy.kappa(counts))
    assert math.isnan(accuracy.kappa_variance(counts))
    assert math.isnan(accuracy.matthews_correlation(counts))


def test_matthews_is_undefined_where_one_map_has_one_class():
    counts = np.array([[5, 4], [0, 0]])
    assert accuracy.kappa(counts) == 0
    assert math.isnan(accuracy.matthews_correlation(counts))


def test_a_perfect_map_has_kappa_1_without_variance():
    counts = np.diag([7, 11, 13])
    assert accuracy.kappa(counts) == 1
    assert accuracy.kappa_variance(counts) == 0


@pytest.mark.parametrize("size", [0, 1, 3])
def test_without_pixels_all_figures_are_undefined(size):
    scheme = [MapClass(value, str(value), "0:0:0") for value in range(size)]
    report = accuracy.report(np.zeros((size, size), np.int64), scheme)
    assert report.pop("pixels") == 0
    classes = report.pop("classes")
    report.pop("confusion_matrix")
    assert set(report.values()) == {None}
    for one in classes:
        assert {one[key] for key in ("precision", "recall", "f1", "iou")} == {None}


def test_counts_of_whole_countries_do_not_overflow():
    counts = ANALYST_1 * 10**10
    assert accuracy.kappa(counts) == pytest.approx(0.6535163, abs=5e-8)
    assert accuracy.matthews_correlation(counts) == pytest.approx(
        accuracy.matthews_correlation(ANALYST_1)
    )
    assert accuracy.kappa_variance(counts) == pytest.approx(0.00076995e-10, rel=1e-5)


def test_report_holds_the_keys_of_the_interface_in_json_types():
    scheme = ClassScheme([MapClass(2, "trees", "0:100:0"), MapClass(7, "water", "0:0:200")])
    report = json.loads(
        json.dumps(accuracy.report(np.array([[3, 1], [0, 0]]), scheme), allow_nan=False)
    )
    assert report["pixels"] == 4
    assert report["overall_accuracy"] == 0.75
    assert report["kappa"] == 0
    assert report["classes"] == [
        {
            "value": 2,
            "label": "trees",
            "precision": 0.75,
            "recall": 1.0,
            "f1": pytest.approx(6 / 7),
            "iou": 0.75,
            "support": 3,
            "predicted": 4,
        },
        {
            "value": 7,
            "label": "water",
            "precision": None,
            "recall": 0.0,
            "f1": 0.0,
            "iou": 0.0,
            "support": 1,
            "predicted": 0,
        },
    ]
    assert report["confusion_matrix"] == {"classes": [2, 7], "counts": [[3, 1], [0, 0]]}
    assert report["f1_macro"] == pytest.approx(3 / 7)
    assert report["f1_weighted"] == pytest.approx(6 / 7 * 3 / 4)
    assert report["mean_iou"] == pytest.approx(0.375)
    assert report["quantity_disagreement"] == 0.25
    assert report["allocation_disagreement"] == 0


def test_the_report_has_every_figure_that_has_an_interval():
    classes = [MapClass(value, "", "0:0:0") for value in range(len(ANALYST_1))]
    lacking = accuracy.SUMMARY_FIGURES.keys() - accuracy.report(ANALYST_1, classes)
    assert not lacking, f"add {', '.join(lacking)} to `report`"
    assert accuracy.HEADLINE.keys() <= accuracy.SUMMARY_FIGURES.keys()


def test_report_refuses_classes_that_do_not_fit_the_counts():
    with pytest.raises(ValueError, match="1 classes do not fit"):
        accuracy.report(ANALYST_1, [MapClass(1, "a", "0:0:0")])
