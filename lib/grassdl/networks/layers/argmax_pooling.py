# SPDX-License-Identifier: GPL-2.0-or-later
"""Pooling that remembers where the maximum was, and its reverse."""

from __future__ import annotations

import keras
from keras import KerasTensor, layers, ops

PACKAGE = "i.dl"


@keras.saving.register_keras_serializable(PACKAGE)
class ArgMaxPooling2D(layers.Layer):
    """The maximum of each 2 x 2 cells, and which of them held it.

    Source: Badrinarayanan, Kendall and Cipolla 2015, arXiv 1511.00561.
    """

    def call(self, features: KerasTensor) -> tuple[KerasTensor, KerasTensor]:
        """Maxima and their places.

        Args:
            features: (batch, rows, columns, channels), rows and columns even.

        Returns:
            Maxima (batch, rows / 2, columns / 2, channels), and the first place that holds them,
            0 to 3 by rows, of the same shape, int32.
        """
        corners = [features[:, row::2, column::2] for row in (0, 1) for column in (0, 1)]
        maxima = ops.max_pool(features, (2, 2), (2, 2))
        # Not ops.argmax, which distinguishes -0.0 from 0.0 by its bits: OpenVINO cannot convert it.
        places = ops.full_like(maxima, 3, dtype="int32")
        for place in (2, 1, 0):
            places = ops.where(corners[place] == maxima, place, places)
        return maxima, places

    def compute_output_spec(self, features: KerasTensor) -> tuple[KerasTensor, KerasTensor]:
        """Told, since backends try layers out on odd sizes to find it."""
        batch, rows, columns, channels = features.shape
        shape = (batch, rows and rows // 2, columns and columns // 2, channels)
        return KerasTensor(shape, self.compute_dtype), KerasTensor(shape, "int32")


@keras.saving.register_keras_serializable(PACKAGE)
class ArgMaxUnpooling2D(layers.Layer):
    """Each value in that of 2 x 2 cells where `ArgMaxPooling2D` found the maximum, 0 elsewhere."""

    def call(self, features: KerasTensor, places: KerasTensor) -> KerasTensor:
        """The reverse of pooling.

        Args:
            features: (batch, rows, columns, channels).
            places: Of the same shape: the second result of `ArgMaxPooling2D`.

        Returns:
            (batch, 2 rows, 2 columns, channels).
        """
        _, rows, columns, channels = ops.shape(features)
        corners = [ops.where(places == place, features, 0) for place in range(4)]
        pairs = [ops.stack(corners[first : first + 2], axis=3) for first in (0, 2)]
        wide = [ops.reshape(pair, (-1, rows, 2 * columns, channels)) for pair in pairs]
        return ops.reshape(ops.stack(wide, axis=2), (-1, 2 * rows, 2 * columns, channels))

    def compute_output_spec(self, features: KerasTensor, places: KerasTensor) -> KerasTensor:
        """Twice the rows and columns."""
        batch, rows, columns, channels = features.shape
        shape = (batch, rows and 2 * rows, columns and 2 * columns, channels)
        return KerasTensor(shape, self.compute_dtype)
