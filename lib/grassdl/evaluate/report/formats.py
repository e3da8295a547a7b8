# SPDX-License-Identifier: GPL-2.0-or-later
"""The report of `assess` as tables for programs: CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeGuard

Row = tuple[str, int | None, float | int | None]
"""Metric, class value and figure."""


def as_csv(report: dict[str, Any]) -> str:
    """The report as a tidy table: one figure a line in the columns metric, class, label, value.

    Figures of the whole map have no class and no label (of values, ranges of the reference stand in
    their place); undefined figures have no value. Names of
    parts of the report come before those of their figures; the ends of an interval are `_low` and
    `_high`. The confusion matrix is a table of its own, see `matrix_csv`.
    """
    rows_of = report.get("classes") or report.get("ranges", [])
    labels = {one["value"]: one["label"] for one in rows_of}
    rows: list[Sequence[object]] = [("metric", "class", "label", "value")]
    for metric, value, figure in _figures(report, "", None):
        rows.append((metric, value, labels.get(value), figure))
    return _csv(rows)


def matrix_csv(report: dict[str, Any]) -> str:
    """The confusion matrix as a square table: reference classes across, mapped classes down.

    Its first column, `classification`, and its header hold the class values.
    """
    matrix = report["confusion_matrix"]
    rows = [["classification", *matrix["classes"]]]
    for value, counts in zip(matrix["classes"], matrix["counts"], strict=True):
        rows.append([value, *counts])
    return _csv(rows)


def _figures(part: object, name: str, value: int | None) -> Iterator[Row]:
    """The figures of a part of the report, texts left out."""
    if part is None or isinstance(part, int | float):
        yield name, value, int(part) if isinstance(part, bool) else part
    elif _is_interval(part):
        yield from ((f"{name}_low", value, part[0]), (f"{name}_high", value, part[1]))
    elif isinstance(part, dict):
        for key, inner in part.items():
            if key not in ("value", "label", "distance", "confusion_matrix"):
                # Figures by class differ from those of the whole map in the column class.
                joined = name if key in ("classes", "ranges") else f"{name}_{key}".lstrip("_")
                yield from _figures(inner, joined, value)
    elif isinstance(part, list):
        for place, inner in enumerate(part, start=1):
            if isinstance(inner, dict):
                by_class = inner.get("value", value)
                yield from _figures(inner, name + _which(inner, place), by_class)


def _which(one: dict[str, Any], place: int) -> str:
    """What tells an entry of a list from the others: its class, band, distance, or place."""
    if "value" in one:
        return ""
    return f"_{one['band']}" if "band" in one else f"_{one.get('distance', place):g}"


def _is_interval(part: object) -> TypeGuard[list[float]]:
    return isinstance(part, list) and [type(one) for one in part] == [float, float]


def _csv(rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
