# SPDX-License-Identifier: GPL-2.0-or-later
"""Blocks of layers that several networks share."""

from __future__ import annotations

from keras import KerasTensor, layers


def class_scores(features: KerasTensor, outputs: int) -> KerasTensor:
    """The last layer of most networks: a 1x1 convolution.

    Args:
        features: (batch, rows, columns, channels).
        outputs: Number of scores.

    Returns:
        Scores (batch, rows, columns, outputs).
    """
    return layers.Conv2D(outputs, 1, name="logits")(features)


def class_probabilities(scores: KerasTensor) -> KerasTensor:
    """What makes probabilities of scores: the softmax over the classes.

    Args:
        scores: (batch, rows, columns, classes).

    Returns:
        Probabilities (batch, rows, columns, classes), float32 whatever the precision in use,
        because half precision does not add up to 1.
    """
    return layers.Softmax(dtype="float32", name="probabilities")(scores)


def values(scores: KerasTensor, mean: float, deviation: float) -> KerasTensor:
    """What makes values of scores: their scale, as constants, so that it has no weights.

    Args:
        scores: (batch, rows, columns, outputs).
        mean, deviation: Of the values in the training data.

    Returns:
        Values (batch, rows, columns, outputs), float32 whatever the precision in use.
    """
    return layers.Rescaling(deviation, mean, dtype="float32", name="values")(scores)


def sigmoid_probabilities(scores: KerasTensor) -> KerasTensor:
    """What makes the probabilities of two classes of one score, that of the second class.

    Args:
        scores: (batch, rows, columns, 1).

    Returns:
        Probabilities (batch, rows, columns, 2), float32.
    """
    second = layers.Activation("sigmoid", dtype="float32", name="second")(scores)
    return both_probabilities(second)


def both_probabilities(second: KerasTensor) -> KerasTensor:
    """The probabilities of both of two classes, given that of the second.

    So networks with one output are treated as all others in loss, score and prediction.

    Args:
        second: (batch, rows, columns, 1).

    Returns:
        Probabilities (batch, rows, columns, 2), float32.
    """
    first = layers.Rescaling(-1.0, 1.0, dtype="float32", name="first")(second)
    return layers.Concatenate(dtype="float32", name="probabilities")([first, second])


def conv_norm_relu(
    features: KerasTensor,
    filters: int,
    kernel: int,
    *,
    name: str,
    strides: int = 1,
    dilation: int = 1,
    bias: bool = False,
    norm: bool = True,
) -> KerasTensor:
    """A padded convolution, batch normalisation and ReLU.

    Args:
        features: (batch, rows, columns, channels).
        filters: Filters of the convolution.
        kernel: Edge of its kernel.
        name: What the names of the layers begin with.
        strides: Step of the convolution.
        dilation: Distance of the cells that the kernel takes.
        bias: Whether the convolution has one, although the normalisation has its own.
        norm: Whether there is batch normalisation.

    Returns:
        (batch, rows / strides, columns / strides, filters).
    """
    x = layers.Conv2D(
        filters,
        kernel,
        strides=strides,
        dilation_rate=dilation,
        padding="same",
        use_bias=bias,
        kernel_initializer="he_normal",
        name=f"{name}_conv",
    )(features)
    if norm:
        x = layers.BatchNormalization(name=f"{name}_norm")(x)
    return layers.ReLU(name=f"{name}_relu")(x)
