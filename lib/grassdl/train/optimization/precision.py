# SPDX-License-Identifier: GPL-2.0-or-later
"""Mixed precision: faster training on hardware that supports it, with the same model file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import keras

from ...networks.precision import POLICIES
from ...runtime.keras_backend import has_fast_bfloat16


def resolve(precision: str) -> str:
    """What "auto" means on this machine; other precisions stay as they are."""
    if precision == "auto":
        return "bfloat16" if has_fast_bfloat16() else "float32"
    return precision


@contextmanager
def computing_in(precision: str) -> Iterator[None]:
    """Build layers that compute in a precision.

    Args:
        precision: A key of `POLICIES`.
    """
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(POLICIES[precision])
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
