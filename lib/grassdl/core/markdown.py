# SPDX-License-Identifier: GPL-2.0-or-later
"""Pages in Markdown: templates in which texts of users have no effect as markup, and tables."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from .text import duration

Cell = str | float | int | None


def environment(folder: Path) -> Environment:
    """Jinja2 that escapes every text for Markdown, as it would for HTML."""
    environment = Environment(
        loader=FileSystemLoader(folder),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=lambda one: escaped(one) if type(one) is str else one,
    )
    environment.filters |= {"code": _code, "fenced": _fenced, "duration": duration}
    return environment


def escaped(text: str) -> str:
    """Text on one line, with all markup of Markdown and HTML escaped."""
    return re.sub(r"([\\`*_\[\]<>|#~&])", r"\\\1", " ".join(text.split()))


def _code(text: str) -> Markup:
    return Markup("`{}`").format(Markup(" ".join(text.replace("`", "'").split())))


def _fenced(text: str) -> Markup:
    """Text that cannot close the code block it is in."""
    return Markup(" ".join(text.replace("```", "'''").split()))


def aligned_table(heads: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
    """A Markdown table whose columns are aligned in the source as well; numbers to the right.

    Args:
        heads: Titles of the columns.
        rows: Cells; text is escaped, None is left empty.
    """
    lines = [list(heads), *([_cell(one) for one in row] for row in rows)]
    widths = [max(3, *map(len, column)) for column in zip(*lines, strict=True)]
    numeric = [
        all(not isinstance(one, str) for one in column) for column in zip(*rows, strict=True)
    ]
    rule = [
        "-" * (width - right) + ":" * right for width, right in zip(widths, numeric, strict=True)
    ]
    aligned = [
        [
            one.rjust(width) if right else one.ljust(width)
            for one, width, right in zip(line, widths, numeric, strict=True)
        ]
        for line in lines
    ]
    aligned.insert(1, rule)
    return "\n".join(f"| {' | '.join(line)} |" for line in aligned)


def table(heads: Sequence[str], rows: Sequence[Sequence[Cell]]) -> Markup:
    """A table for a template, which does not escape it again; "" without rows."""
    return Markup(aligned_table(heads, rows) if rows else "")


def _cell(one: Cell) -> str:
    """A text escaped, a whole number in full, another number with four significant digits."""
    if one is None:
        return ""
    if isinstance(one, float):
        return f"{one:.4g}"
    return escaped(one) if isinstance(one, str) else str(one)
