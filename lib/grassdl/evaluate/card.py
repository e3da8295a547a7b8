# SPDX-License-Identifier: GPL-2.0-or-later
"""What a report tells about the model behind the figures."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from contextlib import suppress

from ..model import ModelCard

_CALL = re.compile(r"\bi\.dl\.predict(\.py)?\s.*", re.DOTALL)


def describe(card: ModelCard) -> dict[str, str]:
    """The model card in words."""
    trained = ", ".join(f"{key} {value}" for key, value in card.training.items())
    return {
        "model": card.name,
        "network": f"{card.network}, {card.parameters} parameters",
        "bands": ", ".join(band.name for band in card.bands),
        "cells": f"{card.resolution[0]:g} x {card.resolution[1]:g} map units",
        "datasets": ", ".join(_short_ids(card)),
        "training": trained,
        "command": card.command,
    }


def with_model(metadata: Mapping[str, str]) -> dict[str, str]:
    """A map's metadata, and the card of the model that made the map.

    The call of i.dl.predict in the map's history names the model's folder. The card is left out
    where the folder is not there any more, or holds another model now.

    Args:
        metadata: Title, description, sources and comments of the map.
    """
    told = dict(metadata)
    # Not every history holds a call, nor every folder what it was.
    with suppress(ValueError):
        folder = _model_folder(told.get("comments", ""))
        card = ModelCard.load(folder) if folder else None
        if card and _made(card, told):
            told |= describe(card)
    return told


def _model_folder(history: str) -> str:
    """The model of the call in a map's history; "" if there is none."""
    call = _CALL.search(history)
    words = shlex.split(call[0]) if call else []
    return next((word.partition("=")[2] for word in words if word.startswith("model=")), "")


def _made(card: ModelCard, told: Mapping[str, str]) -> bool:
    """Whether a map's sources, as i.dl.predict writes them, name this model."""
    model, datasets = told.get("source1", ""), told.get("source2", "")
    named = model.startswith(f"model {card.name}, {card.network}")
    return named and all(one in datasets for one in _short_ids(card))


def _short_ids(card: ModelCard) -> list[str]:
    return [one[:12] for one in card.dataset_ids]
