# SPDX-License-Identifier: GPL-2.0-or-later
"""The report as a listing to read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from textwrap import wrap

from ...core.text import columns, printable, within_columns
from .sections import facts, sections
from .tables import Cell, Figure, Section, Table, Words

WIDTH = 80
"""Columns of a terminal."""

MAX_MATRIX_CLASSES = 20
"""With more classes a matrix is no longer read: the listing shows the worst confusions."""

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


def plain(report: dict) -> str:
    """The report as a listing 80 columns wide.

    It reads like that of scikit-learn and r.kappa together: the confusion matrix (or, beyond 20
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
    """The table; intervals stand beside their figures or, where they do not fit, below them all."""
    names = [name for name, _ in table.rows]
    figures = _columns(table, lambda cell: _entry(cell.content))
    if not any(cell.interval for _, cells in table.rows for cell in cells):
        return _grid(table.corner, names, figures)
    beside = _columns(table, _bracketed, "95 % interval")
    both = [one for pair in zip(figures, beside, strict=True) for one in pair if any(one.entries)]
    if NARROWEST_NAME + sum(one.width for one in both) <= WIDTH:
        return _grid(table.corner, names, both)
    below = [one for one in _columns(table, _range) if any(one.entries)]
    having = [place for place in range(len(names)) if any(one.entries[place] for one in below)]
    below = [_Column(one.head, [one.entries[place] for place in having]) for one in below]
    intervals = _grid(table.corner, [names[place] for place in having], below)
    return [
        *_grid(table.corner, names, figures),
        "",
        "95 % INTERVALS BY CLASS",
        "",
        *intervals,
    ]


def _columns(table: Table, entry: Callable[[Cell], str], head: str = "") -> list[_Column]:
    cells = zip(*(cells for _, cells in table.rows), strict=True)
    return [
        _Column(head or own, [entry(cell) for cell in column])
        for own, column in zip(table.heads, cells, strict=True)
    ]


def _grid(corner: str, names: Sequence[str], found: Sequence[_Column]) -> list[str]:
    """Lines of a table, folded into panels of as many columns as fit."""
    widest = max(map(columns, [corner, *names]))
    left = WIDTH - sum(one.width for one in found)
    width = min(widest, WIDEST_NAME, left if left >= NARROWEST_NAME else FOLDED_NAME)
    panels: list[list[_Column]] = [[]]
    for one in found:
        if panels[-1] and width + sum(own.width for own in [*panels[-1], one]) > WIDTH:
            panels.append([])
        panels[-1].append(one)
    lines = []
    for panel in panels:
        depth = max(len(one.heads) for one in panel)
        heads = [[""] * (depth - len(one.heads)) + one.heads for one in panel]
        corners = [""] * (depth - 1) + [corner]
        body = [one.entries for one in panel]
        lines += [
            "",
            *(
                (_left(name, width) + "".join(map(_right, entries, panel))).rstrip()
                for name, *entries in [
                    *zip(corners, *heads, strict=True),
                    *zip(names, *body, strict=True),
                ]
            ),
        ]
    return lines[1:]


def _left(text: str, width: int) -> str:
    short = within_columns(printable(text).rstrip(), width)
    return short + " " * (width - columns(short))


def _right(text: str, column: _Column) -> str:
    return " " * (column.width - columns(text)) + text


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
