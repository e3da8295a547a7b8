# SPDX-License-Identifier: GPL-2.0-or-later
"""The attributes of the maps of a review, in the order of their columns."""

from __future__ import annotations

from collections.abc import Sequence

from ..core.classes import ClassScheme
from .suggestions import Suggestion
from .suspects import Suspect

Value = int | float | str | None

SUSPECT_COLUMNS: dict[str, type] = {
    "rank": int,
    "given": int,
    "given_label": str,
    "suggested": int,
    "suggested_label": str,
    "confidence": float,
    "cells": int,
    "dataset": str,
}

SUGGESTION_COLUMNS: dict[str, type] = {
    "rank": int,
    "score": float,
    "measure": str,
    "cluster": int,
    "class": str,
}


def suspect_row(
    rank: int, one: Suspect, classes: ClassScheme, datasets: Sequence[str]
) -> list[Value]:
    """A row of the table of suspects.

    Args:
        rank: Place in the order, from 1.
        one: The suspect.
        classes: The classes of the model.
        datasets: Names of the datasets.
    """
    given, other = list(classes)[one.given], list(classes)[one.suggested]
    names = given.value, given.label, other.value, other.label
    return [rank, *names, round(one.confidence, 6), len(one.cells), datasets[one.dataset]]


def suggestion_row(rank: int, one: Suggestion, measure: str) -> list[Value]:
    """A row of the table of suggestions, whose class is for the user to fill in.

    Args:
        rank: Place in the order, from 1.
        one: The suggestion.
        measure: Name of the score.
    """
    return [rank, round(one.score, 6), measure, one.cluster, None]
