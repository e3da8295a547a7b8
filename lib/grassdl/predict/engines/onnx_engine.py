# SPDX-License-Identifier: GPL-2.0-or-later
"""Networks that are ONNX files, as engines take them: read by OpenVINO, without Keras."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from ...core.readers import by_layers
from ...model.ensemble import Member
from ...model.onnx_network import OnnxNetwork, in_window, read_onnx
from ...model.weights import weights_file
from .keras_engine import Engine, OneByOne
from .network_facts import NetworkFacts

if TYPE_CHECKING:
    import openvino

SAMPLED_EDGE = 256
"""Edge of the window whose memory is estimated, if the network takes any size."""

VALUE_BYTES = {"float32": 4, "bfloat16": 2}


@dataclass(frozen=True)
class ReadOnnx:
    """A network with what tiling and memory depend on.

    Attributes:
        network: The network.
        facts: Its facts.
    """

    network: OnnxNetwork
    facts: NetworkFacts

    def for_windows_of(self, shape: tuple[int, ...]) -> openvino.Model:
        """The network for windows (rows, cols, bands) of one size."""
        return self.network.for_windows_of(shape)


def onnx_of(member: Member) -> ReadOnnx:
    """The network of an imported model; its reach is taken from the card.

    Raises:
        ValueError: The file is damaged, or not the one that the card describes.
        ModuleNotFoundError: OpenVINO is not installed.
    """
    card = member.card
    assert card.onnx is not None
    network = read_onnx(weights_file(member.folder))
    if network.window != card.onnx.window:
        raise ValueError(
            f"Model <{member.folder}> mixes two models: its network takes images of another size "
            "than its model.json says; import it again"
        )
    values = _values_per_cell(network, card.stride)
    facts = NetworkFacts(
        network.bands,
        network.classes,
        card.stride,
        card.halo,
        card.receptive_field,
        {precision: values * size for precision, size in VALUE_BYTES.items()},
    )
    facts.check(card)
    return ReadOnnx(network, facts)


def _values_per_cell(network: OnnxNetwork, stride: int) -> float:
    """The most values that live at once while the network computes, for each cell of a window.

    Operations are taken in OpenVINO's order; each counts twice its inputs and outputs, as
    convolutions of Keras do.
    """
    edge = network.window or -(-SAMPLED_EDGE // stride) * stride
    model = network.for_windows_of((edge, edge, network.bands))
    operations = [one for one in model.get_ordered_ops() if one.get_type_name() != "Constant"]
    last_use: dict[str, int] = {}
    sizes: dict[str, int] = {}
    takes: list[list[str]] = []
    for place, one in enumerate(operations):
        taken = [end.get_source_output().get_node().get_friendly_name() for end in one.inputs()]
        takes.append([name for name in taken if name in sizes])
        last_use.update(dict.fromkeys(takes[-1], place))
        sizes[one.get_friendly_name()] = sum(_values(end) for end in one.outputs())
    alive: set[str] = set()
    most = 0
    for place, one in enumerate(operations):
        name = one.get_friendly_name()
        alive.add(name)
        copies = sum(sizes[other] for other in {name, *takes[place]})
        most = max(most, sum(sizes[other] for other in alive) + copies)
        alive = {other for other in alive if last_use.get(other, place) > place}
    return most / edge**2


def _values(end: openvino.Output) -> int:
    """The values of a result; 0 if its size is unknown, as of shapes."""
    shape = end.get_partial_shape()
    return 0 if shape.is_dynamic else prod(end.get_shape())


class FixedWindowEngine(OneByOne):
    """An engine of a network that takes images of one size. Use it for windows up to that size.

    Smaller windows, at the right and lower edges of the maps, are filled up with band means.

    Args:
        engine: Computes the network.
        window: Edge of the images in cells.
        fill: Value of every band.
    """

    prepares_each_size = True

    def __init__(self, engine: Engine, window: int, fill: np.ndarray):
        self._engine, self._window, self._fill = engine, window, fill

    def prepare(self, shape: tuple[int, int, int]) -> None:
        """See `Engine.prepare`."""
        self._engine.prepare((self._window, self._window, shape[-1]))

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """See `Engine`."""
        rows, cols = values.shape[:2]
        result = self._engine(by_layers(in_window(values, self._window, self._fill)))
        return result[:rows, :cols]
