# SPDX-License-Identifier: GPL-2.0-or-later
"""The scores of a model on test patches as lines of text; imports no Keras."""

from __future__ import annotations

from collections.abc import Callable

from ..core import value_accuracy
from ..core.accuracy import HEADLINE
from ..core.classes import MapClass
from ..core.target import ByTarget
from ..model.card import ModelCard

HEADLINES = ByTarget(classes=HEADLINE, value=value_accuracy.HEADLINE)
"""Titles of the headline figures of `ModelCard.test`."""

Line = tuple[str, float | None]
"""A title and a figure, None where it is undefined."""


def score_lines(card: ModelCard) -> list[str]:
    """The lines on the test patches of a model that has scores on some."""
    test = card.test or {}
    lines = [(title, test[key]) for key, title in HEADLINES.of(card.target).items()]
    lines += _FURTHER.of(card.target)(card)
    told = (("undefined" if one is None else f"{one:.4f}", title) for title, one in lines)
    found = [f"{title:<40} {figure:>9}" for figure, title in told]
    return [f"Test patches: {test['pixels']} labelled pixels", *found]


def _by_class(card: ModelCard) -> list[Line]:
    found = (card.test or {}).get("classes", [])
    return [
        (f"F1 of class {MapClass(one['value'], one['label'], '').full_name}", one["f1"])
        for one in found
    ]


def _of_value(card: ModelCard) -> list[Line]:
    test = card.test or {}
    return [
        (title, test[key])
        for key, title in value_accuracy.TITLES.items()
        if key not in value_accuracy.HEADLINE
    ]


_FURTHER: ByTarget[Callable[[ModelCard], list[Line]]] = ByTarget(classes=_by_class, value=_of_value)
