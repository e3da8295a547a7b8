# SPDX-License-Identifier: GPL-2.0-or-later
"""Description of the evaluated model for the report."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from ..core.text import duration, one_line, within_columns
from ..io.folders import NamesError, folders_named
from ..model.card import KNOWLEDGE_SOURCES, ModelCard
from ..model.ensemble import open_model

_UNREADABLE = (OSError, ValueError, RuntimeError)
"""Errors of reading an unknown folder: no permission, too long a path, a damaged file, no home."""

_LONGEST_NAME, _LONGEST_REASON = 60, 160

_NOT_TOLD = set("network network_file pixels best model leaks members summary".split())
"""Fields of a training that are elsewhere in the report, or too long for it."""

_HEADS = {"seconds": "duration"}
"""Fields with another heading in the report."""

_CALL = re.compile(r"\bi\.dl\.predict(\.py)?\s.*", re.DOTALL)


def describe(card: ModelCard) -> dict[str, str]:
    """The model card in words."""
    return {
        "model": card.name,
        "network": f"{card.network}, {card.parameters} parameters",
        "bands": ", ".join(band.label for band in card.bands),
        "cells": f"{card.resolution[0]:g} x {card.resolution[1]:g} map units",
        "datasets": ", ".join(_short_ids(card)),
        "training": _training(card),
        "command": card.command,
    }


def _training(card: ModelCard) -> str:
    """Settings and result of the training, without those that are empty or off."""
    told = {key: one for key, one in card.training.items() if key not in _NOT_TOLD}
    for source in KNOWLEDGE_SOURCES:
        if one := told.get(source):
            # Too long with its areas.
            told[source] = one["name"]
    if "seconds" in told:
        told["seconds"] = duration(told["seconds"])
    return "; ".join(
        f"{_HEADS.get(key, key.replace('_', ' '))} {_words(one)}"
        for key, one in told.items()
        if one not in (None, "", [], {}, False)
    )


def _words(value: object) -> str:
    """A setting in words: no quotes, braces and brackets."""
    if isinstance(value, dict):
        return ", ".join(f"{key} {_words(one)}" for key, one in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_words, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def with_model(metadata: Mapping[str, str]) -> tuple[dict[str, str], str | None]:
    """A map's metadata, and the card of the model that made the map instead of its sources.

    The call of i.dl.predict in the map's history names the model's folder. The card is left out if
    the folder is missing or holds another model. If it cannot be read, a sentence says so: no
    content of a history may make a report fail.

    Args:
        metadata: Title, description, sources and comments of the map.

    Returns:
        The description, and the sentence about a card that cannot be read or None.
    """
    folder = _option(metadata, "model")
    try:
        card = _card_in(folder)
        if card is None or not _made(card, metadata):
            return dict(metadata), None
        return {**_without_card(metadata), **describe(card)}, None
    except _UNREADABLE as error:
        name = within_columns(one_line(folder), _LONGEST_NAME)
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        reason = within_columns(one_line(reason.replace(folder, name)), _LONGEST_REASON)
        problem = f"The model <{name}> of the map's history cannot be read: {reason}"
        return {**metadata, "model": problem}, problem


def _card_in(names: str) -> ModelCard | None:
    """The card of the model that the option `model` names; None if a folder is not there."""
    if not names:
        return None
    try:
        for one in folders_named(names):
            Path(one).expanduser().stat()
    except (FileNotFoundError, NotADirectoryError, NamesError):
        return None
    return open_model(names).card


def _without_card(metadata: Mapping[str, str]) -> dict[str, str]:
    """Metadata without sources and title, which repeat the card."""
    again = {"source1", "source2"}
    if metadata.get("source1", "") in metadata.get("title", ""):
        again.add("title")
    return {key: one for key, one in metadata.items() if key not in again}


def model_of(metadata: Mapping[str, str]) -> ModelCard | None:
    """The card of the model that made a map; None if it is unknown, see `with_model`."""
    with suppress(*_UNREADABLE):
        card = _card_in(_option(metadata, "model"))
        if card and _made(card, metadata):
            return card
    return None


def maps_used(metadata: Mapping[str, str]) -> set[str]:
    """Names of the maps that the call in a map's history names; none for groups and series."""
    keys = [date + key for date in ("", "after_") for key in ("input", "dsm", "dtm", "red", "nir")]
    options = (_option(metadata, key) for key in keys)
    return {name for names in options for name in names.split(",") if name}


def _option(metadata: Mapping[str, str], key: str) -> str:
    """An option of the call of i.dl.predict in a map's history; "" if there is none."""
    call = _CALL.search(metadata.get("comments", ""))
    try:
        words = shlex.split(call[0]) if call else []
    except ValueError:
        # Unbalanced quotes: not a call of i.dl.predict.
        return ""
    return next((word.partition("=")[2] for word in words if word.startswith(f"{key}=")), "")


def _made(card: ModelCard, metadata: Mapping[str, str]) -> bool:
    """Whether a map's sources, as i.dl.predict writes them, name this model."""
    model, datasets = metadata.get("source1", ""), metadata.get("source2", "")
    named = model.startswith(f"model {card.name}, {card.network}")
    return named and all(one in datasets for one in _short_ids(card))


def _short_ids(card: ModelCard) -> list[str]:
    return [one[:12] for one in card.dataset_ids]
