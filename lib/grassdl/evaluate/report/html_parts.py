# SPDX-License-Identifier: GPL-2.0-or-later
"""Pieces of the HTML report: figures with their place in the JSON, tables, sections."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from .text_columns import SMALLEST_P_VALUE, clean

UNDEFINED = "–"

Cell = tuple[str, str]
"""Content and attributes of a cell of a table."""


def text(words: str) -> str:
    """Words as HTML: markup in them is shown, not obeyed."""
    return escape(clean(words))


def class_name(one: dict) -> str:
    """Value and label of a class as HTML; the value alone where there is no other label."""
    value, label = str(one["value"]), one["label"]
    return text(value if label == value else f"{value} {label}")


def find(report: object, path: str) -> object:
    """What stands in the report at a path such as `classes.2.f1`; None if there is nothing."""
    for step in path.split("."):
        if isinstance(report, list):
            report = report[int(step)]
        elif isinstance(report, dict):
            report = report.get(step)
        else:
            return None
    return report


def figure(report: dict, path: str, form: str = ".4f") -> str:
    """A figure of the report as a `data` element."""
    value = find(report, path)
    shown = UNDEFINED if value is None else format(value, form)
    full = "" if value is None else repr(value)
    return f'<data data-path="{path}" value="{full}">{shown}</data>'


def p_value(report: dict, path: str) -> str:
    """A p-value of the report, or the bound below which its digits mean nothing."""
    value = find(report, path)
    if value is None or value >= SMALLEST_P_VALUE:
        return f"p = {figure(report, path, '.4g')}"
    return f"p &lt; {SMALLEST_P_VALUE:g}"


def interval(report: dict, path: str, form: str = ".4f") -> str:
    """An interval of the report; "" where there is none."""
    if find(report, path) is None:
        return ""
    return f"{figure(report, f'{path}.0', form)} to {figure(report, f'{path}.1', form)}"


def table(heads: Sequence[str], rows: Iterable[tuple[str, Sequence[Cell]]], note: str = "") -> str:
    """A table that scrolls within itself where it is wider than the page.

    Args:
        heads: Headings of the columns after the first, as HTML.
        rows: The first column's content, as HTML, and the other cells.
        note: A note below, as HTML.
    """
    head = "".join(f'<th scope="col">{one}</th>' for one in ("", *heads))
    body = "".join(
        f'<tr><th scope="row">{name}</th>'
        + "".join(f"<td {attributes}>{content}</td>" for content, attributes in cells)
        + "</tr>"
        for name, cells in rows
    )
    below = f'<p class="soft">{note}</p>' if note else ""
    return (
        f'<div class="scroll" tabindex="0"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>{below}"
    )


def section(title: str, content: str) -> str:
    """A part of the page under a heading."""
    return f"<section>\n<h2>{escape(title)}</h2>\n{content}\n</section>"
