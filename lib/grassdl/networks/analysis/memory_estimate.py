# SPDX-License-Identifier: GPL-2.0-or-later
"""The memory that a network takes while it computes, from its layer graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .receptive_field import ROWS_AND_COLUMNS, Call, LayerGraph

if TYPE_CHECKING:
    import keras

VALUE_BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
"""Bytes of a value of a layer's output, by the precision that a network is computed in."""

COMPOSED_COPIES = 4
"""Copies of its inputs and outputs that a layer made of several operations takes while they are
computed, in float32 whatever the precision: measured with OpenVINO, which keeps most of them apart,
on SegNet's pooling."""


def working_bytes(model: keras.Model, precision: str = "float32") -> float:
    """Memory in bytes, for each pixel of the input, that the network takes while it computes.

    That is the most that lives at once of the layers' outputs: layers are taken in the order in
    which Keras calls them, and an output lives until the last layer that takes it has been called.
    A convolution counts a second copy of its inputs and outputs, since backends bring them into
    an order of their own, and a layer of several operations `COMPOSED_COPIES`.

    Args:
        model: As `reach` takes it.
        precision: A key of `VALUE_BYTES`.
    """
    graph = LayerGraph.of(model)
    scales = [graph.scales(axis) for axis in ROWS_AND_COLUMNS]

    def size(tensor: int, channels: int) -> float:
        return channels / float(scales[0][tensor] * scales[1][tensor])

    sizes = {number: size(number, one.shape[-1]) for number, one in enumerate(model.inputs)}
    for call in graph.calls:
        for tensor, channels in zip(call.outputs, call.channels, strict=True):
            sizes[tensor] = size(tensor, channels)
    return _most_at_once(graph, sizes, VALUE_BYTES[precision])


def _most_at_once(graph: LayerGraph, sizes: dict[int, float], value_bytes: int) -> float:
    """The most bytes that the tensors take which live during one of the calls; sizes in values."""
    last_use = {tensor: place for place, call in enumerate(graph.calls) for tensor in call.inputs}
    last_use.update(dict.fromkeys(graph.outputs, len(graph.calls)))
    alive = set(graph.inputs)
    most = 0.0
    for place, call in enumerate(graph.calls):
        alive.update(call.outputs)
        held = value_bytes * sum(sizes[tensor] for tensor in alive)
        most = max(most, held + _copies(call, sizes, value_bytes))
        alive = {tensor for tensor in alive if last_use.get(tensor, place) > place}
    return most


def _copies(call: Call, sizes: dict[int, float], value_bytes: int) -> float:
    """The bytes of the copies of its inputs and outputs that a call takes."""
    values = sum(sizes[tensor] for tensor in {*call.inputs, *call.outputs})
    if call.composed:
        return COMPOSED_COPIES * VALUE_BYTES["float32"] * values
    return value_bytes * values if call.convolves else 0
