# SPDX-License-Identifier: GPL-2.0-or-later
"""Optimisers and schedules by name."""

import keras
import numpy as np
import pytest

from grassdl.train.config.choices import OPTIMIZERS
from grassdl.train.optimization.optimizers import (
    PLATEAU_EPOCHS,
    PLATEAU_FACTOR,
    cosine_with_warm_up,
    optimizer,
    plateau,
    rate,
)


def weights_after(name, gradient, weight_decay, steps=1):
    """Kernel and bias, 1 at first, after steps of the same gradient."""
    layer = keras.layers.Dense(1)
    layer.build((None, 1))
    for variable in layer.trainable_variables:
        variable.assign(np.ones(variable.shape))
    chosen = optimizer(name, 0.1, weight_decay)
    for _ in range(steps):
        gradients = [keras.ops.full(one.shape, gradient) for one in layer.trainable_variables]
        chosen.apply(gradients, layer.trainable_variables)
    return [float(np.ravel(one)[0]) for one in layer.get_weights()]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_decay_pulls_kernels_and_leaves_the_rest_alone(name):
    kernel, bias = weights_after(name, gradient=0.0, weight_decay=0.5, steps=2)
    assert kernel == pytest.approx((1 - 0.1 * 0.5) ** 2)
    assert bias == 1


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_without_decay_only_the_gradient_moves_weights(name):
    assert weights_after(name, gradient=0.0, weight_decay=0.0) == [1, 1]
    kernel, bias = weights_after(name, gradient=1.0, weight_decay=0.0)
    assert kernel == bias < 1


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize(("steps", "momentum"), [(4, 0.75), (1, 0), (0, 0)])
def test_the_mean_of_the_weights_is_exponential_and_begins_with_the_first_step(
    name, steps, momentum
):
    variable = keras.Variable(np.ones(2))
    chosen = optimizer(name, 0.1, 0.0, steps)
    mean = None
    for _ in range(5):
        chosen.apply([keras.ops.convert_to_tensor([0.3, -0.1])], [variable])
        own = variable.numpy()
        mean = own if mean is None else momentum * mean + (1 - momentum) * own
    chosen.finalize_variable_values([variable])
    assert variable.numpy() == pytest.approx(mean, abs=1e-6)
    assert (np.abs(mean - own).max() > 0.01) == (momentum > 0)


def test_sgd_has_nesterov_momentum():
    # Velocity v = 0.9 v - 0.1 g, step 0.9 v - 0.1 g: -0.19, then -0.271.
    assert weights_after("sgd", 1.0, 0.0, steps=2)[0] == pytest.approx(1 - 0.19 - 0.271)


def test_the_schedules_differ_in_what_the_optimiser_is_given():
    assert rate("constant", 0.3, 100) == rate("plateau", 0.3, 100) == 0.3
    cosine, expected = rate("cosine", 0.3, 100), cosine_with_warm_up(0.3, 100)
    assert [float(cosine(step)) for step in (0, 5, 50, 100)] == [
        float(expected(step)) for step in (0, 5, 50, 100)
    ]


def test_a_plateau_lowers_the_rate_after_some_epochs_without_a_better_score():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(optimizer("adamw", rate("plateau", 0.4, 100), 0.01), "mse")
    callback = plateau("val_mean_iou", "max")
    callback.set_model(model)
    callback.on_train_begin()
    rates = []
    for epoch, score in enumerate([0.1, 0.5, *[0.5] * PLATEAU_EPOCHS, 0.6, 0.6]):
        callback.on_epoch_end(epoch, {"val_mean_iou": score})
        rates.append(float(model.optimizer.learning_rate))
    high, low = pytest.approx(0.4), pytest.approx(0.4 * PLATEAU_FACTOR)
    assert rates == [high] * (1 + PLATEAU_EPOCHS) + [low] * 3
