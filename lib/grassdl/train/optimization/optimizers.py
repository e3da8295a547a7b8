# SPDX-License-Identifier: GPL-2.0-or-later
"""The optimiser and the schedule of its learning rate, by name."""

from __future__ import annotations

import math

import keras

WARM_UP_SHARE = 0.05
"""Share of the steps in which the learning rate rises."""

END_SHARE = 0.01
"""Share of the highest learning rate with which training starts and ends."""

MOMENTUM = 0.9
"""Momentum of sgd."""

PLATEAU_FACTOR = 0.5
"""Factor of the learning rate after a plateau."""

PLATEAU_EPOCHS = 5
"""Epochs without a better score that make a plateau."""

NOT_DECAYED = ("bias", "gamma", "beta")
"""Weights without decay: scales and shifts, which hardly over-fit."""


def cosine_with_warm_up(
    learning_rate: float, steps: int
) -> keras.optimizers.schedules.LearningRateSchedule:
    """A learning rate that rises linearly, then falls along half a cosine.

    Source: Loshchilov and Hutter 2017, SGDR, arXiv 1608.03983 (without restarts).

    Args:
        learning_rate: The highest one.
        steps: Steps of the whole training.
    """
    warm_up = math.ceil(WARM_UP_SHARE * steps)
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=END_SHARE * learning_rate,
        warmup_target=learning_rate,
        warmup_steps=warm_up,
        decay_steps=max(steps - warm_up, 1),
        alpha=END_SHARE,
    )


def rate(
    schedule: str, learning_rate: float, steps: int
) -> float | keras.optimizers.schedules.LearningRateSchedule:
    """What an optimiser takes as its learning rate.

    Args:
        schedule: One of `choices.SCHEDULES`.
        learning_rate: The highest one.
        steps: Steps of the whole training.
    """
    if schedule == "cosine":
        return cosine_with_warm_up(learning_rate, steps)
    # On a plateau a callback lowers it.
    return learning_rate


def plateau(monitor: str, mode: str) -> keras.callbacks.Callback:
    """A callback that lowers the learning rate when the score stops improving.

    Args:
        monitor: The figure that is watched.
        mode: "max" if high ones are good, else "min".
    """
    return keras.callbacks.ReduceLROnPlateau(
        monitor=monitor,
        mode=mode,
        factor=PLATEAU_FACTOR,
        patience=PLATEAU_EPOCHS,
        min_delta=0,
    )


def optimizer(
    name: str,
    learning_rate: float | keras.optimizers.schedules.LearningRateSchedule,
    weight_decay: float,
    averaged_steps: float = 1,
) -> keras.optimizers.Optimizer:
    """An optimiser with weight decay of the kernels and a moving average of the weights.

    The decay is decoupled from the gradient in all of them.
    Source: Loshchilov and Hutter 2019, arXiv 1711.05101.

    The average is Keras' exponential moving average; it does not replace the weights.
    Source: Polyak and Juditsky 1992, doi 10.1137/0330046.

    Args:
        name: One of `choices.OPTIMIZERS`.
        learning_rate: What `rate` returns.
        weight_decay: Share of a kernel subtracted per step, per unit of learning rate.
        averaged_steps: Steps after which a weight counts 1/e of the last one in the average; with 1
            or less the average is the last one.
    """
    kind, options = _OPTIMIZERS[name]
    chosen = kind(
        learning_rate,
        weight_decay=weight_decay,
        use_ema=True,
        ema_momentum=1 - 1 / max(averaged_steps, 1),
        **options,
    )
    chosen.exclude_from_weight_decay(var_names=list(NOT_DECAYED))
    return chosen


_OPTIMIZERS = {
    "adamw": (keras.optimizers.AdamW, {}),
    "sgd": (keras.optimizers.SGD, {"momentum": MOMENTUM, "nesterov": True}),
    "rmsprop": (keras.optimizers.RMSprop, {}),
}
"""Class and options of the optimisers by name."""
