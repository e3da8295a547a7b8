# SPDX-License-Identifier: GPL-2.0-or-later
"""What a training run is about, so that it is resumed with the same data and settings only."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np

from ... import __version__
from ...core.text import listed
from ...dataset.patchset import JoinedPatchSets
from ..config.settings import Settings
from ..optimization.precision import resolve
from ..optimization.transfer import digest

HARMLESS = ("nprocs",)
"""Settings that may change: the weights then differ by rounding."""


def identity(data: JoinedPatchSets, settings: Settings, processes: int) -> dict:
    """What decides about the weights that come out, as a JSON object.

    Args:
        data: The datasets.
        settings: Network and recipe.
        processes: How many train together; each draws its own augmentation.
    """
    backend = keras.backend.backend()
    settled = {**settings.to_json(), "precision": resolve(settings.precision)}
    told = {
        "datasets": data.ids,
        "bands": [band.name for band in data.bands],
        "settings": settled,
        "network_file": _digest_of_file(settings.network_file),
        "model": digest(settings.model) if settings.model else None,
        "processes": processes,
        "versions": {
            "i.dl": __version__,
            "keras": keras.version(),
            backend: sys.modules[backend].__version__,
            "numpy": np.__version__,
        },
    }
    # As it will be read again: with lists instead of tuples.
    return json.loads(json.dumps(told))


def check_same(begun: dict, now: dict, warn: Callable[[str], None]) -> None:
    """Check that an unfinished run can be resumed.

    Args:
        begun: The identity of the run.
        now: That of the call that is to resume it.
        warn: Takes a line about what may change the weights by rounding.

    Raises:
        ValueError: It is about something else; the message tells what.
    """
    changed = _differences(begun["settings"], now["settings"], HARMLESS)
    for key, sentence in (
        ("datasets", "the datasets have changed since, or are others"),
        ("bands", f"it began with the bands {listed(begun['bands'])}"),
        ("settings", f"it began with {', '.join(changed)}"),
        ("network_file", "the network file has changed since"),
        ("model", "the model to start from has changed since"),
        ("processes", f"it began with processes={begun['processes']}"),
    ):
        if changed if key == "settings" else begun[key] != now[key]:
            raise ValueError(
                f"The unfinished training cannot be resumed: {sentence}. Call it as it was "
                "called, or leave out -r to begin anew"
            )
    drifted = _differences(begun["versions"], now["versions"])
    drifted += _differences(
        {name: begun["settings"][name] for name in HARMLESS},
        {name: now["settings"][name] for name in HARMLESS},
    )
    if drifted:
        warn(
            f"The training began with {', '.join(drifted)}: its weights may differ by rounding "
            "from those of an undisturbed run"
        )


def _differences(before: dict, now: dict, but: tuple[str, ...] = ()) -> list[str]:
    """What differs, as "name=before instead of now"."""
    return [
        f"{name}={_told(before.get(name))} instead of {_told(now.get(name))}"
        for name in dict.fromkeys([*before, *now])
        if name not in but and before.get(name) != now.get(name)
    ]


def _told(value: object) -> str:
    if isinstance(value, dict):
        return ",".join(f"{name}:{_told(one)}" for name, one in value.items()) or "none"
    if isinstance(value, list):
        return ",".join(map(str, value)) or "none"
    return "none" if value is None else str(value)


def _digest_of_file(path: str | None) -> str | None:
    if path is None:
        return None
    file = Path(path).expanduser()
    if not file.is_file():
        raise ValueError(f"Network file <{file}> not found")
    return hashlib.sha256(file.read_bytes()).hexdigest()
