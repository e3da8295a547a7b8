# SPDX-License-Identifier: GPL-2.0-or-later
"""An engine that computes a function of a window."""


class FunctionEngine:
    """Computes a function, and tells of which shapes windows were, and what it was prepared for."""

    def __init__(self, function, takes_sizes_apart=True):
        self.function, self.takes_sizes_apart = function, takes_sizes_apart
        self.prepared, self.seen = [], []

    def prepare(self, shape):
        self.prepared.append(shape)

    def __call__(self, values):
        self.seen.append(values.shape)
        return self.function(values)
