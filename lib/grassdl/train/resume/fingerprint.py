# SPDX-License-Identifier: GPL-2.0-or-later
"""What a training depends on, so that it is only resumed with the same data and settings."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np

from ... import __version__
from ...core.text import listed
from ...dataset.patchset import JoinedPatchSets
from ...io.folders import file_digest
from ...io.resume import changes, check_unchanged
from ...model.ensemble import open_model
from ...networks.encoders import catalog
from ..config.settings import Settings
from ..optimization.precision import resolve
from ..optimization.transfer import digest
from .run_folder import Description


def description(data: JoinedPatchSets, settings: Settings, processes: int) -> Description:
    """What is recorded of a training when it starts.

    Args:
        data: The datasets.
        settings: Network and recipe.
        processes: How many train together; each draws its own augmentation.
    """
    return {
        "fingerprint": run_fingerprint(data, settings, processes),
        "environment": environment(settings),
    }


def run_fingerprint(data: JoinedPatchSets, settings: Settings, processes: int) -> dict[str, str]:
    """A text for each input that determines the weights; arguments as of `description`."""
    own_network = settings.network_file
    return {
        "the data": ", ".join(data.ids),
        "option bands": ", ".join(band.label for band in data.bands),
        **_options(settings),
        **({"option fold": str(data.fold)} if data.fold else {}),
        "the network file": _digest_of_file(own_network) if own_network else "",
        "the model to start from": digest(settings.model) if settings.model else "",
        **_encoder_weights(settings),
        **_teacher(settings),
        "the number of processes": str(processes),
    }


def environment(settings: Settings) -> dict[str, str]:
    """A text for each input whose change makes the weights differ by rounding only."""
    backend = keras.backend.backend()
    versions = {
        "i.dl": __version__,
        "keras": keras.version(),
        backend: sys.modules[backend].__version__,
        "numpy": np.__version__,
    }
    return {
        "option nprocs": str(settings.nprocs),
        **{f"version of {name}": version for name, version in versions.items()},
    }


def check_resumable(before: Description, now: Description, warn: Callable[[str], None]) -> None:
    """Check that an unfinished training can be resumed.

    Args:
        before: The record of the unfinished training.
        now: The description of the call that is to resume it.
        warn: Takes a line about what may change the weights by rounding.

    Raises:
        ValueError: It depends on something else; the message names what.
    """
    check_unchanged(before["fingerprint"], now["fingerprint"])
    drifted = changes(before["environment"], now["environment"])
    if drifted:
        warn(
            f"Since the training started, this has changed: {listed(drifted)}. The weights may "
            "differ by rounding from those of an undisturbed run"
        )


def _options(settings: Settings) -> dict[str, str]:
    """The settings that determine the weights, by the names of their options."""
    plain = {**settings.to_json(), "precision": resolve(settings.precision)}
    # Its change affects rounding only.
    del plain["nprocs"]
    del plain["encoder_weights"]
    del plain["teacher"]
    freeze = plain.pop("freeze")
    options = {**plain.pop("network_options"), **plain}
    return {
        **{f"option {name}": _text(value) for name, value in options.items()},
        "flag -f": _text(freeze),
    }


def _encoder_weights(settings: Settings) -> dict[str, str]:
    """The weights that the encoder starts with; empty without any, as in earlier records."""
    if settings.encoder_weights == catalog.NONE or settings.encoder is None:
        return {}
    path = catalog.weights_file(settings.encoder, settings.encoder_weights)
    return {
        "option encoder_weights": settings.encoder_weights,
        "the weights of the encoder": file_digest(path),
    }


def _teacher(settings: Settings) -> dict[str, str]:
    """The networks that teach; empty without any, as in earlier records."""
    return {"the teacher": open_model(settings.teacher).deciding_hash} if settings.teacher else {}


def _text(value: object) -> str:
    if isinstance(value, dict):
        return ",".join(f"{name}:{one}" for name, one in value.items())
    if isinstance(value, list | tuple):
        return ",".join(map(str, value))
    return "" if value is None else str(value)


def _digest_of_file(path: str) -> str:
    file = Path(path).expanduser()
    if not file.is_file():
        raise ValueError(f"Network file <{file}> not found")
    return file_digest(file)
