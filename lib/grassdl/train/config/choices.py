# SPDX-License-Identifier: GPL-2.0-or-later
"""What a recipe may choose from, by name, each with a line that describes it.

Plain values, since a module's interface lists them before Keras is imported. The file named after
the choice implements it.
"""

from __future__ import annotations

CLASS_LOSSES = {
    "cross_entropy": "Minus the logarithm of the probability of the right class",
    "focal": "Cross-entropy that hardly counts what is already well classified (Lin et al. 2017)",
    "dice": "One minus the Dice coefficient, mean of the classes (Milletari et al. 2016)",
    "cross_entropy_dice": "Sum of cross-entropy and Dice loss",
}

VALUE_LOSSES = {
    "huber": "Of values: squared differences, but absolute ones beyond a deviation (Huber 1964)",
    "mse": "Of values: mean squared difference, which outliers dominate",
    "mae": "Of values: mean absolute difference",
}

LOSSES = {**CLASS_LOSSES, **VALUE_LOSSES}

SMOOTHED_LOSSES = ("cross_entropy", "cross_entropy_dice")
"""Losses that support label smoothing."""

CLASS_WEIGHTS = {
    "none": "All pixels weigh the same",
    "balanced": "All classes weigh the same: weights by the inverse of their number of pixels",
    "sqrt": "In between: by the inverse square root of their number of pixels",
}

OPTIMIZERS = {
    "adamw": "Adam with decoupled weight decay (Loshchilov and Hutter 2019)",
    "sgd": "Stochastic gradient descent with Nesterov momentum 0.9",
    "rmsprop": "Gradients divided by a running mean of their size",
}

SCHEDULES = {
    "cosine": "Rises over the first twentieth of the steps, then falls along half a cosine",
    "constant": "Always the same",
    "plateau": "Halves whenever the score has not improved for some epochs",
}

PRECISIONS = {
    "auto": "bfloat16 on GPUs that support it, float32 elsewhere",
    "float32": "Single precision",
    "bfloat16": "Mixed: computes in bfloat16, keeps weights in float32",
}

ACTIVATIONS = {
    "softmax": "One output per class",
    "sigmoid": "One output, the probability of the second of two classes",
}

LINEAR = "linear"
"""The activation of a value, which no option names."""


def check(what: str, name: str, known: dict[str, str]) -> None:
    """Check a name.

    Args:
        what: Name of the option.
        name: The chosen name.
        known: The available names, with their descriptions.

    Raises:
        ValueError: The name is not available.
    """
    if name not in known:
        raise ValueError(f"<{what}> must be one of {', '.join(known)}, found <{name}>")
