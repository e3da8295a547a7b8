# SPDX-License-Identifier: GPL-2.0-or-later
"""Tables of numbers as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

DECIMALS = 6

ROWS_AT_ONCE = 1 << 16


def rows_of(columns: Mapping[str, np.ndarray]) -> Iterator[list[str]]:
    """The rows of a table as texts: integers whole, other numbers with six decimals.

    Args:
        columns: Values (rows,) by the name of the column.
    """
    forms = ["{}" if one.dtype.kind == "i" else f"{{:.{DECIMALS}f}}" for one in columns.values()]
    length = len(next(iter(columns.values())))
    for first in range(0, length, ROWS_AT_ONCE):
        part = [one[first : first + ROWS_AT_ONCE].tolist() for one in columns.values()]
        for row in zip(*part, strict=True):
            yield [form.format(value) for form, value in zip(forms, row, strict=True)]


def write_table(path: Path, columns: Mapping[str, np.ndarray], separator: str) -> None:
    """Write a table as text, the names of its columns first.

    Args:
        path: The file.
        columns: As `rows_of` takes them.
        separator: What stands between fields; it must not be part of a number.
    """
    with path.open("w", encoding="ascii") as file:
        file.write(separator.join(columns) + "\n")
        file.writelines(separator.join(row) + "\n" for row in rows_of(columns))
