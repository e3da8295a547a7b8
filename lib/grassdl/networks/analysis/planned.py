# SPDX-License-Identifier: GPL-2.0-or-later
"""Networks without allocated weights, to compute their size beforehand."""

from __future__ import annotations

import math
from collections.abc import Callable

import keras
from keras.src.backend.common import global_state

_WAITING = "uninitialized_variables"
"""Key of Keras' list of weights that are still to be allocated."""


def planned(build: Callable[[], keras.Model]) -> keras.Model:
    """A network with its layers, and with weights that have shapes but no values.

    Args:
        build: Builds the network.
    """
    before = global_state.get_global_attribute(_WAITING) or []
    global_state.set_global_attribute(_WAITING, [])
    try:
        with keras.StatelessScope(initialize_variables=False):
            return build()
    finally:
        # Else Keras would allocate these weights together with later ones.
        global_state.set_global_attribute(_WAITING, before)


def number_of_weights(network: keras.Model) -> int:
    """Weights of a network, all together; Keras' own count would overflow for absurd ones."""
    return sum(math.prod(one.shape) for one in network.weights)
