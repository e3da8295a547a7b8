# SPDX-License-Identifier: GPL-2.0-or-later
"""The optimiser and the course of its learning rate."""

from __future__ import annotations

import math

import keras

WARM_UP_SHARE = 0.05
"""Share of the steps in which the learning rate rises."""

END_SHARE = 0.01
"""Share of the highest learning rate with which training starts and ends."""

NOT_DECAYED = ("bias", "gamma", "beta")
"""Weights that no decay pulls to 0: they scale and shift, and cannot over-fit."""


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


def adamw(learning_rate: float, weight_decay: float, steps: int) -> keras.optimizers.Optimizer:
    """Adam with decoupled weight decay on the kernels.

    Source: Loshchilov and Hutter 2019, arXiv 1711.05101.

    Args:
        learning_rate: The highest one of `cosine_with_warm_up`.
        weight_decay: Share taken away per step, per unit of learning rate.
        steps: Steps of the whole training.
    """
    optimizer = keras.optimizers.AdamW(
        cosine_with_warm_up(learning_rate, steps), weight_decay=weight_decay
    )
    optimizer.exclude_from_weight_decay(var_names=list(NOT_DECAYED))
    return optimizer
