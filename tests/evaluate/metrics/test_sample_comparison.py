# SPDX-License-Identifier: GPL-2.0-or-later
"""Two maps on one sample: what is told holds for the region that the sample was drawn from."""

import numpy as np
import pytest

from array_rows import NULL_VALUE, ArrayMaps, ArrayRows, cells, classes_of
from grassdl.core import accuracy
from grassdl.evaluate.map_assessment import assess
from grassdl.evaluate.metrics.area_estimation import estimate
from grassdl.evaluate.metrics.class_rows import ClassRows
from grassdl.evaluate.metrics.comparison import mcnemar
from grassdl.evaluate.metrics.sample_comparison import (
    cases_of_cells,
    cases_of_points,
    sample_comparison,
)
from grassdl.evaluate.settings import Settings

# Stehman (2014), the example of his section 5: 10 points in each of four strata, letters in order.
STRATA = "A" * 10 + "B" * 10 + "C" * 10 + "D" * 10
MAPPED = "AAAAAAABBB" + "ABBBBBBBBB" + "BBCCCCCCBB" + "DDDDDDDDDD"
TRUE = "AAAAACBABC" + "ABBBBBAABB" + "CCCCCDDBBA" + "DDDDDDDCCB"
PIXELS = np.array([40_000, 30_000, 20_000, 10_000])


def codes(letters):
    return np.array([ord(one) - ord("A") + 1 for one in letters], np.uint8)


def report_of(first, second, true, areas):
    classes = classes_of(range(1, 1 + max(map(max, (first, second, true)))))
    return sample_comparison(cases_of_points(first, second, true), classes, areas)


def error_of(found, name):
    low, high = found[f"{name}_interval"]
    return (high - low) / 2 / accuracy.Z_95


def test_accuracies_of_stehman_2014_where_strata_are_not_the_classes():
    report = report_of(codes(STRATA), codes(MAPPED), codes(TRUE), PIXELS)
    assert report["weighted_by_area"]
    assert report["compare"]["overall_accuracy"] == pytest.approx(0.63)
    assert error_of(report["compare"], "overall_accuracy") == pytest.approx(0.085, abs=5e-4)
    b = report["classes"][1]
    assert b["users_accuracy_compare"] == pytest.approx(0.574, abs=5e-4)
    assert error_of(b, "users_accuracy_compare") == pytest.approx(0.125, abs=5e-4)
    assert b["producers_accuracy_compare"] == pytest.approx(0.794, abs=5e-4)
    # The upper end is cut at 1.
    low = b["producers_accuracy_compare_interval"][0]
    error = (b["producers_accuracy_compare"] - low) / accuracy.Z_95
    assert error == pytest.approx(0.117, abs=5e-4)


def test_difference_of_two_strata_by_hand():
    # Class 1 fills 90 % of the first map, class 2 10 %; 10 points each. In the first stratum the
    # first map is right on 8 points and the second on 9 (8 of them the same), in the second the
    # first map is right on 9 and the second on 3 (all among the 9).
    first = np.repeat([1, 2], 10).astype(np.uint8)
    true = np.array([1] * 8 + [2] * 2 + [2] * 9 + [1], np.uint8)
    second = np.array([1] * 8 + [2, 1] + [2] * 3 + [1] * 6 + [2], np.uint8)
    report = report_of(first, second, true, np.array([90.0, 10.0]))
    assert report["classification"]["overall_accuracy"] == pytest.approx(0.9 * 0.8 + 0.1 * 0.9)
    assert report["compare"]["overall_accuracy"] == pytest.approx(0.9 * 0.9 + 0.1 * 0.3)
    test = report["accuracy_difference"]
    assert test["difference"] == pytest.approx(0.03)
    # Differences of the points: 1 one and 9 zeros; 6 minus ones and 4 zeros.
    variance = 0.9**2 * (0.9 / 9) / 10 + 0.1**2 * (2.4 / 9) / 10
    assert test["z"] == pytest.approx(0.03 / variance**0.5)
    assert test["interval"][0] == pytest.approx(0.03 - accuracy.Z_95 * variance**0.5)
    assert (report["only_classification_right"], report["only_compare_right"]) == (6, 1)
    assert report["mcnemar"] is None


def test_figures_of_the_map_whose_classes_are_the_strata_are_those_of_olofsson_et_al():
    rng = np.random.default_rng(3)
    first = rng.integers(1, 4, 120).astype(np.uint8)
    true = np.where(rng.random(120) < 0.7, first, rng.integers(1, 4, 120)).astype(np.uint8)
    areas = np.array([70.0, 20.0, 10.0])
    counts = accuracy.confusion_counts(first - 1, true - 1, 3)
    known = estimate(counts, areas)
    # The same map twice: the ratio estimators have another form and the same values.
    report = report_of(first, first, true, areas)
    for which in ("classification", "compare"):
        assert report[which]["overall_accuracy"] == pytest.approx(known.overall_accuracy)
        assert error_of(report[which], "overall_accuracy") == pytest.approx(known.overall_error)
    for place, one in enumerate(report["classes"]):
        for name, values, errors in (
            ("users_accuracy_compare", known.users_accuracy, known.users_error),
            ("producers_accuracy_compare", known.producers_accuracy, known.producers_error),
        ):
            assert one[name] == pytest.approx(values[place])
            low = one[f"{name}_interval"][0]
            assert (one[name] - low) / accuracy.Z_95 == pytest.approx(errors[place])
    assert report["difference"]["kappa"] == 0
    assert report["kappa_difference"]["z"] is None


CELLS, POINTS, SAMPLES = 40_000, 450, 100


@pytest.mark.parametrize("stratified", [True, False])
def test_intervals_hold_the_truth_in_95_of_100_samples(stratified):
    rng = np.random.default_rng(7)
    true = rng.choice([1, 2, 3], CELLS, p=[0.7, 0.2, 0.1]).astype(np.uint8)
    first, second = (
        np.where(rng.random(CELLS) < wrong, rng.integers(1, 4, CELLS), true).astype(np.uint8)
        for wrong in (0.45, 0.25)
    )
    tables = [accuracy.confusion_counts(one - 1, true - 1, 3) for one in (first, second)]
    truth = {
        one: np.diff([getattr(accuracy, one)(table) for table in tables])[0]
        for one in accuracy.HEADLINE
    }
    # Of the rarest class.
    truth["f1_difference"] = np.diff([accuracy.f1(table)[2] for table in tables])[0]
    truth["users_accuracy_compare"] = accuracy.precision(tables[1])[2]
    truth["producers_accuracy_compare"] = accuracy.recall(tables[1])[2]
    members = [np.flatnonzero(first == value) for value in (1, 2, 3)]
    areas = np.array([one.size for one in members]) if stratified else None
    held, sums = dict.fromkeys(truth, 0), dict.fromkeys(truth, 0.0)
    for _ in range(SAMPLES):
        parts = members if stratified else [np.arange(CELLS)]
        drawn = np.concatenate([rng.choice(one, POINTS // len(parts), False) for one in parts])
        report = report_of(first[drawn], second[drawn], true[drawn], areas)
        told = report["difference"] | report["classes"][2]
        for name, value in truth.items():
            low, high = told[f"{name}_interval"]
            held[name] += low <= value <= high
            sums[name] += told[name]
    assert {name: one / SAMPLES for name, one in sums.items()} == pytest.approx(truth, abs=0.015)
    assert all(one >= 0.88 * SAMPLES for one in held.values()), held


def test_a_random_sample_has_the_figures_of_its_counts_and_mcnemars_test():
    first, second, true = (codes(one) for one in (STRATA, MAPPED, TRUE))
    report = report_of(first, second, true, None)
    counts = accuracy.confusion_counts(second - 1, true - 1, 4)
    for name in accuracy.HEADLINE:
        assert report["compare"][name] == pytest.approx(getattr(accuracy, name)(counts))
    assert not report["weighted_by_area"]
    right, other = first == true, second == true
    alone = np.count_nonzero(right & ~other), np.count_nonzero(other & ~right)
    assert report["mcnemar"] == mcnemar(*alone)
    gain = other.astype(float) - right
    error = error_of(report["difference"], "overall_accuracy")
    assert error == pytest.approx(gain.std(ddof=1) / 40**0.5)


def test_a_stratum_without_points_leaves_the_figures_undefined_and_is_named():
    report = report_of(codes("AAB"), codes("ABB"), codes("AAB"), np.array([5.0, 4.0]))
    assert report["classification"]["overall_accuracy_interval"] is None
    assert report["classification"]["overall_accuracy"] == 1
    classes = classes_of([1, 2, 3])
    cases = cases_of_points(codes("AAB"), codes("ABB"), codes("AAB"))
    report = sample_comparison(cases, classes, np.array([5.0, 4.0, 1.0]))
    assert report["classes_without_points"] == [3]
    for part in ("classification", "compare", "difference"):
        assert set(report[part].values()) == {None}
    assert set(report["kappa_difference"].values()) == {None}


def test_sampled_cells_count_where_all_three_maps_have_a_class():
    rows = [ArrayRows(cells(one)) for one in ("112.2 11111", "12122 22222", "1111. 22...")]
    found = cases_of_cells(ClassRows(rows, [1, 2]))
    cases = zip(found.first, found.second, found.reference, found.points, strict=True)
    assert sorted(cases) == [(0, 0, 0, 1), (0, 1, 0, 1), (0, 1, 1, 2), (1, 0, 0, 1)]
    with pytest.raises(ValueError, match="no cell in which"):
        cases_of_points(*(np.array(one, np.uint8) for one in ([1, 0], [0, 1], [1, 1])))


def test_strata_weigh_by_their_area_where_the_second_map_has_a_class():
    # Class 1 fills 6 rows of the first map, of which the second has 2; class 2 fills 4.
    first = np.repeat([1, 2], [6, 4])[:, None].repeat(10, axis=1).astype(np.int32)
    second = np.where(np.arange(10)[:, None] < 4, NULL_VALUE, first).astype(np.int32)
    reference = np.full_like(first, NULL_VALUE)
    # Five points of each class: all right in class 1, three wrong in class 2.
    reference[4, :5], reference[8, :5] = 1, [2, 2, 1, 1, 1]
    maps = ArrayMaps(first, reference, second)
    found = assess(maps, Settings(design="stratified"))["comparison"]
    assert found["pixels"] == 10
    assert found["compare"]["overall_accuracy"] == pytest.approx((20 * 1 + 40 * 0.4) / 60)
