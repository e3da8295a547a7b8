# SPDX-License-Identifier: GPL-2.0-or-later
"""Values read from files, checked against their annotated types by msgspec."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta

Kind = TypeVar("Kind")
LONGEST_REASON = 200
"""Characters of an error message that are shown: it may quote the content of the file."""

Count = Annotated[int, Meta(ge=0, le=1 << 53)]
"""A number of patches, cells, weights or epochs."""

AtLeastOne = Annotated[int, Meta(ge=1, le=1 << 53)]
"""A count that cannot be 0."""

Edge = Annotated[int, Meta(ge=1, le=1 << 15)]
"""Edge of a patch or tile in cells: a band of 2^15 times 2^15 cells has 1 GB at least."""

DateNumber = Annotated[int, Meta(ge=0, le=1000)]
"""Index of a date of a series, from 0."""

Day = Annotated[int, Meta(ge=0, le=1 << 20)]
"""Days from the first date of a series to another: less than 3000 years."""

DayOfYear = Annotated[int, Meta(ge=0, le=366)]
"""A day of the year from 1; 0 where it is not known."""

Reach = Annotated[int, Meta(ge=0, le=1 << 15)]
"""Halo: cells beyond a cell or core on which it depends; 0 for a network of 1 x 1 convolutions."""

Text = Annotated[str, Meta(max_length=1 << 12)]
"""A name or label."""


Above0 = Annotated[float, Meta(gt=0, le=1e300)]
"""A size or factor."""


Probability = Annotated[float, Meta(ge=0, le=1)]
"""A share or probability."""

Value32 = Annotated[float, Meta(ge=-3.4e38, le=3.4e38)]
"""A number within single precision, in which networks compute."""


def checked(content: object, kind: type[Kind]) -> Kind:
    """The content of a JSON file as a value of a type.

    Args:
        content: As `json` parsed it.
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


def _from_json(kind: type[Any], content: object) -> Any:
    return kind.from_json(content)


def shortened(message: object) -> str:
    """The text of a file or an error, shortened, on one line without control characters."""
    text = " ".join(str(message).split()) or type(message).__name__
    printable = "".join(one if one.isprintable() else "?" for one in text[: LONGEST_REASON + 1])
    return printable if len(printable) <= LONGEST_REASON else f"{printable[:LONGEST_REASON]}..."
