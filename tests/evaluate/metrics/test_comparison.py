# SPDX-License-Identifier: GPL-2.0-or-later
"""Two classifications against one reference."""

import math

import numpy as np
import pytest

from array_rows import ArrayRows, cells, classes_of
from grassdl.core import accuracy
from grassdl.evaluate.metrics.class_rows import ClassRows
from grassdl.evaluate.metrics.comparison import (
    comparison_report,
    count_pairs,
    kappa_difference,
    mcnemar,
)

# Congalton & Green, Assessing the Accuracy of Remotely Sensed Data: two analysts.
ANALYST_1 = np.array([[65, 4, 22, 24], [6, 81, 5, 8], [0, 11, 85, 19], [4, 7, 3, 90]])
ANALYST_2 = np.array([[45, 4, 12, 24], [6, 91, 5, 8], [0, 8, 55, 9], [4, 7, 3, 55]])


def test_kappas_of_the_two_analysts_do_not_differ():
    found = kappa_difference(ANALYST_1, ANALYST_2)
    error = math.sqrt(0.00076995 + 0.00101429)
    assert found["difference"] == pytest.approx(0.6404152 - 0.6535163, abs=1e-7)
    assert found["z"] == pytest.approx((0.6404152 - 0.6535163) / error, abs=1e-5)
    assert found["p_value"] == pytest.approx(math.erfc(-found["z"] / math.sqrt(2)), rel=1e-9)
    assert found["interval"] == pytest.approx(
        [-0.0131011 - 1.959964 * error, -0.0131011 + 1.959964 * error], abs=1e-6
    )


def test_undefined_kappa_has_no_difference():
    found = kappa_difference(np.array([[5, 0], [0, 0]]), np.array([[4, 0], [1, 0]]))
    assert set(found.values()) == {None}


def test_mcnemar_is_exact_for_few_cells():
    # Of 10 tosses of a coin 2 or fewer, or 8 or more, come up heads with probability 112/1024.
    assert mcnemar(2, 8) == {"statistic": None, "p_value": pytest.approx(0.109375), "exact": True}
    assert mcnemar(0, 0)["p_value"] == 1


def test_mcnemar_is_chi_squared_for_many_cells():
    found = mcnemar(121, 59)
    assert not found["exact"]
    assert found["statistic"] == pytest.approx((62 - 1) ** 2 / 180)
    assert found["p_value"] == pytest.approx(math.erfc(math.sqrt(found["statistic"] / 2)))


def test_only_cells_of_all_three_maps_are_compared():
    first, second, truth = cells("112.2"), cells("12122"), cells("1111.")
    rows = ClassRows([ArrayRows(first), ArrayRows(second), ArrayRows(truth)], [1, 2])
    found = count_pairs(rows, 2, block_size=2)
    assert found.first.tolist() == [[2, 0], [1, 0]]
    assert found.second.tolist() == [[2, 0], [1, 0]]
    assert (found.only_first, found.only_second) == (1, 1)
    assert found.blocks.shape == (2, 2, 3, 2)
    # Hits of the first and of the second in the two blocks with cells.
    assert found.blocks[:, :, 0, 0].tolist() == [[2, 1], [0, 1]]


def test_maps_that_never_meet_are_refused():
    rows = ClassRows([ArrayRows(cells(one)) for one in ("1..", ".1.", "111")], [1])
    with pytest.raises(ValueError, match="no cell in which"):
        count_pairs(rows, 1, block_size=2)


def test_report_tells_differences_as_second_minus_first():
    rng = np.random.default_rng(4)
    truth = rng.integers(1, 3, (60, 60))
    worse, better = (np.where(rng.random((60, 60)) < e, 3 - truth, truth) for e in (0.3, 0.1))
    readers = [ArrayRows(one.astype(np.int32)) for one in (worse, better, truth)]
    pairs = count_pairs(ClassRows(readers, [1, 2]), 2, block_size=6)
    report = comparison_report(pairs, classes_of([1, 2]), seed=1)
    assert report["pixels"] == 3600
    assert report["only_classification_right"] == np.count_nonzero(
        (worse == truth) & (better != truth)
    )
    gain = report["compare"]["overall_accuracy"] - report["classification"]["overall_accuracy"]
    assert report["difference"]["overall_accuracy"] == pytest.approx(gain)
    low, high = report["difference"]["overall_accuracy_interval"]
    assert 0.15 < low < gain < high < 0.25
    assert report["kappa_difference"]["z"] > 10
    assert report["mcnemar"]["p_value"] < 1e-10
    change = report["classes"][0]
    assert change["f1_difference"] == pytest.approx(
        accuracy.f1(pairs.second)[0] - accuracy.f1(pairs.first)[0]
    )
