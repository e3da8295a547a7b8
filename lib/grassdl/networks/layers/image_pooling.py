# SPDX-License-Identifier: GPL-2.0-or-later
"""The mean of the whole image in each of its cells.

It stands alone: the two layers of `argmax_pooling` are SegNet's and belong together, this one is
what keeps a network from being tiled exactly.
"""

from __future__ import annotations

import keras
from keras import KerasTensor, layers, ops

from .argmax_pooling import PACKAGE


@keras.saving.register_keras_serializable(PACKAGE)
class ImagePooling2D(layers.Layer):
    """The mean over all rows and columns, in every cell.

    Its receptive field is the whole image: a network with it cannot be tiled exactly.
    """

    def call(self, features: KerasTensor) -> KerasTensor:
        """The means, of the shape of the features (batch, rows, columns, channels)."""
        means = ops.mean(features, axis=(1, 2), keepdims=True)
        return ops.broadcast_to(means, ops.shape(features))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """The shape of the input."""
        return input_shape
