# SPDX-License-Identifier: GPL-2.0-or-later
"""Architecture and weights of a model folder: `model.keras`, or `model.onnx` if it was imported."""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from . import onnx_network

if TYPE_CHECKING:
    import keras


WEIGHTS_NAME, ONNX_NAME = "model.keras", "model.onnx"
DESCRIPTION_NAME = "config.json"
"""The part of a file of Keras that describes its layers."""

KERAS_PARTS = {DESCRIPTION_NAME, "metadata.json", "model.weights.h5"}
"""All parts of a file of Keras whose layers have only weights."""

LARGEST_DESCRIPTION = 2**25
"""Bytes of a description; that of the largest network of the toolset has 170 000."""


def weights_file(folder: str | Path) -> Path:
    """The file with architecture and weights in a model folder.

    Raises:
        ValueError: It is missing.
    """
    path = Path(folder).expanduser() / WEIGHTS_NAME
    imported = path.with_name(ONNX_NAME)
    if imported.is_file() and not path.is_file():
        return imported
    if not path.is_file():
        raise ValueError(f"Model is incomplete: <{path}> is missing")
    return path


def save_network(network: keras.Model, folder: Path) -> None:
    """Write architecture and weights as `model.keras`."""
    network.save(folder / WEIGHTS_NAME)


def description_of(path: Path) -> str:
    """The description of the layers in a file of Keras, as JSON.

    Raises:
        ValueError: The file is damaged, or holds more than a network.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            if len(set(names)) < len(names) or not set(names) <= KERAS_PARTS:
                raise ValueError("it holds other files than those of a network")
            if archive.getinfo(DESCRIPTION_NAME).file_size > LARGEST_DESCRIPTION:
                raise ValueError(f"its {DESCRIPTION_NAME} is too large for a network's")
            return archive.read(DESCRIPTION_NAME).decode()
    except (zipfile.BadZipFile, KeyError, UnicodeDecodeError, EOFError, zlib.error):
        raise ValueError("the file is damaged") from None


def load_network(folder: str | Path) -> keras.Model:
    """Load architecture and weights: the only place where files of Keras are loaded.

    Nothing in the file is executed: it is loaded only after `check_description` has found nothing
    but layers that compute.

    Raises:
        ValueError: The file is missing or damaged, holds anything but layers that compute, or
            weights that are not numbers.
    """
    import keras

    from ..networks.description import check_description

    path = weights_file(folder)
    if path.name == ONNX_NAME:
        raise ValueError(f"Model <{path}> is no network of Keras, which is needed here")
    try:
        check_description(json.loads(description_of(path)))
        network = keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:
        # A damaged archive fails in zipfile, h5py, json or Keras, with errors of many kinds.
        first_line = str(error).strip().splitlines()[0] if str(error).strip() else repr(error)
        raise ValueError(f"Model <{path}> cannot be loaded: {first_line}") from error
    _check_weights(network, path)
    return network


def _check_weights(network: keras.Model, path: Path) -> None:
    for weight in network.weights:
        values = np.asarray(weight)
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            raise ValueError(
                f"Model <{path}> has weights that are not numbers (<{weight.path}>): its training "
                "has failed, or the file is damaged; train it again"
            )


def predictor(folder: str | Path) -> Callable[[np.ndarray], np.ndarray]:
    """The network of a model as a function from images (n, rows, cols, bands) float32 to
    probabilities (n, rows, cols, classes), which raises what `check_numbers` does.

    Raises:
        ValueError: See `load_network` and `onnx_network`.
    """
    if weights_file(folder).name == ONNX_NAME:
        return onnx_network.predictor(weights_file(folder))
    network = load_network(folder)

    def predict(images: np.ndarray) -> np.ndarray:
        probabilities = network.predict_on_batch(images)
        check_numbers(probabilities, images)
        return probabilities

    return predict


def check_numbers(result: np.ndarray, values: np.ndarray) -> None:
    """Refuse results that are not finite, for which the first class would be the most probable.

    Args:
        result: Of the network.
        values: Its input (..., bands).

    Raises:
        ValueError: The message says whether network or bands are the cause.
    """
    with np.errstate(all="ignore"):
        # A fast check: the sum is finite unless one of its terms is not.
        if np.isfinite(result.sum()) or np.isfinite(result).all():
            return
    if np.isfinite(values).all():
        raise ValueError(
            "The network of this model gives values that are not numbers: its weights are "
            "damaged, or too large for the precision; train it again"
        )
    band = int((~np.isfinite(values)).reshape(-1, values.shape[-1]).any(axis=0).argmax())
    raise ValueError(
        f"Band {band + 1} holds infinite values: make them NULL first, with r.mapcalc for instance"
    )
