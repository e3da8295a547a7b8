# SPDX-License-Identifier: GPL-2.0-or-later
"""Receptive field, halo and stride of any network, computed from its layer graph.

The `Window` of a layer is the range of inputs that an output needs. From the outputs these windows
are followed back to the network's input. Rows and columns are treated separately, each as one axis.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

import keras
from keras import layers

from ..layers.argmax_pooling import ArgMaxPooling2D, ArgMaxUnpooling2D
from ..layers.date_attention import AttendedDates, DateAttention, WithDays
from ..layers.dates import AbsoluteDifference, DatesApart, LastBand, WhereObserved

if TYPE_CHECKING:
    from keras.src.ops.node import Node

Interval = tuple[int, int]
"""First and last index along one axis, both included."""

ROWS_AND_COLUMNS = (0, 1)


@dataclass(frozen=True)
class Reach:
    """The properties of a network that tiling depends on.

    Attributes:
        stride: Rows and columns must be multiples of this many pixels.
        halo: Pixels around a tile's core on which the core's result depends, where the core starts
            and ends on multiples of the stride; itself rounded up to the stride. None if a layer
            depends on the whole image (or might): it cannot be tiled exactly.
        receptive_field: Widest span in pixels on which a single output pixel depends, or None.
    """

    stride: int
    halo: int | None
    receptive_field: int | None


def reach(model: keras.Model) -> Reach:
    """Total stride, halo and receptive field of a network.

    The halo of a core is less than that of its worst pixel, as pixels that depend on far left ones
    are at the right of a stride.

    Args:
        model: A functional or built sequential model from (batch, rows, columns, bands) to
            (batch, rows, columns, classes). Nested models are opened.

    Returns:
        The larger values of both directions, rows and columns.

    Raises:
        ValueError: The output has another resolution than the input.
    """
    graph = LayerGraph.of(model)
    stride = graph.total_stride()
    if not graph.is_local():
        return Reach(stride, None, None)

    halo = receptive_field = 0
    for axis in ROWS_AND_COLUMNS:
        scales = graph.scales(axis)
        if any(scales[tensor] != 1 for tensor in graph.outputs):
            raise ValueError("The network's output must have the resolution of its input")
        first, last = graph.needs((0, stride - 1), axis)
        halo = max(halo, -first, last - (stride - 1))
        for pixel in range(stride):
            first, last = graph.needs((pixel, pixel), axis)
            receptive_field = max(receptive_field, last - first + 1)
    return Reach(stride, math.ceil(halo / stride) * stride, receptive_field)


@dataclass(frozen=True)
class Window:
    """The inputs that an output of a layer needs along one axis.

    Output `i` needs inputs `i * step + low` to `i * step + high`, both rounded inwards. Hence
    `step` is also the size of the output's cells in cells of the input: 2 after pooling by 2,
    1/2 after upsampling by 2.
    """

    step: Fraction | int = 1
    low: Fraction | int = 0
    high: Fraction | int = 0

    def needs(self, outputs: Interval) -> Interval:
        """The inputs that an interval of outputs needs."""
        first, last = outputs
        return math.ceil(first * self.step + self.low), math.floor(last * self.step + self.high)


def _pointwise(layer: layers.Layer, axis: int) -> Window:
    return Window()


def _across_channels(layer: layers.Layer, axis: int) -> Window | None:
    """Normalising and joining are pointwise unless they run along rows or columns."""
    axes = layer.axis if isinstance(layer.axis, Iterable) else [layer.axis]
    return Window() if all(one in (-1, 3) for one in axes) else None


def _convolution(layer: layers.Layer, axis: int) -> Window:
    span = layer.dilation_rate[axis] * (layer.kernel_size[axis] - 1) + 1
    return _sliding(span, layer.strides[axis], layer.padding)


def _pooling(layer: layers.Layer, axis: int) -> Window:
    return _sliding(layer.pool_size[axis], layer.strides[axis], layer.padding)


def _sliding(span: int, stride: int, padding: str) -> Window:
    before = _same_padding(span, stride) if padding == "same" else 0
    return Window(stride, -before, span - 1 - before)


def _same_padding(span: int, stride: int) -> int:
    """Cells that padding="same" puts before inputs whose number is a multiple of the stride."""
    return max(span - stride, 0) // 2


def _transposed_convolution(layer: layers.Layer, axis: int) -> Window | None:
    if layer.output_padding is not None:
        return None
    stride = layer.strides[axis]
    span = layer.dilation_rate[axis] * (layer.kernel_size[axis] - 1) + 1
    before = _same_padding(span, stride) if layer.padding == "same" else 0
    # A kernel smaller than its stride leaves outputs that need no input: grant them one.
    span = max(span, stride)
    return Window(
        Fraction(1, stride), Fraction(before - span + 1, stride), Fraction(before, stride)
    )


def _upsampling(layer: layers.Layer, axis: int) -> Window | None:
    factor = layer.size[axis]
    if layer.interpolation == "nearest":
        return Window(Fraction(1, factor), Fraction(1 - factor, factor), 0)
    if layer.interpolation == "bilinear":
        # The centre of output i lies at (2i + 1 - factor) / (2 factor) between two input centres,
        # or upon one, which then is needed alone.
        return Window(Fraction(1, factor), Fraction(2 - 3 * factor, 2 * factor), Fraction(1, 2))
    return None


def _argmax_pooling(layer: layers.Layer, axis: int) -> Window:
    return _sliding(span=2, stride=2, padding="valid")


def _argmax_unpooling(layer: layers.Layer, axis: int) -> Window:
    return Window(Fraction(1, 2), Fraction(-1, 2), 0)


def _zero_padding(layer: layers.Layer, axis: int) -> Window:
    before, _ = layer.padding[axis]
    return Window(1, -before, -before)


def _cropping(layer: layers.Layer, axis: int) -> Window:
    before, _ = layer.cropping[axis]
    return Window(1, before, before)


Rule = Callable[[layers.Layer, int], Window | None]

RULES: dict[type[layers.Layer], Rule] = {
    **dict.fromkeys(
        (
            AbsoluteDifference,
            AttendedDates,
            DateAttention,
            DatesApart,
            LastBand,
            WhereObserved,
            WithDays,
            layers.Activation,
            layers.ActivityRegularization,
            layers.Add,
            layers.AlphaDropout,
            layers.Average,
            layers.Dense,
            layers.Dropout,
            layers.ELU,
            layers.GaussianDropout,
            layers.GaussianNoise,
            layers.Identity,
            layers.LeakyReLU,
            layers.Maximum,
            layers.Minimum,
            layers.Multiply,
            layers.ReLU,
            layers.Rescaling,
            layers.SpatialDropout2D,
            layers.Subtract,
        ),
        _pointwise,
    ),
    **dict.fromkeys(
        (
            layers.BatchNormalization,
            layers.Concatenate,
            layers.LayerNormalization,
            layers.Normalization,
            layers.Softmax,
        ),
        _across_channels,
    ),
    layers.Conv2D: _convolution,
    layers.DepthwiseConv2D: _convolution,
    layers.SeparableConv2D: _convolution,
    layers.MaxPooling2D: _pooling,
    layers.AveragePooling2D: _pooling,
    layers.Conv2DTranspose: _transposed_convolution,
    layers.UpSampling2D: _upsampling,
    layers.ZeroPadding2D: _zero_padding,
    layers.Cropping2D: _cropping,
    ArgMaxPooling2D: _argmax_pooling,
    ArgMaxUnpooling2D: _argmax_unpooling,
}
"""The window of each class of layers along rows (axis 0) or columns (1); None if unknown.

Classes that are not listed, subclasses included, count as depending on the whole image.
A network file with a layer of its own adds its rule.
"""


def _window(layer: layers.Layer, axis: int) -> Window | None:
    rule = RULES.get(type(layer))
    if rule is None or getattr(layer, "data_format", "channels_last") != "channels_last":
        return None
    return rule(layer, axis)


@dataclass(frozen=True)
class Call:
    """One call of one layer; tensors are numbered.

    Attributes:
        windows: What an output needs along rows and columns; None if that is unknown.
        inputs, outputs: Numbers of the tensors.
        channels: Length of the last axis of each output.
        convolves: Whether the layer slides a kernel of weights.
        composed: Whether the layer is not one of Keras' own, but made of several operations.
    """

    windows: tuple[Window | None, ...]
    inputs: list[int]
    outputs: list[int]
    channels: list[int]
    convolves: bool
    composed: bool


@dataclass
class LayerGraph:
    """The calls of a network's layers in order, nested models opened."""

    inputs: list[int]
    outputs: list[int] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    tensors: int = 0

    @classmethod
    def of(cls, model: keras.Model) -> LayerGraph:
        graph = cls(inputs=[], tensors=len(model.inputs))
        graph.inputs = list(range(len(model.inputs)))
        graph.outputs = graph._append(model, graph.inputs)
        return graph

    def _append(self, model: keras.Model, inputs: list[int]) -> list[int]:
        """Appends the calls of a model applied to `inputs`, and returns its outputs."""
        function = keras.Function(model.inputs, model.outputs)
        number = dict(zip(map(id, function.inputs), inputs, strict=True))
        for node in nodes_in_order(function):
            sources = [number[id(tensor)] for tensor in node.input_tensors]
            layer = node.operation
            if is_nested(layer):
                results = self._append(layer, sources)
            else:
                results = list(range(self.tensors, self.tensors + len(node.output_tensors)))
                self.tensors += len(results)
                windows = tuple(_window(layer, axis) for axis in ROWS_AND_COLUMNS)
                channels = [tensor.shape[-1] for tensor in node.output_tensors]
                convolves = hasattr(layer, "kernel_size")
                composed = not type(layer).__module__.startswith("keras.")
                self.calls.append(Call(windows, sources, results, channels, convolves, composed))
            number.update(zip(map(id, node.output_tensors), results, strict=True))
        return [number[id(tensor)] for tensor in function.outputs]

    def is_local(self) -> bool:
        """Whether the window of every layer is known."""
        return all(None not in call.windows for call in self.calls)

    def scales(self, axis: int) -> dict[int, Fraction]:
        """The cell size of every tensor in pixels; an unknown layer is taken to keep it."""
        scales = {tensor: Fraction(1) for tensor in self.inputs}
        for call in self.calls:
            window = call.windows[axis] or Window()
            scale = max(scales[tensor] for tensor in call.inputs) * window.step
            scales.update(dict.fromkeys(call.outputs, scale))
        return scales

    def stride(self, axis: int) -> int:
        """The largest cell size; where sizes do not divide each other, what they all divide."""
        return math.lcm(*(scale.numerator for scale in self.scales(axis).values()))

    def total_stride(self) -> int:
        """What rows and columns must be multiples of."""
        return math.lcm(*(self.stride(axis) for axis in ROWS_AND_COLUMNS))

    def needs(self, outputs: Interval, axis: int) -> Interval:
        """The pixels that an interval of the network's outputs needs."""
        needed = dict.fromkeys(self.outputs, outputs)
        for call in reversed(self.calls):
            wanted = [needed[tensor] for tensor in call.outputs if tensor in needed]
            if wanted:
                window = call.windows[axis]
                # Callers have asked `is_local`.
                assert window is not None
                interval = window.needs(_hull(wanted))
                for tensor in call.inputs:
                    needed[tensor] = _hull([interval, needed.get(tensor, interval)])
        return _hull([needed[tensor] for tensor in self.inputs if tensor in needed])


def nodes_in_order(function: keras.Function) -> Iterator[Node]:
    """The calls of a function's layers, each after those that it takes its inputs from."""
    # Keras has the order of calls (unlike that of layers, which may be shared) only here.
    depths = sorted(function._nodes_by_depth, reverse=True)
    nodes = (node for depth in depths for node in function._nodes_by_depth[depth])
    return (node for node in nodes if not node.is_input)


def is_nested(layer: layers.Layer) -> bool:
    """Whether a layer is a model with accessible layers."""
    return isinstance(layer, keras.Model) and hasattr(layer, "inputs")


def _hull(intervals: list[Interval]) -> Interval:
    return min(first for first, _ in intervals), max(last for _, last in intervals)
