# SPDX-License-Identifier: GPL-2.0-or-later
"""Hidden layers of a network, as features for other classifiers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras
from keras import KerasTensor, layers

from .receptive_field import is_nested, nodes_in_order, reach

LAST = "last"
"""The name that selects the last hidden layer."""

OUTPUT_NAME = "probabilities_and_features"

TRIAL_CELLS = 1024
"""Least edge of the image for which the sizes of layers are computed."""

MOST_TOLD = 8
"""Most layers that a message names."""

Within = tuple[keras.Model, ...]
"""The nested models around a layer, the outermost first."""


def with_features(network: keras.Model, layer: str) -> tuple[keras.Model, str]:
    """A network that also returns the features of one of its hidden layers.

    Args:
        network: From (batch, rows, columns, bands) to class probabilities
            (batch, rows, columns, classes). Nested models are opened.
        layer: Name of a layer that has the resolution of the image. Or `LAST`: what the layer takes
            that makes the scores of the classes; where that is coarser by a whole number, each
            pixel has the features of the coarser one that it lies in.

    Returns:
        The network, weights shared, that gives probabilities and then features
        (batch, rows, columns, classes + features) float32, with the same stride and halo; and the
        name of the layer.

    Raises:
        ValueError: There is no such layer, it has another resolution or a larger halo than the
            classes do, or it is not clear which one is the last.
    """
    hidden = HiddenLayers.of(network)
    chosen, factor = hidden.chosen(layer)
    found = _joined(network, chosen, factor)
    extent, reached = reach(network), reach(found)
    if (reached.stride, reached.halo) != (extent.stride, extent.halo):
        raise ValueError(
            f"Layer <{chosen.name}> has a larger halo than the classes of the network: choose "
            "another one for segment_features"
        )
    return found, chosen.name


@dataclass(frozen=True)
class Hidden:
    """The output of a layer in a network.

    Attributes:
        name: Name of the layer.
        within: The nested models of the call.
        tensor: The result, in the innermost model.
        shape: Its shape for the trial image.
    """

    name: str
    within: Within
    tensor: KerasTensor
    shape: tuple[int | None, ...]


@dataclass(frozen=True)
class HiddenLayers:
    """The layers of a network in the order of their calls.

    Attributes:
        image: Shape of a trial image (1, rows, columns, bands).
        layers: Those that give one map of features, the network's outputs among them.
        last: What the layer takes that makes the scores; None if it is not one alone.
    """

    image: tuple[int, ...]
    layers: list[Hidden]
    last: Hidden | None

    @classmethod
    def of(cls, network: keras.Model) -> HiddenLayers:
        """Those of a network."""
        stride = reach(network).stride
        strides = -(-TRIAL_CELLS // stride)
        # Rows and columns differ, so that a layer that swaps them is detected.
        image = (1, strides * stride, (strides + 1) * stride, network.input_shape[-1])
        found = list(_layers(network, image))
        taken = _taken_by_heads(network)
        last = next((one for one in found if [one.tensor] == taken), None)
        return cls(image, found, last)

    def factor(self, one: Hidden) -> int | None:
        """How many pixels of the image a pixel of a layer has along an edge; None if that is not a
        whole number, or not the same for rows and columns."""
        factors = set()
        for whole, size in zip(self.image[1:3], one.shape[1:3], strict=True):
            if not size or whole % size:
                return None
            factors.add(whole // size)
        return factors.pop() if len(factors) == 1 else None

    def chosen(self, name: str) -> tuple[Hidden, int]:
        """The layer of a name, see `with_features`, and its factor; of several calls the last.

        Raises:
            ValueError: There is none, or it has another resolution.
        """
        chosen: Hidden | None
        if name == LAST:
            if self.last is None:
                raise ValueError(
                    "It is not clear which is the last hidden layer of the network, since not one "
                    f"layer alone makes its scores: name one, such as {self._fitting()}"
                )
            chosen = self.last
        else:
            chosen = next((one for one in reversed(self.layers) if one.name == name), None)
        if chosen is None:
            raise ValueError(
                f"The network has no layer <{name}>: segment_features takes {LAST}, or layers such "
                f"as {self._fitting()}"
            )
        factor = self.factor(chosen)
        if factor is None or (factor != 1 and chosen is not self.last):
            found, wanted = (" x ".join(map(str, one[1:3])) for one in (chosen.shape, self.image))
            raise ValueError(
                f"Layer <{chosen.name}> has not the resolution of the image ({found} for {wanted} "
                f"cells): segment_features takes {LAST}, or layers such as {self._fitting()}"
            )
        return chosen, factor

    def _fitting(self) -> str:
        """Names of layers that have the resolution of the image, those nearest to the scores."""
        end = self.layers.index(self.last) + 1 if self.last else len(self.layers)
        names = [one.name for one in self.layers[:end] if self.factor(one) == 1]
        return ", ".join(list(dict.fromkeys(reversed(names)))[:MOST_TOLD])


def _layers(
    model: keras.Model, shape: tuple[int | None, ...], within: Within = ()
) -> Iterator[Hidden]:
    """The layers of a model for an image of some shape, nested models before their own layers."""
    nodes = list(nodes_in_order(keras.Function(model.inputs, model.outputs)))
    tensors = [tensor for node in nodes for tensor in node.output_tensors]
    told = keras.Function(model.inputs, tensors).compute_output_spec([KerasTensor(shape)])
    shapes = {id(one): spec.shape for one, spec in zip(tensors, told, strict=True)}
    shapes[id(model.inputs[0])] = shape
    for node in nodes:
        layer, result = node.operation, node.output_tensors[0]
        if len(node.output_tensors) == 1 and len(shapes[id(result)]) == len(shape):
            yield Hidden(layer.name, within, result, shapes[id(result)])
        if is_nested(layer) and len(node.input_tensors) == 1:
            yield from _layers(layer, shapes[id(node.input_tensors[0])], (*within, layer))


def _taken_by_heads(model: keras.Model) -> list[KerasTensor]:
    """What the layers take that make scores: from the output back the first that have a kernel."""
    nodes = nodes_in_order(keras.Function(model.inputs, model.outputs))
    made_by = {id(tensor): node for node in nodes for tensor in node.output_tensors}
    taken: dict[int, list[KerasTensor]] = {}
    waiting = list(model.outputs)
    while waiting:
        tensor = waiting.pop()
        if id(tensor) not in made_by:
            continue
        node = made_by[id(tensor)]
        if is_nested(node.operation) and (inner := _taken_by_heads(node.operation)):
            taken[id(node)] = inner
        elif not is_nested(node.operation) and _has_kernel(node.operation):
            taken[id(node)] = node.input_tensors
        else:
            waiting += node.input_tensors
    return [tensor for tensors in taken.values() for tensor in tensors]


def _has_kernel(layer: layers.Layer) -> bool:
    """Whether a layer mixes channels; scales and offsets have one axis only."""
    return any(len(weights.shape) > 1 for weights in layer.weights)


def _joined(network: keras.Model, hidden: Hidden, factor: int) -> keras.Model:
    """The network that gives the features of a layer after its probabilities."""
    both = _with_output(network, hidden.within, hidden.tensor)
    probabilities, features = both.outputs
    if factor > 1:
        features = layers.UpSampling2D(factor, name=f"{OUTPUT_NAME}_up")(features)
    join = layers.Concatenate(dtype="float32", name=OUTPUT_NAME)
    return keras.Model(both.inputs[0], join([probabilities, features]), name=network.name)


def _with_output(model: keras.Model, within: Within, tensor: KerasTensor) -> keras.Model:
    """A model that also returns an inner tensor; see `Hidden` for its location."""
    if not within:
        return keras.Model(model.inputs[0], [*model.outputs, tensor], name=model.name)
    nested, *deeper = within
    replaced = _with_output(nested, tuple(deeper), tensor)
    found = []

    def call(layer: layers.Layer, *arguments: Any, **named: Any) -> Any:
        if layer is not nested:
            return layer(*arguments, **named)
        result, inside = replaced(*arguments, **named)
        found.append(inside)
        return result

    # A sequential model cannot be copied with its calls changed, one of the same graph can.
    whole = keras.Model(model.inputs[0], model.outputs, name=model.name)
    copy = keras.models.clone_model(whole, clone_function=lambda one: one, call_function=call)
    return keras.Model(copy.inputs[0], [*copy.outputs, found[-1]], name=model.name)
