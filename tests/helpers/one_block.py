# SPDX-License-Identifier: GPL-2.0-or-later
"""A network file of one block, whose batch norm and dropout have a state of their own: for tests of
what a training keeps, in which the network does not matter otherwise."""

import keras
from keras import layers


def build(size, bands, classes):
    """A convolution with batch norm and dropout, and softmax."""
    pixels = keras.Input((None, None, bands))
    features = layers.Conv2D(4, 3, padding="same", use_bias=False)(pixels)
    features = layers.Activation("relu")(layers.BatchNormalization()(features))
    features = layers.Dropout(0.2)(features)
    return keras.Model(pixels, layers.Conv2D(classes, 1, activation="softmax")(features))
