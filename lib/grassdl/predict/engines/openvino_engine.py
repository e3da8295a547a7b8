# SPDX-License-Identifier: GPL-2.0-or-later
"""The engine of OpenVINO, which is faster on a processor than Keras' backends."""

from __future__ import annotations

from collections import OrderedDict
from itertools import cycle
from typing import TYPE_CHECKING, Protocol

import numpy as np

from ...core.readers import by_layers
from ...model.weights import check_numbers
from ...runtime.openvino_package import import_openvino
from .keras_engine import OneByOne, with_temperature

if TYPE_CHECKING:
    import openvino

HINTS = {"float32": "f32", "bfloat16": "bf16"}
"""OpenVINO's names of the precisions."""


def window_sizes(tiling: str, augmented: bool) -> int:
    """Most sizes of windows that alternate in a tiling.

    Exact tiles have one; blended tiles, shorter at the right and lower edges, up to two in a row of
    tiles; twice as many with test-time augmentation, which turns them.
    """
    return (1 if tiling == "exact" else 2) * (2 if augmented else 1)


MOST_SIZES = window_sizes("blend", augmented=True)
"""Sizes of windows for which the compiled network is cached: each has copies of the weights."""

WEIGHTS_OF_SIZE = 2
"""Copies of the weights per size, besides those read (measured on SegNet and DeepLabV3+)."""


class Converted(Protocol):
    """A network that was converted for OpenVINO."""

    def for_windows_of(self, shape: tuple[int, ...]) -> openvino.Model:
        """The network for windows (rows, cols, bands) of one size."""


class OpenVinoEngine(OneByOne):
    """The network in OpenVINO. Use it where there is no GPU.

    It is compiled for every size of window, of which a tiling has few. OpenVINO may choose other
    operations for other sizes, so that results differ in their last digits, as those of Keras do.

    Args:
        network: The network.
        precision: A key of `HINTS`.
        temperature: That of the model, see `ModelCard.tempered`.
        nprocs: Threads to compute with; 0 leaves the choice to OpenVINO.
        features: Number of features that follow the class probabilities.

    Raises:
        ValueError: The processor lacks the precision.
    """

    prepares_each_size = True

    def __init__(
        self,
        network: Converted,
        precision: str = "float32",
        temperature: float = 1.0,
        nprocs: int = 0,
        features: int = 0,
    ):
        self._network = network
        self._temperature = temperature
        self._features = features
        self._core = import_openvino().Core()
        if precision == "bfloat16" and not has_bfloat16():
            raise ValueError(
                "The processor of this machine does not compute in bfloat16: leave out "
                "precision=bfloat16"
            )
        # All threads on one window at a time: as fast as several windows at once, with less
        # memory.
        self._properties: dict[str, object] = {
            "INFERENCE_PRECISION_HINT": HINTS[precision],
            "PERFORMANCE_HINT": "LATENCY",
            # Each process would pin its threads to the first cores, which parallel runs and the
            # reading thread would then share.
            "ENABLE_CPU_PINNING": False,
        }
        if nprocs:
            self._properties["INFERENCE_NUM_THREADS"] = nprocs
        self._by_shape: OrderedDict[tuple[int, ...], _Compiled] = OrderedDict()

    def prepare(self, shape: tuple[int, int, int]) -> None:
        """See `Engine.prepare`. If the size is new, networks of earlier sizes, those of the trial,
        are released."""
        if shape not in self._by_shape:
            self._by_shape.clear()
        self._compiled(shape)

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """See `Engine`."""
        result = self._compiled(values.shape)(values)
        check_numbers(result, values)
        return with_temperature(result, self._temperature, self._features)

    def _compiled(self, shape: tuple[int, ...]) -> _Compiled:
        """The network for windows of one size; the one used last releases its working memory."""
        if shape not in self._by_shape:
            self._release_last()
            while len(self._by_shape) >= MOST_SIZES:
                self._by_shape.popitem(last=False)
            model = self._network.for_windows_of(shape)
            self._by_shape[shape] = _Compiled(
                self._core.compile_model(_by_layers(model), "CPU", self._properties)
            )
        elif shape != next(reversed(self._by_shape)):
            self._release_last()
            self._by_shape.move_to_end(shape)
        return self._by_shape[shape]

    def _release_last(self) -> None:
        if self._by_shape:
            next(reversed(self._by_shape.values())).release()


def _by_layers(network: openvino.Model) -> openvino.Model:
    """The network for images and results with contiguous layers, as they are read and written; it
    is as fast (measured on a U-Net)."""
    from openvino import Layout
    from openvino.preprocess import PrePostProcessor

    ends = PrePostProcessor(network)
    for end in (ends.input(), ends.output()):
        end.model().set_layout(Layout("NHWC"))
        end.tensor().set_layout(Layout("NCHW"))
    return ends.build()


class _Compiled:
    """A network for windows of one size; a result is valid until the second next call."""

    def __init__(self, model: openvino.CompiledModel):
        self._model = model
        # Two requests with a result each, so that none is copied.
        self._requests = cycle([model.create_infer_request() for _ in range(2)])

    def __call__(self, values: np.ndarray) -> np.ndarray:
        request = next(self._requests)
        bands = np.moveaxis(by_layers(values), -1, 0)
        found = request.infer([bands[None]], share_inputs=True, share_outputs=True)
        return np.moveaxis(found[0][0], 0, -1)

    def release(self) -> None:
        """Release the memory of intermediate results until the next call."""
        self._model.release_memory()


def has_bfloat16() -> bool:
    """Whether this processor computes in bfloat16."""
    core = import_openvino().Core()
    return "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
