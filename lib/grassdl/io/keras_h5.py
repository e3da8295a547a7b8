# SPDX-License-Identifier: GPL-2.0-or-later
"""Weights by layer from an HDF5 file in the earlier format of Keras, as `keras.applications` has
them. Only plain numbers of this one file are read."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from ..core.schema import shortened

LAYERS, WEIGHTS = "layer_names", "weight_names"
"""Attributes that list what a group holds, in order."""

LARGEST_ARRAY = 2**31
"""Most bytes of an array of an encoder."""


def read_layers(path: str | Path) -> dict[str, list[np.ndarray]]:
    """The weights of each layer by its name, in the order of `layer.weights`.

    Args:
        path: A file that `model.save_weights("... .h5")` of Keras 2 has written, or `model.save`.

    Raises:
        ValueError: The file cannot be read, or is something else.
    """
    path = Path(path).expanduser()
    try:
        with h5py.File(path, "r") as file:
            group = _member(file, "model_weights") if "model_weights" in file else file
            if LAYERS not in group.attrs:
                raise ValueError("it lists no layers")
            return {name: _weights(_member(group, name)) for name in _names(group, LAYERS)}
    # HDF5 reports a damaged file by several kinds of errors.
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, AttributeError) as error:
        raise ValueError(
            f"<{path}> holds no weights of Keras by layers ({shortened(error)}): an HDF5 file is "
            "expected, as keras.applications downloads it (*.h5)"
        ) from None


def _names(group: h5py.Group, attribute: str) -> list[str]:
    return [one.decode() if isinstance(one, bytes) else str(one) for one in group.attrs[attribute]]


def _weights(group: h5py.Group) -> list[np.ndarray]:
    return [_array(_member(group, name)) for name in _names(group, WEIGHTS)]


def _member(group: h5py.Group, name: str) -> h5py.Group | h5py.Dataset:
    """A member of a group; links may lead to other files."""
    for part in name.split("/"):
        if not isinstance(group.get(part, getlink=True), h5py.HardLink):
            raise ValueError(f"{name} is a link or missing")
        group = group[part]
    return group


def _array(data: h5py.Dataset) -> np.ndarray:
    if not isinstance(data, h5py.Dataset) or data.dtype.kind != "f":
        raise ValueError("it holds something else than numbers")
    if data.external or data.is_virtual or data.nbytes > LARGEST_ARRAY:
        raise ValueError("its numbers lie elsewhere, or are too many")
    if data.chunks is None and data.id.get_storage_size() < data.nbytes:
        raise ValueError("it declares more numbers than it has")
    return np.asarray(data[()], np.float32)
