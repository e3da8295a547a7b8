# SPDX-License-Identifier: GPL-2.0-or-later
"""OpenVINO without telemetry, and networks read from files and converted from Keras."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from .keras_backend import frozen_graph

if TYPE_CHECKING:
    import keras
    import openvino


def import_openvino() -> openvino:
    """The package, without its telemetry.

    Raises:
        ModuleNotFoundError: It is not installed.
    """
    # As the converter does if the package that sends them is not installed.
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    import openvino

    return openvino


def read_network(path: Path) -> openvino.Model:
    """The network of a file or exported folder, which may be removed afterwards."""
    core = import_openvino().Core()
    # Not mapped: the file may be replaced while it is in use.
    core.set_property({"ENABLE_MMAP": False})
    return core.read_model(str(path))


def converted_network(network: keras.Model) -> openvino.Model:
    """A network of Keras, converted to OpenVINO."""
    # By a file: conversion in memory executes code that Python 3.13 does not support.
    with TemporaryDirectory() as scratch:
        frozen = frozen_graph(network)
        if frozen is None:
            network.export(scratch, format="tf_saved_model", verbose=False)
            return read_network(Path(scratch))
        content, outputs = frozen
        file = Path(scratch, "network.pb")
        file.write_bytes(content)
        return _named(read_network(file), network.inputs[0].name, outputs)


def _named(model: openvino.Model, pixels: str, outputs: Sequence[str]) -> openvino.Model:
    """A network with its outputs in this order, and the names that they have in a SavedModel."""
    results = [model.output(name).node for name in outputs]
    named = import_openvino().Model(results, model.get_parameters(), model.get_friendly_name())
    for place, name in [
        (named.input(), pixels),
        *((output, f"output_{number}") for number, output in enumerate(named.outputs)),
    ]:
        place.get_tensor().set_names({name})
        place.node.set_friendly_name(name)
    return named
