# SPDX-License-Identifier: GPL-2.0-or-later
"""The report as a text listing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from textwrap import wrap
from typing import Any

from ...core.text import columns, printable, within_columns
from .sections import facts, sections
from .tables import Cell, Figure, Section, Table, Words

WIDTH = 80
"""Columns of a terminal."""

MAX_MATRIX_CLASSES = 20
"""With more classes the listing shows the worst confusions instead of the matrix."""

WIDEST_NAME, NARROWEST_NAME = 40, 14
"""Columns of the names of rows, which are shortened before a table is folded."""

FOLDED_NAME = 24
"""Columns of the names in a table that is folded."""

GAP = 2
UNDEFINED = "-"


@dataclass(frozen=True)
class _Column:
    """The texts of a column below its heading, which takes as many lines as words need."""

    head: str
    entries: Sequence[str]

    @property
    def heads(self) -> list[str]:
        widest = max(map(columns, [*self.entries, *self.head.split()]), default=1)
        return wrap(self.head, max(widest, 1), break_on_hyphens=False)

    @property
    def width(self) -> int:
        return max(map(columns, [*self.entries, *self.heads]), default=0) + GAP


def plain(report: dict[str, Any]) -> str:
    """The report as a listing 80 columns wide.

    It resembles the reports of scikit-learn and r.kappa: the confusion matrix (or, beyond 20
    classes, the worst confusions), a line for each class, their means, the summary. Long labels
    are shortened, undefined figures are "-".
    """
    blocks = [
        [line for name, words in facts(report) for line in _fact(name, words)],
        *(_section(one) for one in sections(report, MAX_MATRIX_CLASSES)),
    ]
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def _fact(name: str, words: Words) -> list[str]:
    return wrap(
        f"{name + ':':<16}{_sentence(words)}",
        WIDTH,
        subsequent_indent=" " * 16,
        break_long_words=False,
    )


def _section(section: Section) -> list[str]:
    lines = [section.title.upper()]
    for words in section.lead:
        lines += ["", *wrap(_sentence(words), WIDTH)]
    for table in section.tables:
        lines += ["", *_table(table)]
        notes = [line for words in table.notes for line in wrap(_sentence(words), WIDTH)]
        lines += ["", *notes] if notes else []
    return lines


def _table(table: Table) -> list[str]:
    """The table; intervals are beside their figures or, where they do not fit, below the table."""
    figures = _columns(table, lambda cell: _entry(cell.content))
    beside = _columns(table, _bracketed, "95 % interval")
    both = [one for pair in zip(figures, beside, strict=True) for one in pair if any(one.entries)]
    if len(both) == len(figures) or NARROWEST_NAME + sum(one.width for one in both) <= WIDTH:
        return _grid(table, both)
    rows = [row for row in table.rows if any(cell.interval for cell in row[1])]
    with_intervals = replace(table, rows=rows)
    below = [one for one in _columns(with_intervals, _range) if any(one.entries)]
    return [
        *_grid(table, figures),
        "",
        f"95 % INTERVALS BY {table.corner.upper() or 'CLASS'}",
        "",
        *_grid(with_intervals, below),
    ]


def _columns(table: Table, entry: Callable[[Cell], str], head: str = "") -> list[_Column]:
    cells = zip(*(cells for _, cells in table.rows), strict=True)
    return [
        _Column(head or own, [entry(cell) for cell in column])
        for own, column in zip(table.heads, cells, strict=True)
    ]


def _grid(table: Table, found: Sequence[_Column]) -> list[str]:
    """Lines of some columns of a table, folded into panels of as many as fit."""
    names = [name for name, _ in table.rows]
    left = WIDTH - sum(one.width for one in found)
    widest = min(WIDEST_NAME, left if left >= NARROWEST_NAME else FOLDED_NAME)
    width = min(widest, max(map(columns, [table.corner, *names])))
    panels: list[list[_Column]] = [[]]
    for one in found:
        if panels[-1] and width + sum(own.width for own in [*panels[-1], one]) > WIDTH:
            panels.append([])
        panels[-1].append(one)
    lines = []
    for panel in panels:
        depth = max(len(one.heads) for one in panel)
        firsts = [*[""] * (depth - 1), table.corner, *names]
        others = [
            [_right(entry, one.width) for entry in (*_below(one.heads, depth), *one.entries)]
            for one in panel
        ]
        lines += [
            "",
            *("".join(line).rstrip() for line in zip(_left(firsts, width), *others, strict=True)),
        ]
    return lines[1:]


def _below(heads: list[str], depth: int) -> list[str]:
    return [""] * (depth - len(heads)) + heads


def _left(texts: Sequence[str], width: int) -> list[str]:
    short = [within_columns(printable(one).rstrip(), width) for one in texts]
    return [one + " " * (width - columns(one)) for one in short]


def _right(text: str, width: int) -> str:
    return " " * (width - columns(text)) + text


def _entry(content: Figure | str) -> str:
    if isinstance(content, Figure):
        return content.text(UNDEFINED)
    return within_columns(printable(content).strip(), WIDEST_NAME)


def _bracketed(cell: Cell) -> str:
    low, high = _ends(cell)
    return f"[{low}, {high}]" if low else ""


def _range(cell: Cell) -> str:
    low, high = _ends(cell)
    return f"{low} to {high}" if low.startswith(("+", "-")) else f"{low}-{high}" if low else ""


def _ends(cell: Cell) -> tuple[str, str]:
    if cell.interval is None:
        return "", ""
    low, high = (one.text(UNDEFINED) for one in cell.interval)
    return low, high


def _sentence(words: Words) -> str:
    return "".join(printable(one) if isinstance(one, str) else one.text(UNDEFINED) for one in words)
