# SPDX-License-Identifier: GPL-2.0-or-later
"""Losses and metrics of values, by hand and by `value_accuracy`."""

import keras
import numpy as np
import pytest

from grassdl.core import value_accuracy
from grassdl.train.config.choices import VALUE_LOSSES
from grassdl.train.optimization.value_losses import by_name
from grassdl.train.optimization.value_metrics import R2, Rmse

REFERENCE = np.array([[[10, 14], [np.nan, -np.inf]]], np.float32)
PREDICTED = np.array([[[[11], [8]], [[3], [np.float32(1e6)]]]], np.float32)


def value(tensor):
    return float(keras.ops.convert_to_numpy(tensor))


@pytest.mark.parametrize(
    ("name", "expected"),
    # Differences of 1 and -6 are 0.5 and 3 deviations of 2.
    [("huber", (0.125 + 2.5) / 2), ("mse", (0.25 + 9) / 2), ("mae", (0.5 + 3) / 2)],
)
def test_a_loss_is_the_mean_over_labelled_cells_in_deviations(name, expected):
    assert value(by_name(name, 2.0)(REFERENCE, PREDICTED)) == pytest.approx(expected)


@pytest.mark.parametrize("name", VALUE_LOSSES)
def test_a_batch_without_labels_has_no_loss(name):
    nothing = np.full_like(REFERENCE, np.nan)
    assert value(by_name(name, 2.0)(nothing, PREDICTED)) == 0


@pytest.mark.parametrize(("metric", "figure"), [(Rmse, "rmse"), (R2, "r2")])
def test_a_metric_is_the_figure_of_all_batches_together(metric, figure):
    rng = np.random.default_rng(1)
    reference = rng.normal(100, 5, (4, 3, 3)).astype(np.float32)
    predicted = reference + rng.normal(0, 2, reference.shape).astype(np.float32)
    reference[0, 0] = np.nan
    counted = metric(100.0, 5.0)
    for half in (slice(2), slice(2, 4)):
        counted.update_state(reference[half], predicted[half][..., None])
    known = np.isfinite(reference)
    sums = value_accuracy.sums_of(predicted[known], reference[known], 100)
    assert value(counted.result()) == pytest.approx(value_accuracy.report(sums)[figure], rel=1e-5)
