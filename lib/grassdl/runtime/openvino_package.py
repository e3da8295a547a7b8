# SPDX-License-Identifier: GPL-2.0-or-later
"""OpenVINO as all of the toolset uses it: without telemetry, and networks read from files."""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras
    import openvino


def import_openvino() -> openvino:
    """The package, without its telemetry.

    Raises:
        ModuleNotFoundError: It is not installed.
    """
    # What the converter does without the package that sends them.
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    import openvino

    return openvino


def read_network(path: Path) -> openvino.Model:
    """The network of a file or exported folder, which may then go."""
    core = import_openvino().Core()
    # Not mapped: the file may be replaced while it is in use.
    core.set_property({"ENABLE_MMAP": False})
    return core.read_model(str(path))


def converted_network(network: keras.Model) -> openvino.Model:
    """A network of Keras as OpenVINO has it."""
    # Through a file: what OpenVINO takes in memory it takes by code that Python 3.13 cannot run.
    with TemporaryDirectory() as scratch:
        network.export(scratch, format="tf_saved_model", verbose=False)
        return read_network(Path(scratch))
