# SPDX-License-Identifier: GPL-2.0-or-later
"""A network that i.dl.import made of an ONNX file: it takes raw values and gives probabilities, as
networks of Keras do, and OpenVINO computes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..core.schema import shortened
from ..runtime.openvino_package import import_openvino, read_network

if TYPE_CHECKING:
    import openvino


NOT_COMPUTING = frozenset(
    "Assign If Loop Multinomial RandomUniform ReadValue TensorIterator".split()
)
"""Operators of OpenVINO that draw at random, keep state, or run without bound."""


@dataclass(frozen=True)
class OnnxNetwork:
    """An ONNX file as OpenVINO has it.

    Attributes:
        model: Takes images (1, rows, cols, bands), gives (1, rows, cols, classes).
        bands, classes: Number of inputs and outputs.
        window: Edge of the square images that it takes; None for any size.
    """

    model: openvino.Model
    bands: int
    classes: int
    window: int | None

    def for_windows_of(self, shape: tuple[int, ...]) -> openvino.Model:
        """The network for windows (rows, cols, bands) of one size."""
        model = self.model.clone()
        if self.window is None:
            model.reshape([1, *shape])
        return model

    @property
    def parameters(self) -> int:
        """Number of weights: the values of all its constants."""
        constants = (one for one in self.model.get_ops() if one.get_type_name() == "Constant")
        return max(1, sum(int(np.prod(one.get_output_shape(0))) for one in constants))


def read_onnx(path: Path) -> OnnxNetwork:
    """The network of `model.onnx`, as i.dl.import writes it.

    A folder from elsewhere may hold what i.dl.import refuses. OpenVINO reads weights in other files
    from the same folder only.

    Raises:
        ValueError: It is no such file.
        ModuleNotFoundError: OpenVINO is not installed.
    """
    try:
        model = read_network(path)
        _check_operators(model)
        ((batch, rows, cols, bands),) = (one.get_partial_shape() for one in model.inputs)
        ((_, _, _, classes),) = (one.get_partial_shape() for one in model.outputs)
        window = None if rows.is_dynamic and cols.is_dynamic else rows.get_length()
        if (window is not None and cols.get_length() != window) or batch.get_length() != 1:
            raise ValueError("its images are neither square nor of any size")
        return OnnxNetwork(model, bands.get_length(), classes.get_length(), window)
    except ModuleNotFoundError:
        raise
    # OpenVINO has errors of many kinds.
    except Exception as error:
        raise ValueError(f"Model <{path}> cannot be loaded: {reason(error)}") from None


def _check_operators(model: openvino.Model) -> None:
    """Refuse operators that i.dl.import refuses."""
    for one in model.get_ops():
        if one.get_type_name() in NOT_COMPUTING:
            raise ValueError(
                f"operator {one.get_type_name()} draws at random or chooses what is computed, "
                "which i.dl.import refuses: import the ONNX file that it was made from"
            )


def reason(error: Exception) -> str:
    """The message of an error of OpenVINO: its last line, without where it was raised."""
    lines = [one for one in str(error).splitlines() if one.strip()]
    return shortened(lines[-1] if lines else repr(error))


def computed(model: openvino.Model) -> Callable[[np.ndarray], np.ndarray]:
    """A network as a function of images (1, rows, cols, bands), in single precision."""
    exact = {"INFERENCE_PRECISION_HINT": "f32"}
    compiled = import_openvino().Core().compile_model(model, "CPU", exact)
    return lambda images: compiled([images])[0]


def in_window(values: np.ndarray, window: int, fill: np.ndarray) -> np.ndarray:
    """Values (rows, cols, bands) in the upper left corner of a square that a network takes.

    Args:
        values: No larger than the square.
        window: Its edge.
        fill: Value of every band for the rest.
    """
    if values.shape[:2] == (window, window):
        return values
    whole = np.empty((window, window, values.shape[-1]), np.float32)
    whole[:] = fill
    whole[: values.shape[0], : values.shape[1]] = values
    return whole


def predictor(path: Path) -> Callable[[np.ndarray], np.ndarray]:
    """A network as a function from images (n, rows, cols, bands) float32 to probabilities.

    Images that are smaller than those that the network takes are filled with their own means.

    Raises:
        ValueError: It cannot be read; the function raises it for images that are too large.
    """
    network = read_onnx(path)

    @cache
    def of_size(rows: int, cols: int) -> Callable[[np.ndarray], np.ndarray]:
        return computed(network.for_windows_of((rows, cols, network.bands)))

    def predict(images: np.ndarray) -> np.ndarray:
        rows, cols = images.shape[1:3]
        window = network.window
        if window is None:
            run = of_size(rows, cols)
            return np.concatenate([run(one[None]) for one in images])
        if max(rows, cols) > window:
            raise ValueError(
                f"The network of this model takes images of {window} x {window} cells, and these "
                f"have {rows} x {cols}: cut smaller patches"
            )
        run = of_size(window, window)
        filled = (in_window(one, window, one.mean(axis=(0, 1))) for one in images)
        return np.concatenate([run(one[None]) for one in filled])[:, :rows, :cols]

    return predict
