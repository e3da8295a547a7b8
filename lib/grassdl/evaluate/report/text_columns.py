# SPDX-License-Identifier: GPL-2.0-or-later
"""Text in columns of a terminal, whatever the alphabet."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from itertools import accumulate

WIDTH = 80
"""Columns of a terminal."""

UNDEFINED = "-"

SMALLEST_P_VALUE = 1e-16
"""Below it the digits of a p-value mean nothing."""


def figure_text(figure: float | None) -> str:
    return UNDEFINED if figure is None else f"{figure:.4f}"


def aligned(entries: Iterable[object], width: int) -> str:
    return "".join(f"{entry:>{width}}" for entry in entries)


def clean(text: str) -> str:
    """The text without control characters, which would break the lines of a listing."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def columns(text: str) -> int:
    """Terminal columns of a text: East Asian wide letters take two, combining marks none."""
    return sum(
        0 if unicodedata.combining(letter) else 1 + (unicodedata.east_asian_width(letter) in "WF")
        for letter in text
    )


def shortened(names: Iterable[str], width: int) -> list[str]:
    """The names, cut to `width` columns with two dots at the end of those that were longer."""
    return [_cut(clean(name).rstrip(), width) for name in names]


def _cut(name: str, width: int) -> str:
    if columns(name) <= width:
        return name
    ends = accumulate(map(columns, name))
    return name[: sum(end <= width - 2 for end in ends)] + ".."


def padded(text: str, width: int) -> str:
    return text + " " * (width - columns(text))
