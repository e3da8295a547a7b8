# SPDX-License-Identifier: GPL-2.0-or-later
"""All that the result of a run depends on, so that only the same run is gone on with."""

from __future__ import annotations

from collections.abc import Mapping

from .. import __version__
from ..model.folder import deciding_hash
from ..runtime import keras_backend
from .settings import OPENVINO, Settings

OUTPUTS = (
    "output",
    "confidence",
    "uncertainty",
    "probabilities",
    "vector",
    "segments",
    "segment_output",
)
"""Options that say which files of rows there are, and which segments are added up."""

FORMAT = 3
"""Changes with how rows are computed, to the last digit, and written."""


def made_of(
    options: Mapping[str, str], settings: Settings, inputs: Mapping[str, str]
) -> dict[str, str]:
    """A value for each thing that the result depends on, by the name that users know.

    Args:
        options: Of the module.
        settings: Of the run, the engine that computes among them.
        inputs: The same for maps and region.
    """
    software = [OPENVINO] if settings.engine == OPENVINO else []
    return {
        "the model": deciding_hash(options["model"]),
        **inputs,
        **{f"option {name}": options[name] for name in OUTPUTS},
        **settings.that_decide(),
        "the software": f"i.dl {__version__}, rows {FORMAT}, {keras_backend.versions(*software)}",
    }
