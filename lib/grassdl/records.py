# SPDX-License-Identifier: GPL-2.0-or-later
"""Records in JSON: written whole or not at all, read within bounds, checked against their types.

What describes a dataset, a model, a spool or a checkpoint may be damaged, or made by a stranger to
do harm. `read_json` takes little memory whatever the file holds, and `checked` turns what it found
into values of the types that the library declares: `msgspec` compares them field by field, so the
annotations of a dataclass or TypedDict are the schema of its file.
"""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta

from .files import sync, sync_folder

Kind = TypeVar("Kind")

LARGEST_FILE = 16 << 20
"""Bytes that a record has at most; a dataset of 448 bands takes 3 million."""

LONGEST_REASON = 200
"""Letters of what is told to be wrong: it may quote what the file holds."""

Count = Annotated[int, Meta(ge=0, le=1 << 53)]
"""How many there are of something: patches, cells, weights, epochs."""

AtLeastOne = Annotated[int, Meta(ge=1, le=1 << 53)]
"""A count that cannot be 0."""

Edge = Annotated[int, Meta(ge=1, le=1 << 15)]
"""Edge of a patch or tile in cells: a band of 2^15 times 2^15 cells has 1 GB at least."""

Text = Annotated[str, Meta(max_length=1 << 12)]
"""A name or label."""

Above0 = Annotated[float, Meta(gt=0, le=1e300)]
"""A size or factor."""

Value32 = Annotated[float, Meta(ge=-3.4e38, le=3.4e38)]
"""A number that single precision holds, in which networks compute."""

_STRING_OR_NUMBERS = re.compile(r'"(?:[^"\\]|\\.)*"|\[[\s\d.,eE+-]+\]')
"""A string of JSON as a whole, so that what is in it is never taken for a list of numbers."""


def write_json(path: Path, content: dict, durable: bool = False) -> None:
    """Write an object as indented JSON, lists of numbers on one line; NaN is refused.

    An older file of that name is there until the new one is whole.

    Args:
        path: The file.
        content: The object.
        durable: Whether to wait until it is on disk, so that a power failure cannot undo it.
    """
    text = _STRING_OR_NUMBERS.sub(_on_one_line, json.dumps(content, indent=2, allow_nan=False))
    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("w", encoding="utf-8") as file:
            file.write(text + "\n")
            if durable:
                sync(file)
        part.replace(path)
        if durable:
            sync_folder(path.parent)
    finally:
        part.unlink(missing_ok=True)


def _on_one_line(found: re.Match) -> str:
    return found[0] if found[0].startswith('"') else " ".join(found[0].split())


def read_json(path: Path, what: str) -> dict:
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
    # A pipe would wait for whoever writes into it.
    if path.exists() and not path.is_file():
        raise ValueError("it is no regular file")
    with path.open("rb") as file:
        content = file.read(LARGEST_FILE + 1)
    if len(content) > LARGEST_FILE:
        raise ValueError(f"it is larger than {LARGEST_FILE >> 20} MB, which no record is")
    return content


def parsed(text: bytes, finite: bool = True) -> Any:
    """What a text in JSON holds.

    Args:
        text: In UTF-8.
        finite: Whether to refuse numbers that are not finite.

    Raises:
        ValueError: It is no JSON, nested too deep, or holds a number that is not finite.
    """
    refusing = {"parse_constant": _refused, "parse_float": _finite} if finite else {}
    try:
        return json.loads(text.decode("utf-8"), **refusing)
    except RecursionError:
        raise ValueError("it is nested too deep") from None


def _refused(constant: str) -> float:
    raise ValueError(f"{constant} is no number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:LONGEST_REASON]} is out of range")
    return number


def checked(content: object, kind: type[Kind]) -> Kind:
    """What was read from JSON, as a value of a type.

    Args:
        content: What `json` made of the text.
        kind: A type of which all parts are annotated: dataclasses, TypedDicts (fields that they do
            not declare are left out), lists, numbers with bounds; classes with a method `from_json`
            are made by it.

    Raises:
        ValueError: A field is missing, or has another type or a value out of its bounds; the
            message names it.
    """
    try:
        return msgspec.convert(content, kind, dec_hook=_from_json)
    except (ValueError, RecursionError) as error:
        raise ValueError(shortened(error)) from None


def _from_json(kind: type[Kind], content: object) -> Kind:
    return kind.from_json(content)


def shortened(told: object) -> str:
    """What a file or an error tells, in one line that is not too long and has no control codes."""
    text = " ".join(str(told).split()) or type(told).__name__
    printable = "".join(one if one.isprintable() else "?" for one in text[: LONGEST_REASON + 1])
    return printable if len(printable) <= LONGEST_REASON else f"{printable[:LONGEST_REASON]}..."
