# SPDX-License-Identifier: GPL-2.0-or-later
"""Tables of numbers as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

DECIMALS = 6

ROWS_AT_ONCE = 1 << 16


def rows_of(columns: Mapping[str, np.ndarray], form: str) -> Iterator[str]:
    """The rows of a table as text: integers whole, other numbers with six decimals.

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
        separator: What stands between fields; it must not be part of a number.
    """
    with path.open("w", encoding="ascii") as file:
        file.write(separator.join(columns) + "\n")
        between = separator.replace("{", "{{").replace("}", "}}")
        file.writelines(rows_of(columns, between.join(["{}"] * len(columns)) + "\n"))
