# SPDX-License-Identifier: GPL-2.0-or-later
"""The common parts of all networks: normalisation, probabilities, and checks."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import keras
import numpy as np
from keras import KerasTensor, layers

from .analysis.receptive_field import LayerGraph, nodes_in_order, reach
from .layers.dates import WhereObserved

SCORES = "logits"
"""Name of the last layer of a network of the toolset, whose output are the scores."""

TAKEN = ("pixels", "normalization", "observed", "first", "second", "probabilities", "values")
"""Names of the layers that are put before and after every network."""


def assemble(
    name: str,
    size: int,
    bands: int,
    network: Callable[[KerasTensor], KerasTensor],
    *,
    mean: Sequence[float] | None,
    deviation: Sequence[float] | None,
    days: Sequence[int] | None = None,
) -> keras.Model:
    """A network that takes raw pixel values.

    Args:
        name: Name of the model.
        size: Edge of the training patches in pixels; must be a multiple of the total stride.
        bands: Number of bands.
        network: From normalised pixels to class probabilities or values.
        mean: Mean of each band in the training data; 0 if not given.
        deviation: Standard deviation of each band; 1 if not given, and for a constant band.
        days: Days of the dates of a series, see `core.dates`; None for bands that are none.

    Raises:
        ValueError: A size that does not fit, or statistics that do not belong to these bands.
    """
    inputs = keras.Input((None, None, bands), dtype="float32", name="pixels")
    pixels = _normalization(bands, mean, deviation)(inputs)
    if days is not None:
        pixels = WhereObserved(len(days), dtype="float32", name="observed")(pixels)
    model = keras.Model(inputs, network(pixels), name=name)
    # First, since a stride that fits no patch may be too large for the analysis by pixel.
    _check_size(name, size, LayerGraph.of(model).total_stride())
    # It refuses a map of another resolution.
    reach(model)
    return model


def check_names(name: str, pixels: KerasTensor, scores: KerasTensor) -> None:
    """Refuse names of layers that the toolset would not find, or uses itself.

    Args:
        name: Name of the network.
        pixels: Normalised pixels.
        scores: What the network makes of them.

    Raises:
        ValueError: The layer of the scores has another name than `SCORES`, or another layer has one
            of `TAKEN`.
    """
    *others, last = (node.operation.name for node in nodes_in_order(keras.Function(pixels, scores)))
    if last != SCORES:
        raise ValueError(
            f"The last layer of network <{name}> is called {last}: end with "
            f"layers.blocks.class_scores, or call it {SCORES}"
        )
    if taken := [one for one in others if one in TAKEN]:
        raise ValueError(
            f"Network <{name}> has a layer called {taken[0]}, as one before or after all networks "
            f"is: choose other names than {', '.join(TAKEN)}"
        )


def _normalization(
    bands: int, mean: Sequence[float] | None, deviation: Sequence[float] | None
) -> layers.Normalization:
    """The layer (pixels - mean) / deviation, with constants, so that it has no weights."""
    means = _per_band("mean", mean, bands, default=0)
    deviations = _per_band("deviation", deviation, bands, default=1)
    if (deviations < 0).any():
        raise ValueError(f"No deviation may be negative, found {deviations.min():g}")
    divisors = np.where(deviations == 0, 1, deviations)
    return layers.Normalization(
        axis=-1,
        mean=means.tolist(),
        variance=(divisors**2).tolist(),
        # Half precision cannot represent all values of a 16-bit band.
        dtype="float32",
        name="normalization",
    )


def _per_band(
    what: str, values: Sequence[float] | None, bands: int, *, default: float
) -> np.ndarray:
    """One finite float32 value per band."""
    if values is None:
        return np.full(bands, default, np.float32)
    found = np.asarray(values, np.float32)
    if found.shape != (bands,) or not np.isfinite(found).all():
        raise ValueError(f"Expected one finite {what} for each of {bands} bands, found {found}")
    return found


def _check_size(name: str, size: int, stride: int) -> None:
    if size < 1 or size % stride:
        below = max(size, 0) // stride * stride
        fitting = f"{below} or {below + stride}" if below else f"{stride}"
        raise ValueError(
            f"Patch size {size} does not fit network <{name}>: it must be a multiple of {stride}, "
            f"such as {fitting}"
        )
