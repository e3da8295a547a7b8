# SPDX-License-Identifier: GPL-2.0-or-later
"""A network file of one layer: for tests of trainings in which the network does not matter, since
to trace and compile one takes most of their time."""

import keras


def build(size, bands, classes):
    """A convolution, and softmax."""
    pixels = keras.Input((None, None, bands))
    layer = keras.layers.Conv2D(classes, 3, padding="same", activation="softmax")
    return keras.Model(pixels, layer(pixels))
