# SPDX-License-Identifier: GPL-2.0-or-later
"""ONNX networks of any layout, adapted to that of i.dl: raw band values in, class probabilities
out, bands and classes last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from .onnx_file import opset

if TYPE_CHECKING:
    import onnx

Activation = Literal["none", "softmax", "shares", "sigmoid shares", "second", "sigmoid", "index"]
"""What makes probabilities. Of an output for each class: nothing; a softmax of scores; or division
by the sum of shares that do not add up to 1, or of the sigmoids of scores. Of one output: the
probability of the second of two classes as it is, or the sigmoid of its score; or the class
index."""

OF_ONE_OUTPUT = ("second", "sigmoid", "index")
"""Those of one output."""

SMALLEST_SHARE = 1e-7
"""Is added to shares before they are divided by their sum, which may be 0."""

FIRST, LAST = (0, 3, 1, 2), (0, 2, 3, 1)
"""Permutations that bring bands from the last place to the second, and back."""


@dataclass(frozen=True)
class Entry:
    """The input of a network.

    Attributes:
        name: Name of the input.
        type: ONNX's number of the type of its values.
        bands: Number of bands.
        channels_first: Whether bands come before rows and columns.
        window: Edge of the images; None for any.
    """

    name: str
    type: int
    bands: int
    channels_first: bool
    window: int | None


def entry_of(model: onnx.ModelProto, bands: int | None) -> Entry:
    """The entry of a network.

    Args:
        model: The network.
        bands: Number of bands, if it is known.

    Raises:
        ValueError: It does not take images, or not of these bands.
    """
    weights = {one.name for one in model.graph.initializer}
    inputs = [one for one in model.graph.input if one.name not in weights]
    for what, found in (("inputs", inputs), ("outputs", model.graph.output)):
        if len(found) != 1:
            raise ValueError(f"The network has {len(found)} {what}: one is expected")
    kind = inputs[0].type.tensor_type
    if len(kind.shape.dim) != 4:
        raise ValueError(
            f"The network takes arrays of {len(kind.shape.dim)} dimensions: 4 are expected, (1, "
            "bands, rows, columns) or (1, rows, columns, bands)"
        )
    batch, *sizes = (one.dim_value or None for one in kind.shape.dim)
    if batch not in (None, 1):
        raise ValueError(f"The network takes {batch} images at once: export it for one, or any")
    return Entry(inputs[0].name, kind.elem_type, *_layout(sizes, bands))


def _layout(sizes: Sequence[int | None], bands: int | None) -> tuple[int, bool, int | None]:
    """Number of bands, whether they come first, and the edge of the images, of three sizes.

    If the number of bands is not known, the two equal sizes are rows and columns.
    """
    shown = " x ".join(str(one or "any") for one in sizes)
    one, middle, other = sizes
    fits = {
        True: one is not None and (one == bands or bands is None) and middle == other,
        False: other is not None and (other == bands or bands is None) and one == middle,
    }
    if sum(fits.values()) != 1:
        wanted = f"{bands} bands" if bands else "their bands"
        raise ValueError(
            f"The network takes images of {shown}: these are not {wanted} before or after equally "
            "many rows and columns, or of any number"
        )
    found = one if fits[True] else other
    assert found is not None
    return found, fits[True], middle


@dataclass(frozen=True)
class Ending:
    """How the output of a network becomes probabilities.

    Attributes:
        channels_first: Whether classes come before rows and columns.
        rank: Number of dimensions of the result: 3 where there is one value for each cell.
        activation: What makes probabilities.
        order: Index of the output of each class, in the order of the class values.
    """

    channels_first: bool
    rank: int
    activation: Activation
    order: tuple[int, ...]


class _Nodes:
    """A chain of nodes, whose results are numbered."""

    def __init__(self, graph: onnx.GraphProto, value: str, prefix: str):
        self.nodes: list[onnx.NodeProto] = []
        self.value, self._graph, self._prefix = value, graph, prefix

    def add(self, kind: str, *others: str, before: bool = False, **attributes: object) -> str:
        """Add a node; returns its result.

        Args:
            kind: The operator.
            others: What it takes besides the last value.
            before: Whether these come first.
            attributes: Of the operator.
        """
        from onnx import helper

        taken = [*others, self.value] if before else [self.value, *others]
        self.value = f"{self._prefix}{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, taken, [self.value], **attributes))
        return self.value

    def constant(self, name: str, values: np.ndarray) -> str:
        """Add a constant; returns its name."""
        from onnx import numpy_helper

        full = f"{self._prefix}{name}"
        self._graph.initializer.append(numpy_helper.from_array(values, full))
        return full


def with_entry(
    model: onnx.ModelProto, entry: Entry, scale: np.ndarray, offset: np.ndarray
) -> onnx.ModelProto:
    """A network that takes raw values (1, rows, cols, bands) float32, with the same output.

    Args:
        model: The network.
        entry: As `entry_of` gives it.
        scale, offset: Of each band, (bands,).
    """
    from onnx import ModelProto, TensorProto, helper

    changed = ModelProto()
    changed.CopyFrom(model)
    graph = changed.graph
    prefix = _prefix(model, "entry")
    nodes = _Nodes(graph, f"{prefix}image", prefix)
    shape = [1, entry.window or "rows", entry.window or "cols", entry.bands]
    image = helper.make_tensor_value_info(nodes.value, TensorProto.FLOAT, shape)
    if (scale != 1).any():
        nodes.add("Mul", nodes.constant("scale", scale.astype(np.float32)))
    if (offset != 0).any():
        nodes.add("Add", nodes.constant("offset", offset.astype(np.float32)))
    if entry.channels_first:
        nodes.add("Transpose", perm=FIRST)
    # The output of the last node is the input of the network.
    nodes.add("Cast", to=entry.type)
    nodes.nodes[-1].output[0] = entry.name
    weights = [one for one in graph.input if one.name != entry.name]
    del graph.input[:], graph.value_info[:]
    graph.input.extend([image, *weights])
    inner = list(graph.node)
    del graph.node[:]
    graph.node.extend([*nodes.nodes, *inner])
    return changed


def with_ending(model: onnx.ModelProto, ending: Ending) -> onnx.ModelProto:
    """A network that gives probabilities (1, rows, cols, classes) float32."""
    from onnx import ModelProto, TensorProto, helper

    changed = ModelProto()
    changed.CopyFrom(model)
    graph = changed.graph
    nodes = _Nodes(graph, graph.output[0].name, _prefix(model, "ending"))
    classes = len(ending.order)
    if ending.rank == 3:
        _add_axis(nodes, opset(model))
    elif ending.channels_first:
        nodes.add("Transpose", perm=LAST)
    if ending.activation == "index":
        nodes.add("Cast", to=TensorProto.INT64)
        nodes.add("Equal", nodes.constant("places", np.arange(classes)))
    nodes.add("Cast", to=TensorProto.FLOAT)
    _add_activation(nodes, ending.activation, classes)
    if ending.order != tuple(range(classes)):
        nodes.add("Gather", nodes.constant("order", np.array(ending.order)), axis=3)
    sizes = [one.dim_value or one.dim_param for one in graph.input[0].type.tensor_type.shape.dim]
    del graph.output[:], graph.value_info[:]
    told = helper.make_tensor_value_info(nodes.value, TensorProto.FLOAT, [*sizes[:3], classes])
    graph.output.append(told)
    graph.node.extend(nodes.nodes)
    return changed


def _add_axis(nodes: _Nodes, version: int) -> None:
    """Add an axis for the classes, as the version of the operators has it."""
    if version >= 13:
        nodes.add("Unsqueeze", nodes.constant("axis", np.array([3])))
    else:
        nodes.add("Unsqueeze", axes=[3])


def _add_activation(nodes: _Nodes, activation: Activation, classes: int) -> None:
    """Add the activation; a result of one output becomes two."""
    if activation == "softmax":
        nodes.add("Softmax", axis=3)
    elif activation in ("shares", "sigmoid shares"):
        if activation == "sigmoid shares":
            nodes.add("Sigmoid")
        small = nodes.constant("smallest", np.array(SMALLEST_SHARE, np.float32))
        shares = nodes.add("Add", small)
        # The sum over the classes, in as many copies: ReduceSum differs from version to version.
        sums = nodes.add("MatMul", nodes.constant("ones", np.ones((classes, classes), np.float32)))
        nodes.value = shares
        nodes.add("Div", sums)
    elif activation in ("sigmoid", "second"):
        second = nodes.add("Sigmoid") if activation == "sigmoid" else nodes.value
        nodes.add("Sub", nodes.constant("one", np.array(1, np.float32)), before=True)
        nodes.add("Concat", second, axis=3)


def _prefix(model: onnx.ModelProto, word: str) -> str:
    """A prefix that no name of a network has."""
    names = {name for node in model.graph.node for name in (*node.input, *node.output)}
    names |= {one.name for one in (*model.graph.initializer, *model.graph.input)}
    prefix = f"idl_{word}_"
    while any(name.startswith(prefix) for name in names):
        prefix += "_"
    return prefix
