# SPDX-License-Identifier: GPL-2.0-or-later
"""The parts of a report: sections, tables, and figures with their path in its JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from string import Formatter
from typing import Any, ClassVar

SMALLEST_P_VALUE = 1e-16
"""Smaller p-values are shown as below this."""

COUNT, SCORE, CHANGE = "d", ".4f", "+.4f"
"""Format specifications of figures."""


@dataclass(frozen=True)
class Figure:
    """A figure: its path in the JSON such as `classes.2.f1`, its value and its format."""

    path: str
    value: float | None
    form: str = SCORE

    def text(self, undefined: str) -> str:
        return undefined if self.value is None else format(self.value, self.form)


Words = Sequence[str | Figure]
"""A sentence with figures in it."""


@dataclass(frozen=True)
class Cell:
    """A cell of a table.

    Attributes:
        content: A figure or a text.
        interval: Both ends of the figure's 95 % interval, if it has one.
        share: Share of 1 by which the cell is shaded, if the table is shaded.
    """

    content: Figure | str = ""
    interval: tuple[Figure, Figure] | None = None
    share: float | None = None


Row = tuple[str, Sequence[Cell]]
"""The row's name and its cells."""


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes:
        heads: Headings of the columns after the first.
        rows: The rows.
        notes: Sentences below the table.
        corner: Heading of the first column.
    """

    heads: Sequence[str]
    rows: Sequence[Row]
    notes: Sequence[Words] = ()
    corner: str = ""

    @property
    def shaded(self) -> bool:
        return any(cell.share is not None for _, cells in self.rows for cell in cells)


@dataclass(frozen=True)
class Curve:
    """A curve in a square from 0 to 1.

    Attributes:
        title: What it shows, as alternative text.
        across: Name of the horizontal axis.
        up: Name of the vertical axis.
        points: Its points.
        dots: Points that are shown as dots.
        marks: Name and coordinates of points that the text mentions.
        diagonal: Whether the diagonal is drawn.
    """

    title: str
    across: str
    up: str
    points: Sequence[tuple[float, float]]
    dots: Sequence[tuple[float, float]] = ()
    marks: Sequence[tuple[str, float, float]] = ()
    diagonal: bool = False
    kind: ClassVar[str] = "curve"


@dataclass(frozen=True)
class Bars:
    """A bar for each of some figures.

    Attributes:
        title: What they show.
        rows: Name and cell of each; undefined figures have no bar.
        low: The lower end of the scale.
        high: The upper end.
    """

    title: str
    rows: Sequence[tuple[str, Cell]]
    low: float = 0.0
    high: float = 1.0
    kind: ClassVar[str] = "bars"

    def place(self, value: float | None) -> float:
        """The position of a value on the scale, 0 to 1."""
        share = ((value or 0.0) - self.low) / (self.high - self.low)
        return min(max(share, 0.0), 1.0)


@dataclass(frozen=True)
class Section:
    """A part of the report under a heading.

    Attributes:
        title: The heading.
        tables: Its tables.
        lead: Sentences above the tables.
        charts: Charts of the page, above the tables.
    """

    title: str
    tables: Sequence[Table] = ()
    lead: Sequence[Words] = ()
    charts: Sequence[Curve | Bars] = ()


class Part:
    """A part of the report's JSON with its path.

    Paths are relative: `Part(report, "comparison").figure("kappa_difference.z")`.
    """

    def __init__(self, report: dict[str, Any], path: str = "") -> None:
        self.report, self.path = report, path

    def at(self, path: str) -> Part:
        return Part(self.report, f"{self.path}.{path}".lstrip("."))

    def each(self, path: str = "") -> list[Part]:
        """The entries of a list."""
        return [self.at(f"{path}.{place}".lstrip(".")) for place in range(len(self.get(path)))]

    def get(self, path: str = "") -> Any:
        """The value at a path; None if there is none."""
        found: Any = self.report
        for step in f"{self.path}.{path}".strip(".").split("."):
            if isinstance(found, list) and step.isdigit():
                found = found[int(step)]
            elif isinstance(found, dict):
                found = found.get(step)
            else:
                return None
        return found

    def figure(self, path: str, form: str = SCORE) -> Figure:
        return Figure(self.at(path).path, self.get(path), form)

    def interval(self, path: str, form: str = SCORE) -> tuple[Figure, Figure] | None:
        """Both ends of an interval; None where there is none."""
        if self.get(path) is None:
            return None
        return self.figure(f"{path}.0", form), self.figure(f"{path}.1", form)

    def cell(self, path: str, form: str = SCORE) -> Cell:
        """A figure with the interval that stands beside it, if there is one."""
        return Cell(self.figure(path, form), self.interval(f"{path}_interval", form))

    def cells(self, paths: str, form: str = SCORE) -> list[Cell]:
        return [self.cell(path, form) for path in paths.split()]

    def p_value(self, path: str) -> Cell:
        """A p-value, or `SMALLEST_P_VALUE` as its bound."""
        value = self.get(path)
        if value is not None and value < SMALLEST_P_VALUE:
            return Cell(f"< {SMALLEST_P_VALUE:g}")
        return Cell(self.figure(path, ".4g"))

    def words(self, sentence: str) -> Words:
        """A sentence in which `{path:form}` stands for the figure at a path.

        No text of the report may be put in the sentence, since it may hold braces.
        """
        words: list[str | Figure] = []
        for text, path, form, _ in Formatter().parse(sentence):
            words += [text] if text else []
            words += [self.figure(path, form or SCORE)] if path is not None else []
        return words
