# SPDX-License-Identifier: GPL-2.0-or-later
"""ONNX networks run on a sample: their output and their halo."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from ..model.onnx_network import OnnxNetwork, computed, reason
from ..model.weights import check_numbers
from ..runtime.openvino_package import read_network
from .onnx_graph import Activation

if TYPE_CHECKING:
    import onnx

SUM_TOLERANCE = 1e-3
"""Tolerance of sums of probabilities."""

HALO_TOLERANCE = 1e-3
"""Tolerance of probabilities between tiles that begin at other cells."""

LEAST_CORE = 64
"""Edge in cells of the part of a sample that is compared."""

CHOICES: dict[str, tuple[Activation | None, Activation | None]] = {
    "softmax": ("softmax", None),
    "sigmoid": ("sigmoid shares", "sigmoid"),
    "none": ("shares", "second"),
}
"""Of the values of the option activation, what they mean for an output of each class, and for one
output."""


@dataclass(frozen=True)
class Outputs:
    """The output of a network for a cell.

    Attributes:
        number: Number of values.
        channels_first: Whether they come before rows and columns.
        rank: Number of dimensions of the result.
    """

    number: int
    channels_first: bool
    rank: int

    @classmethod
    def of(cls, result: np.ndarray, edge: int) -> Outputs:
        """The output by a result for an image of `edge` rows and columns.

        Raises:
            ValueError: There is no value for each cell.
        """
        shape, square = result.shape[1:], (edge, edge)
        if shape == square:
            return cls(1, False, 3)
        if len(shape) == 3 and square in (shape[1:], shape[:2]):
            first = shape[1:] == square
            return cls(shape[0] if first else shape[2], first, 4)
        raise ValueError(
            f"The network gives an array of {' x '.join(map(str, result.shape))} for an image of "
            f"{edge} x {edge} cells: one value is expected for each cell, or one of each class"
        )


def run_once(model: onnx.ModelProto, sample: np.ndarray) -> np.ndarray:
    """The output of a network of `onnx_graph.with_entry` for a sample (1, rows, cols, bands).

    Raises:
        ValueError: OpenVINO cannot compute it.
    """
    try:
        with TemporaryDirectory() as scratch:
            path = Path(scratch) / "network.onnx"
            path.write_bytes(model.SerializeToString())
            network = read_network(path)
        network.reshape(list(sample.shape))
        return computed(network)(sample)
    # OpenVINO has errors of many kinds.
    except Exception as error:
        size = " x ".join(map(str, sample.shape[1:3]))
        raise ValueError(
            f"OpenVINO cannot compute the network for an image of {size} cells: {reason(error)}"
        ) from None


def activation_of(choice: str, result: np.ndarray, outputs: int, classes: int) -> Activation:
    """The activation for the result of a sample.

    Args:
        choice: The option; "auto" to detect it.
        result: The result.
        outputs: Number of values of a cell.
        classes: Number of classes.

    Raises:
        ValueError: Outputs and classes do not match each other or the option.
    """
    if outputs not in (1, classes):
        raise ValueError(f"{classes} classes are named, but the network has {outputs} outputs")
    if outputs == 1 and choice in ("auto", "none") and _are_indices(result, classes):
        return "index"
    if outputs == 1 and classes != 2:
        raise ValueError(
            f"{classes} classes are named, but the network has one output, which is no class index "
            f"from 0 to {classes - 1}"
        )
    if choice == "auto":
        return _found_activation(result, outputs)
    found = CHOICES[choice][outputs == 1]
    if found is None:
        raise ValueError(f"activation={choice} needs an output for each class, and there is one")
    return found


def _are_indices(result: np.ndarray, classes: int) -> bool:
    """Whether a result are class indices: integers by type, or by value where classes are many."""
    if result.dtype.kind in "iub":
        return bool(result.min() >= 0 and result.max() < classes)
    return classes > 2 and bool(np.isin(result, np.arange(classes)).all())


def _found_activation(result: np.ndarray, outputs: int) -> Activation:
    """The activation: values from 0 to 1 are probabilities, all others are scores."""
    between = bool(result.min() >= 0 and result.max() <= 1 + SUM_TOLERANCE)
    if outputs == 1:
        return "second" if between else "sigmoid"
    if not between:
        return "softmax"
    sums = [result.sum(axis=axis) for axis in (1, -1) if result.shape[axis] == outputs]
    return "none" if any(_are_one(one) for one in sums) else "shares"


def _are_one(sums: np.ndarray) -> bool:
    return bool(np.abs(sums - 1).max() <= SUM_TOLERANCE)


def check_probabilities(network: OnnxNetwork, sample: np.ndarray) -> None:
    """Refuse a network that does not give probabilities for a sample (1, rows, cols, bands).

    Raises:
        ValueError: It does not.
    """
    found = computed(network.for_windows_of(sample.shape[1:]))(sample)
    check_numbers(found, sample)
    expected = (*sample.shape[:3], network.classes)
    if found.shape != expected or found.min() < -SUM_TOLERANCE or not _are_one(found.sum(axis=-1)):
        raise ValueError(
            "The network gives no probabilities of the classes for a sample of its images: name "
            "activation=softmax or sigmoid, and scale and offset as in its training"
        )


def strip_of(halo: int, stride: int) -> tuple[int, int]:
    """Length and width in cells of the strip on which a halo is checked."""
    core = -(-LEAST_CORE // stride) * stride
    return stride + halo + core, core


def check_halo(
    network: OnnxNetwork, halo: int, stride: int, mean: list[float], deviation: list[float]
) -> None:
    """Refuse a halo that is too small: a strip and the same one without its first or last cells
    must give the same, one halo away from the cut.

    Raises:
        ValueError: They do not.
    """
    length, core = strip_of(halo, stride)
    shape = (1, length, core, len(mean))
    whole = np.random.default_rng(1).normal(mean, deviation, shape).astype(np.float32)
    differences = []
    for turned in (False, True):
        strip = np.ascontiguousarray(whole.swapaxes(1, 2)) if turned else whole
        axis = 2 if turned else 1
        run = computed(network.for_windows_of(strip.shape[1:]))
        expected = run(strip).copy().swapaxes(1, axis)
        cut = strip.swapaxes(1, axis)[:, stride:].swapaxes(1, axis)
        run = computed(network.for_windows_of(cut.shape[1:]))
        after = run(np.ascontiguousarray(cut)).copy().swapaxes(1, axis)
        differences.append(np.abs(after[:, halo:] - expected[:, stride + halo :]).max())
        cut = strip.swapaxes(1, axis)[:, :-stride].swapaxes(1, axis)
        before = run(np.ascontiguousarray(cut)).swapaxes(1, axis)
        differences.append(np.abs(before[:, :core] - expected[:, :core]).max())
    # Not ">", so that NaN counts as a difference.
    if not max(differences) <= HALO_TOLERANCE:
        raise ValueError(
            f"With a halo of {halo} and a stride of {stride} cells tiles would not fit together: "
            f"probabilities differ by {max(differences):.2g}; give a larger halo or another "
            "stride, or leave out halo to blend tiles"
        )
