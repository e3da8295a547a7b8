# SPDX-License-Identifier: GPL-2.0-or-later
"""Delimited text: tables of numbers are written, tables of any fields read."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

DECIMALS = 6

ROWS_AT_ONCE = 1 << 16

LONGEST_PIPE = 64 << 20
"""Most bytes that are read from a pipe or device, which may have no end."""


def read_text(path: str, what: str) -> str:
    """The content of a table or list that a user wrote.

    Args:
        path: The file.
        what: What it is, for the message.

    Raises:
        ValueError: It cannot be read, is not in UTF-8, or is a pipe or device without end.
    """
    given = Path(path).expanduser()
    try:
        with given.open("rb") as file:
            content = file.read(-1 if given.is_file() else LONGEST_PIPE + 1)
        if not given.is_file() and len(content) > LONGEST_PIPE:
            raise ValueError(
                f"{what} <{path}> cannot be read: it is no file, and gives more than "
                f"{LONGEST_PIPE >> 20} MB"
            )
        return content.decode("utf-8-sig")
    except OSError as error:
        raise ValueError(f"{what} <{path}> cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{what} <{path}> cannot be read: byte {error.start} is no text in UTF-8, save it in "
            "that encoding"
        ) from None


def read_rows(text: str, separator: str, where: str) -> Iterator[tuple[int, list[str]]]:
    """The rows of a table, each with the number of the line that it ends in.

    Args:
        text: The whole table: a quoted field may hold a line break.
        separator: Separates the fields.
        where: Name of the table, for messages.

    Raises:
        ValueError: The text is no table.
    """
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        for row in rows:
            yield rows.line_num, row
    except csv.Error as error:
        raise ValueError(
            f"{where} cannot be read at line {rows.line_num}: {error}; a table of short fields is "
            "expected, look for a quote that is not closed"
        ) from None


def rows_of(columns: Mapping[str, np.ndarray], form: str) -> Iterator[str]:
    """The rows of a table as text: integers in full, other numbers with six decimals.

    Args:
        columns: Values (rows,) by the name of the column.
        form: Text of a row as `str.format` takes it, with {} for each column in turn.
    """
    kinds = ("%d" if one.dtype.kind == "i" else f"%.{DECIMALS}f" for one in columns.values())
    text = form.replace("%", "%%").format(*kinds)
    length = len(next(iter(columns.values())))
    for first in range(0, length, ROWS_AT_ONCE):
        part = (one[first : first + ROWS_AT_ONCE].tolist() for one in columns.values())
        yield from map(text.__mod__, zip(*part, strict=True))


def write_table(path: Path, columns: Mapping[str, np.ndarray], separator: str) -> None:
    """Write a table as text, the names of its columns first.

    Args:
        path: The file.
        columns: As `rows_of` takes them.
        separator: Separates the fields; it must not be part of a number.
    """
    with path.open("w", encoding="ascii") as file:
        file.write(separator.join(columns) + "\n")
        between = separator.replace("{", "{{").replace("}", "}}")
        file.writelines(rows_of(columns, between.join(["{}"] * len(columns)) + "\n"))
