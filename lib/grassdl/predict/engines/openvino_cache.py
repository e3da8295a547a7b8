# SPDX-License-Identifier: GPL-2.0-or-later
"""Networks that were converted for OpenVINO, kept in the model folder.

A run that finds one there needs neither Keras nor its backend, which take seconds to start and
most of the memory that a small run takes.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from dataclasses import asdict, dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from ...core.schema import checked
from ...io.json_records import read_json, write_json
from ...io.locks import Hold, abandoned
from ...model.weights import weights_file
from .network_facts import NetworkFacts

if TYPE_CHECKING:
    import openvino

KEPT_PREFIX = "openvino-"
"""What the name of a folder with a converted network begins with."""

NETWORK_NAME = "network.xml"
NUMBERS_NAME = "network.bin"
RECORD_NAME = "network.json"

SEAL = "sha256"
"""Entry of the record that ties it to the files beside it and to the model's weights."""

RECORD_VERSION = 4
"""Changes with what is kept, and with how networks are converted and compared."""


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


@dataclass(frozen=True)
class AnySizeNetwork:
    """A network of OpenVINO for windows of any size.

    Attributes:
        facts: Of the network.
        model: Takes windows of any size.
    """

    facts: NetworkFacts
    model: openvino.Model

    def for_windows_of(self, shape: tuple[int, ...]) -> openvino.Model:
        """The network for windows (rows, cols, bands) of one size: OpenVINO computes those faster
        than windows of any."""
        model = self.model.clone()
        model.reshape([1, *shape])
        return model


def kept_folder(folder: Path, layer: str = "") -> Path:
    """Where the converted network of a model is kept; changes with the network and with the
    versions of Keras and OpenVINO.

    Args:
        folder: The model folder.
        layer: Layer whose features the network gives, too, or "".

    Raises:
        ValueError: The model has no network.
    """
    told = [f"{name} {version(name)}" for name in ("keras", "openvino")]
    told.append(f"record {RECORD_VERSION}")
    content = weights_file(folder).read_bytes()
    key = hashlib.sha256("\n".join(told).encode() + content).hexdigest()[:16]
    # A layer may have a name that no folder can have.
    suffix = f"-{hashlib.sha256(layer.encode()).hexdigest()[:8]}" if layer else ""
    return folder / f"{KEPT_PREFIX}{key}{suffix}"


def find_kept(kept: Path) -> AnySizeNetwork | None:
    """The network that is kept in a folder, or None where there is none that can be read, or one
    that was changed since it was kept, or belongs to other weights."""
    try:
        record = read_json(kept / RECORD_NAME, "Record of a converted network")
        seal = record.pop(SEAL, None)
        facts = checked(record, NetworkFacts)
        if seal != _seal(kept, kept, facts):
            return None
        return AnySizeNetwork(facts, read_network(kept / NETWORK_NAME))
    # It is converted anew, whatever is wrong with it.
    except (OSError, ValueError, TypeError, AttributeError, RuntimeError):
        return None


def _seal(place: Path, kept: Path, facts: NetworkFacts) -> str:
    """A hash of a converted network, what is told of it, and the weights that it came from.

    Args:
        place: The folder that the network is in now.
        kept: The folder that it is kept in, whose name tells the programs and the layer.
        facts: Of the network.
    """
    found = hashlib.sha256(f"{kept.name}\n{json.dumps(asdict(facts), sort_keys=True)}".encode())
    for path in (weights_file(kept.parent), place / NETWORK_NAME, place / NUMBERS_NAME):
        with path.open("rb") as file:
            found.update(hashlib.file_digest(file, "sha256").digest())
    return found.hexdigest()


def read_network(path: Path) -> openvino.Model:
    """The network of a file or exported folder, which may then go."""
    core = import_openvino().Core()
    # Not mapped: the file may be replaced while it is in use.
    core.set_property({"ENABLE_MMAP": False})
    return core.read_model(str(path))


def keep(network: AnySizeNetwork, kept: Path) -> None:
    """Put a converted network into the model folder, whole or not at all, and older ones away;
    those of the same network with features of other layers stay.

    Raises:
        OSError: The folder cannot be written.
    """
    _remove_debris(kept.parent)
    hold = Hold(partial(_lock_of, kept.parent))
    part = kept.with_name(f".{KEPT_PREFIX}{hold.word}")
    try:
        part.mkdir()
        part.chmod(kept.parent.stat().st_mode)
        import_openvino().serialize(network.model, str(part / NETWORK_NAME))
        record = {**asdict(network.facts), SEAL: _seal(part, kept, network.facts)}
        write_json(part / RECORD_NAME, record)
        _put(part, kept)
    finally:
        shutil.rmtree(part, ignore_errors=True)
        hold.release()
    key = _key(kept)
    for older in kept.parent.glob(f"{KEPT_PREFIX}*"):
        if _key(older) != key:
            shutil.rmtree(older, ignore_errors=True)


def _key(kept: Path) -> str:
    """What a name of `kept_folder` tells of the network and the programs."""
    return kept.name.split("-")[1]


def _put(part: Path, kept: Path) -> None:
    try:
        part.rename(kept)
    except OSError:
        # Another run was faster, or what is there cannot be read.
        if find_kept(kept) is None:
            shutil.rmtree(kept, ignore_errors=True)
            part.rename(kept)


def _remove_debris(folder: Path) -> None:
    """Remove what killed runs left."""
    names = [path.name for path in folder.glob(f".{KEPT_PREFIX}*")]
    words = [name.removeprefix(f".{KEPT_PREFIX}").removesuffix(".lock") for name in names]
    for word in abandoned(filter(str.isdigit, words), partial(_lock_of, folder)):
        shutil.rmtree(folder / f".{KEPT_PREFIX}{word}", ignore_errors=True)


def _lock_of(folder: Path, word: str) -> Path:
    return folder / f".{KEPT_PREFIX}{word}.lock"
