# SPDX-License-Identifier: GPL-2.0-or-later
"""Texts of users, such as labels and names, checked and cleaned for terminals, maps and files."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable
from itertools import accumulate
from typing import Any, SupportsFloat

LONGEST_LABEL = 200
"""Most characters of a class label: every table and history of GRASS holds them."""

LONGEST_NAME = 200
"""Most bytes of the name of an output: with the prefix and suffix of a temporary name, it must be
the name of a file."""

MOST_LISTED = 8
"""Most names that a message lists."""

_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # colours, cursor movements
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)"  # titles, links
    r"|\x1b[ -/]*[0-~]?"
)
"""ANSI escape sequences (ECMA-48)."""

_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that change the order in which the others are shown."""


def printable(text: str) -> str:
    """A text without escape sequences and control characters.

    White space becomes blanks, as many as there were; an unpaired surrogate, which cannot be
    encoded, becomes the replacement character.
    """
    return "".join(map(_shown, _ESCAPES.sub("", text)))


def _shown(character: str) -> str:
    if character == " " or character.isalnum():
        return character
    if character.isspace():
        return " "
    if character in _TURNING:
        return ""
    category = unicodedata.category(character)
    if category == "Cs":
        return "\N{REPLACEMENT CHARACTER}"
    return "" if category == "Cc" else character


def one_line(text: str) -> str:
    """A printable text whose runs of white space are one blank each, without any at its ends."""
    return " ".join(printable(text).split())


def printable_json(content: Any) -> Any:
    """A JSON object, or a value in one, with all texts made printable."""
    if isinstance(content, str):
        return printable(content)
    if isinstance(content, list):
        return [printable_json(one) for one in content]
    if isinstance(content, dict):
        return {printable(name): printable_json(one) for name, one in content.items()}
    return content


def within_bytes(text: str, longest: int) -> str:
    """A text of at most so many bytes in UTF-8, with dots in its middle if it was longer."""
    if len(text.encode()) <= longest:
        return text
    half = (longest - len("...")) // 2
    begin = text.encode()[:half].decode(errors="ignore")
    return f"{begin}...{text.encode()[-half:].decode(errors='ignore')}"


def columns(text: str) -> int:
    """Terminal columns of a text: East Asian wide letters take two, combining marks none."""
    return sum(
        0 if unicodedata.combining(letter) else 1 + (unicodedata.east_asian_width(letter) in "WF")
        for letter in text
    )


def within_columns(text: str, widest: int) -> str:
    """A text of at most so many terminal columns, with two dots at its end if it was wider."""
    if columns(text) <= widest:
        return text
    ends = accumulate(map(columns, text))
    return text[: sum(end <= widest - len("..") for end in ends)] + ".."


def value_label(value: int, label: str) -> str:
    """Value and label of a class; the value alone where there is no other label."""
    return str(value) if label in ("", str(value)) else f"{value} {label}"


def check_output_name(name: str) -> None:
    """Refuse the name of an output that is too long for a file, or breaks the lines of messages.

    Raises:
        ValueError: It is, or has control characters.
    """
    if any(unicodedata.category(one) == "Cc" for one in name):
        raise ValueError(
            f"Output name <{one_line(name)}> has control characters, such as a line break: choose "
            "one without"
        )
    length = len(name.encode(errors="surrogateescape"))
    if length > LONGEST_NAME:
        raise ValueError(
            f"Output name <{name[:20]}...> has {length} bytes: choose one of at most {LONGEST_NAME}"
        )


def listed(names: Iterable[object], most: int = MOST_LISTED) -> str:
    """The first of some names for a message, and how many more there are."""
    texts = [str(name) for name in names]
    more = f" and {len(texts) - most} more" if len(texts) > most else ""
    return ", ".join(texts[:most]) + more


def duration(seconds: float) -> str:
    """A time for a message: `89 s`, `10 min`, `1.5 h`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 90 * 60 else f"{seconds / 3600:.1f} h"


def none_if_nan(figure: SupportsFloat) -> float | None:
    """A figure for JSON, which has no NaN: undefined figures are null there."""
    return None if math.isnan(figure) else float(figure)
