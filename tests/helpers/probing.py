# SPDX-License-Identifier: GPL-2.0-or-later
"""What the outputs of a network depend on, found by changing its pixels."""

import keras
import numpy as np

BRIGHT = 0.01
"""Value of lit pixels; from larger ones sigmoids of gates would come out as exactly 1."""


def set_weights(model: keras.Model, *, positive: bool) -> keras.Model:
    """Random weights. If positive, with no shifts: then every output grows with every pixel on
    which it depends, and is exactly 0 where all those are 0."""
    rng = np.random.default_rng(7)
    for weight in model.weights:
        kind = weight.path.rpartition("/")[2]
        if kind in ("gamma", "moving_variance"):
            value = rng.uniform(0.5, 1.5, weight.shape)
        elif "kernel" in kind:
            spread = np.sqrt(2 / np.prod(weight.shape[:-1]))
            value = rng.normal(0, spread, weight.shape)
        else:
            value = rng.normal(0, 0.3, weight.shape) * (not positive)
        weight.assign(np.abs(value) if positive else value)
    return model


def responses(
    model: keras.Model, size: int, width: int, lit: list[int], axis: int, on_zeros: bool = True
) -> np.ndarray:
    """Which outputs along the axis answer to which lit row (or column) of an image.

    Returns:
        (rows lit, rows of the output), true where the output depends on the lit row.
    """
    images = np.zeros((len(lit) + 1, size, width, model.input_shape[-1]), np.float32)
    if not on_zeros:
        images += np.random.default_rng(5).uniform(0, BRIGHT / 10, images.shape[1:])
    images[np.arange(len(lit)), lit] = BRIGHT
    answers = _turned(keras.ops.convert_to_numpy(model(_turned(images, axis))), axis)
    return (answers[:-1] != answers[-1]).any(axis=(2, 3))


def _turned(arrays: np.ndarray, axis: int) -> np.ndarray:
    """Arrays (batch, rows, columns, channels) with rows along `axis`."""
    return arrays if axis == 0 else arrays.swapaxes(1, 2)
