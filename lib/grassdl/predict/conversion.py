# SPDX-License-Identifier: GPL-2.0-or-later
"""A network of Keras as OpenVINO takes it: converted once, and kept in the model folder."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from ..files import alive
from ..model import WEIGHTS_NAME
from .engines import for_windows_of, interpolates

if TYPE_CHECKING:
    import keras
    import openvino

KEPT_PREFIX = "openvino-"
"""What the name of a folder with a converted network begins with."""

NETWORK_NAME = "network.xml"

AGREEMENT = 1e-3
"""Mean difference of probabilities that rounding may make; in single cells of networks with huge
scores it makes more."""


class ConversionError(ValueError):
    """OpenVINO cannot take over a network."""


def import_openvino() -> openvino:
    """The package, kept from telling its maker of every conversion.

    Raises:
        ModuleNotFoundError: It is not installed.
    """
    # What the converter does without the package that sends them.
    sys.modules.setdefault("openvino_telemetry", None)
    import openvino

    return openvino


class ConvertedNetwork:
    """The network of a model, converted and compared with the one of Keras.

    A network that interpolates is converted for every size of window anew, because Keras exports
    it for one size only; that is not kept.

    Args:
        network: As `model.load_network` gives it.
        folder: Its model folder, where the converted network is kept if it can be written.
        trial: A window of likely values (rows, cols, bands) float32 on which both are compared.
        tell: Takes a line for the user.
        layer: Name of the layer whose features the network also gives, or "".

    Raises:
        ConversionError: It cannot be converted, or gives another result.
    """

    def __init__(
        self,
        network: keras.Model,
        folder: Path,
        trial: np.ndarray,
        tell: Callable[[str], None],
        layer: str = "",
    ):
        self._network = network
        self._core = import_openvino().Core()
        self._any_size: openvino.Model | None = None
        try:
            if interpolates(network):
                self._compare(trial)
                return
            kept = folder / f"{KEPT_PREFIX}{_key(folder)}{_suffix(layer)}"
            if (kept / NETWORK_NAME).is_file():
                self._any_size = self._read(kept)
            else:
                self._convert(kept, trial, tell)
        except ConversionError:
            raise
        # The converter is many programs, each with errors of its own.
        except Exception as error:
            first_line = next(iter(str(error).strip().splitlines()), repr(error))
            raise ConversionError(
                f"OpenVINO cannot take over the network of this model ({first_line})"
            ) from error

    def for_windows_of(self, shape: tuple[int, ...]) -> openvino.Model:
        """The network for windows (rows, cols, bands) of one size: OpenVINO computes those faster
        than windows of any."""
        if self._any_size is None:
            with TemporaryDirectory() as scratch:
                _export(for_windows_of(self._network, shape), Path(scratch))
                return self._read(Path(scratch))
        model = self._any_size.clone()
        model.reshape([1, *shape])
        return model

    def _convert(self, kept: Path, trial: np.ndarray, tell: Callable[[str], None]) -> None:
        """Convert, compare, and keep what was converted if the model folder lets us."""
        with TemporaryDirectory() as scratch:
            converted = Path(scratch)
            _export(self._network, converted)
            self._any_size = self._read(converted)
            self._compare(trial)
            try:
                _keep(converted, kept)
            except OSError as error:
                tell(
                    f"Model folder <{kept.parent}> cannot be written ({error.strerror}): the "
                    "network is converted for OpenVINO in every run"
                )

    def _read(self, folder: Path) -> openvino.Model:
        """The network in a folder, which may then go; its probabilities are its first result.

        Other results, which a network of layers with several has, would be computed in vain.
        """
        openvino = import_openvino()
        # Not mapped: the file may be replaced while it is in use.
        self._core.set_property({"ENABLE_MMAP": False})
        found = self._core.read_model(folder / NETWORK_NAME)
        return openvino.Model([found.output(0)], found.get_parameters(), "network")

    def _compare(self, window: np.ndarray) -> None:
        expected = np.array(self._network(window[None]))[0]
        model = self.for_windows_of(window.shape)
        compiled = self._core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        found = compiled([window[None]])[0][0]
        # Features may be large numbers, probabilities are not.
        scale = np.maximum(np.abs(expected).mean(axis=(0, 1)), 1)
        difference = (np.abs(found - expected) / scale).mean()
        # Not "greater": NaN is no agreement.
        if not difference <= AGREEMENT:
            raise ConversionError(
                "OpenVINO gives another result for the network of this model: probabilities differ "
                f"by {difference:.2g}"
            )


def _export(network: keras.Model, folder: Path) -> None:
    network.export(str(folder / NETWORK_NAME), format="openvino", verbose=False)


def _key(folder: Path) -> str:
    """Changes with the network and with the programs that convert and read it."""
    told = [f"{name} {version(name)}" for name in ("keras", "openvino")]
    content = (folder / WEIGHTS_NAME).read_bytes()
    return hashlib.sha256("\n".join(told).encode() + content).hexdigest()[:16]


def _suffix(layer: str) -> str:
    """Tells networks with features apart; a layer may have a name that no folder can have."""
    return f"-{hashlib.sha256(layer.encode()).hexdigest()[:8]}" if layer else ""


def _keep(converted: Path, kept: Path) -> None:
    """Put a converted network into the model folder, whole or not at all, and older ones away.

    Those of the same model with other features stay.
    """
    _remove_debris(kept.parent)
    part = kept.with_name(f".{KEPT_PREFIX}{os.getpid()}")
    try:
        shutil.copytree(converted, part)
        part.chmod(kept.parent.stat().st_mode)
        part.rename(kept)
    except OSError:
        # Another run may have been faster.
        if not kept.is_dir():
            raise
    finally:
        shutil.rmtree(part, ignore_errors=True)
    key = kept.name.split("-")[1]
    for older in kept.parent.glob(f"{KEPT_PREFIX}*"):
        if older.name.split("-")[1] != key:
            shutil.rmtree(older, ignore_errors=True)


def _remove_debris(folder: Path) -> None:
    """Remove what killed runs left; in containers the number of this process may be theirs."""
    for part in folder.glob(f".{KEPT_PREFIX}*"):
        pid = part.name.removeprefix(f".{KEPT_PREFIX}")
        if pid.isdigit() and (int(pid) == os.getpid() or not alive(int(pid))):
            shutil.rmtree(part, ignore_errors=True)
