# SPDX-License-Identifier: GPL-2.0-or-later
"""Networks by name.

A new network takes one file and one line in `NETWORKS`. The file `NAME.py` holds a function of the
same name, `NAME(pixels, classes, *, option=default, ...)`, which turns a tensor of normalised
pixels (batch, rows, columns, bands) into class probabilities (batch, rows, columns, classes);
its keyword-only arguments are the network's options.

This module imports neither Keras nor a network before one is asked for, so that a module's
interface description can list the networks at once.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import keras

NETWORKS = {
    "unet": "U-Net: encoder and decoder with skip connections (Ronneberger et al. 2015)",
    "nicknet": "NickNet: dilated multiscale network at full resolution (ANAGEO, FOSS4G 2019)",
}


def names() -> list[str]:
    """The names of all networks."""
    return list(NETWORKS)


def describe(name: str) -> str:
    """One line about a network.

    Raises:
        ValueError: There is no such network.
    """
    _check_name(name)
    return NETWORKS[name]


def options(name: str) -> dict[str, Any]:
    """The options that a network takes, with their defaults. Imports Keras.

    Raises:
        ValueError: There is no such network.
    """
    parameters = inspect.signature(_network(name)).parameters.values()
    return {one.name: one.default for one in parameters if one.kind is one.KEYWORD_ONLY}


def build(
    name: str,
    size: int,
    bands: int,
    classes: int,
    *,
    mean: Sequence[float] | None = None,
    deviation: Sequence[float] | None = None,
    **network_options: Any,
) -> keras.Model:
    """A network with fresh weights that takes raw pixel values.

    Args:
        name: One of `names()`.
        size: Edge of the training patches in pixels; must be a multiple of the total stride.
        bands: Number of bands.
        classes: Number of classes.
        mean: Mean of each band in the training data; 0 if not given.
        deviation: Standard deviation of each band; 1 if not given, and for a constant band.
        **network_options: Some of `options(name)`; the others keep their defaults.

    Returns:
        A model from (batch, rows, columns, bands) to class probabilities
        (batch, rows, columns, classes), for any rows and columns that are multiples of its stride.

    Raises:
        ValueError: Unknown network or option, a size that does not fit, or statistics that do not
            belong to these bands.
    """
    network = _network(name)
    _check_options(name, network_options)
    if bands < 1 or classes < 1:
        raise ValueError(f"A network needs bands and classes, found {bands} and {classes}")

    import keras

    from .reach import reach

    inputs = keras.Input((None, None, bands), dtype="float32", name="pixels")
    pixels = _normalization(bands, mean, deviation)(inputs)
    model = keras.Model(inputs, network(pixels, classes, **network_options), name=name)
    _check_size(name, size, reach(model).stride)
    return model


def _network(name: str) -> Callable[..., keras.KerasTensor]:
    _check_name(name)
    return getattr(import_module(f".{name}", __package__), name)


def _normalization(
    bands: int, mean: Sequence[float] | None, deviation: Sequence[float] | None
) -> keras.layers.Normalization:
    """The layer (pixels - mean) / deviation, with constants, so that it has no weights."""
    import keras

    mean = _per_band("mean", mean, bands, default=0)
    deviation = _per_band("deviation", deviation, bands, default=1)
    if (deviation < 0).any():
        raise ValueError(f"No deviation may be negative, found {deviation.min():g}")
    deviation = np.where(deviation == 0, 1, deviation)
    return keras.layers.Normalization(
        axis=-1,
        mean=mean.tolist(),
        variance=(deviation**2).tolist(),
        # Half precision cannot tell the values of a 16-bit band apart.
        dtype="float32",
        name="normalization",
    )


def _per_band(
    what: str, values: Sequence[float] | None, bands: int, *, default: float
) -> np.ndarray:
    """One finite float32 value per band."""
    if values is None:
        return np.full(bands, default, np.float32)
    values = np.asarray(values, np.float32)
    if values.shape != (bands,) or not np.isfinite(values).all():
        raise ValueError(f"Expected one finite {what} for each of {bands} bands, found {values}")
    return values


def _check_name(name: str) -> None:
    if name not in NETWORKS:
        raise ValueError(f"There is no network <{name}>, only {', '.join(NETWORKS)}")


def _check_options(name: str, given: dict[str, Any]) -> None:
    known = options(name)
    unknown = [one for one in given if one not in known]
    if unknown:
        raise ValueError(
            f"Network <{name}> has no option <{', '.join(unknown)}>, only {', '.join(known)}"
        )


def _check_size(name: str, size: int, stride: int) -> None:
    if size < 1 or size % stride:
        below = max(size, 0) // stride * stride
        fitting = f"{below} or {below + stride}" if below else f"{stride}"
        raise ValueError(
            f"Patch size {size} does not fit network <{name}>: it must be a multiple of {stride}, "
            f"such as {fitting}"
        )
