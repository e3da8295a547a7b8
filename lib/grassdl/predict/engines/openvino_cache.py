# SPDX-License-Identifier: GPL-2.0-or-later
"""Networks that were converted for OpenVINO, cached in the model folder.

A run that finds one there needs neither Keras nor its backend, which take seconds to start and
most of the memory that a small run takes.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import asdict, dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from ...core.schema import checked
from ...io.atomic import StagedFiles, remove_abandoned
from ...io.json_records import read_json, write_json
from ...model.weights import weights_file
from ...runtime.openvino_package import import_openvino, read_network
from .network_facts import NetworkFacts

if TYPE_CHECKING:
    import openvino

CACHE_PREFIX = "openvino-"
"""Prefix of the names of folders with a converted network."""

NETWORK_NAME = "network.xml"
NUMBERS_NAME = "network.bin"
RECORD_NAME = "network.json"

SEAL = "sha256"
"""Entry of the record that ties it to the files beside it and to the model's weights."""

RECORD_VERSION = 4
"""Version of what is cached, and of how networks are converted and compared."""


class ConversionError(ValueError):
    """OpenVINO cannot convert a network."""


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


def cache_folder(folder: Path, layer: str = "") -> Path:
    """Where the converted network of a model is cached; changes with the network and with the
    versions of Keras and OpenVINO.

    Args:
        folder: The model folder.
        layer: Layer whose features the network gives, too, or "".

    Raises:
        ValueError: The model has no network.
    """
    parts = [f"{name} {version(name)}" for name in ("keras", "openvino")]
    parts.append(f"record {RECORD_VERSION}")
    content = weights_file(folder).read_bytes()
    key = hashlib.sha256("\n".join(parts).encode() + content).hexdigest()[:16]
    # A layer's name may be no valid name of a folder.
    suffix = f"-{hashlib.sha256(layer.encode()).hexdigest()[:8]}" if layer else ""
    return folder / f"{CACHE_PREFIX}{key}{suffix}"


def find_cached(cache: Path) -> AnySizeNetwork | None:
    """The network that is cached in a folder; None if there is none, or it is damaged, was changed
    since it was written, or belongs to other weights."""
    try:
        record = read_json(cache / RECORD_NAME, "Record of a converted network")
        seal = record.pop(SEAL, None)
        facts = checked(record, NetworkFacts)
        if seal != _seal(cache, cache, facts):
            return None
        return AnySizeNetwork(facts, read_network(cache / NETWORK_NAME))
    # It is converted again.
    except (OSError, ValueError, TypeError, AttributeError, RuntimeError):
        return None


def _seal(place: Path, cache: Path, facts: NetworkFacts) -> str:
    """A hash of a converted network, its facts, and the weights that it came from.

    Args:
        place: The folder that the network is in now.
        cache: The folder that it is cached in, whose name contains programs and layer.
        facts: Of the network.
    """
    found = hashlib.sha256(f"{cache.name}\n{json.dumps(asdict(facts), sort_keys=True)}".encode())
    for path in (weights_file(cache.parent), place / NETWORK_NAME, place / NUMBERS_NAME):
        with path.open("rb") as file:
            found.update(hashlib.file_digest(file, "sha256").digest())
    return found.hexdigest()


def store(network: AnySizeNetwork, cache: Path) -> None:
    """Put a converted network into the model folder, whole or not at all, and remove older ones;
    those of the same network with features of other layers stay.

    Raises:
        OSError: The folder cannot be written.
    """
    remove_abandoned(cache.parent, f"{CACHE_PREFIX}[^.]*")
    with StagedFiles([cache]) as staged:
        staged.write({cache: partial(_write, network, cache)})
        try:
            staged.name()
        except OSError:
            # Another run has written it meanwhile, or it cannot be read.
            if find_cached(cache) is None:
                shutil.rmtree(cache, ignore_errors=True)
                staged.name()
    key = _key(cache)
    for older in cache.parent.glob(f"{CACHE_PREFIX}*"):
        if _key(older) != key:
            shutil.rmtree(older, ignore_errors=True)


def _write(network: AnySizeNetwork, cache: Path, folder: Path) -> None:
    """Write the files of a converted network to a folder that becomes `cache`."""
    folder.mkdir()
    folder.chmod(cache.parent.stat().st_mode)
    import_openvino().serialize(network.model, str(folder / NETWORK_NAME))
    record = {**asdict(network.facts), SEAL: _seal(folder, cache, network.facts)}
    write_json(folder / RECORD_NAME, record)


def _key(cache: Path) -> str:
    """The part of a name of `cache_folder` for network and programs."""
    return cache.name.split("-")[1]
