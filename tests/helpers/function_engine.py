# SPDX-License-Identifier: GPL-2.0-or-later
"""An engine that computes a function of a window."""

from grassdl.predict.engines.keras_engine import OneByOne


class FunctionEngine(OneByOne):
    """Computes a function, and tells of which shapes windows were, and what it was prepared for."""

    def __init__(self, function, prepares_each_size=True):
        self.function, self.prepares_each_size = function, prepares_each_size
        self.prepared, self.seen = [], []

    def prepare(self, shape):
        self.prepared.append(shape)

    def __call__(self, values):
        self.seen.append(values.shape)
        return self.function(values)
