# SPDX-License-Identifier: GPL-2.0-or-later
"""The result of a training as an object for programs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..model.card import ModelCard

OF_THE_RUN = (
    "epochs_run",
    "best_epoch",
    "interrupted",
    "diverged",
    "seconds",
    "validated_on",
    "members",
    "summary",
)
"""Fields of `ModelCard.training` in the object; None where a model lacks one."""


def record(card: ModelCard, folder: Path) -> dict[str, Any]:
    """What `i.dl.train format=json` prints.

    Args:
        card: Of the model that was written.
        folder: The model folder.

    Returns:
        The object; "test" is that of `i.dl.evaluate format=json`, None without test patches.
    """
    return {
        "model": str(folder),
        "network": card.network,
        "parameters": card.parameters,
        **{name: card.training.get(name) for name in OF_THE_RUN},
        "test": card.test,
    }
