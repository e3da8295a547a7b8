# SPDX-License-Identifier: GPL-2.0-or-later
"""A network file of two convolutions with a batch norm in between: for tests of trainings in which
moving means and variances matter, and nothing else of the network."""

import keras
from keras import layers


def build(size, bands, classes):
    """A convolution with batch norm, and softmax."""
    pixels = keras.Input((None, None, bands))
    features = layers.Conv2D(4, 3, padding="same", use_bias=False)(pixels)
    features = layers.Activation("relu")(layers.BatchNormalization()(features))
    return keras.Model(pixels, layers.Conv2D(classes, 1, activation="softmax")(features))
