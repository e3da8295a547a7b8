# SPDX-License-Identifier: GPL-2.0-or-later
"""Records in JSON: written completely or not at all, read within limits, checked against their
types.

The description of a dataset, a model or a checkpoint may be damaged, or made by a stranger to
do harm. `read_json` uses little memory whatever the file holds, and `checked` turns what it found
into values of the types that the library declares: `msgspec` compares them field by field, so the
annotations of a dataclass or TypedDict are the schema of its file.
"""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

from ..core.schema import LONGEST_REASON
from .atomic import replacing

LARGEST_FILE = 16 << 20
"""Most bytes of a record; a dataset of 448 bands takes 3 million."""


_STRING_OR_NUMBERS = re.compile(r'"(?:[^"\\]|\\.)*"|\[[\s\d.,eE+-]+\]')
"""A string of JSON as a whole, so that its content is never taken for a list of numbers."""


def write_json(path: Path, content: dict[str, Any], durable: bool = False) -> None:
    """Write an object as indented JSON, lists of numbers on one line; NaN is refused.

    An existing file of that name is kept until the new one is complete.

    Args:
        path: The file.
        content: The object.
        durable: Whether to wait until it is on disk, so that a power failure cannot undo it.
    """
    text = _STRING_OR_NUMBERS.sub(_on_one_line, json.dumps(content, indent=2, allow_nan=False))
    with replacing(path, durable) as file:
        file.write(f"{text}\n".encode())


def as_json(result: dict[str, Any]) -> str:
    """A result of a module as one indented JSON object; NaN is refused, since JSON has none."""
    return json.dumps(result, indent=2, allow_nan=False) + "\n"


def _on_one_line(found: re.Match[str]) -> str:
    return found[0] if found[0].startswith('"') else " ".join(found[0].split())


def read_json(path: Path, what: str) -> dict[str, Any]:
    """Read a JSON object whose numbers are finite.

    Args:
        path: The file.
        what: Begins the messages.

    Raises:
        ValueError: The file is missing or too large, or holds something else.
    """
    try:
        content = parsed(_content(path))
    except FileNotFoundError:
        raise ValueError(f"{what} not found: <{path}> does not exist") from None
    except (OSError, ValueError) as error:
        raise ValueError(f"{what} <{path}> cannot be read: {error}") from None
    if not isinstance(content, dict):
        raise ValueError(f"{what} <{path}> is damaged: a JSON object is expected")
    return content


def _content(path: Path) -> bytes:
    """The content of a regular file that is not too large for a record."""
    # Opening a pipe would block until something writes to it.
    if path.exists() and not path.is_file():
        raise ValueError("it is no regular file")
    with path.open("rb") as file:
        content = file.read(LARGEST_FILE + 1)
    if len(content) > LARGEST_FILE:
        raise ValueError(f"it is larger than {LARGEST_FILE >> 20} MB, which no record is")
    return content


def parsed(text: bytes, finite: bool = True) -> Any:
    """The value of a text in JSON.

    Args:
        text: In UTF-8.
        finite: Whether to refuse numbers that are not finite.

    Raises:
        ValueError: It is not JSON, nested too deep, or holds a number that is not finite.
    """
    constant, number = (_refused, _finite) if finite else (None, None)
    try:
        return json.loads(text.decode("utf-8"), parse_constant=constant, parse_float=number)
    except RecursionError:
        raise ValueError("it is nested too deep") from None


def _refused(constant: str) -> float:
    raise ValueError(f"{constant} is no number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:LONGEST_REASON]} is out of range")
    return number
