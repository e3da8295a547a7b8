# SPDX-License-Identifier: GPL-2.0-or-later
"""The report of `scores.report` as text: a listing to read, JSON, CSV."""

from __future__ import annotations

import csv
import io
import json
import math
import unicodedata
from collections.abc import Iterable, Sequence

WIDTH = 80
"""Columns of a terminal."""

MAX_MATRIX_CLASSES = 20
"""With more classes a matrix is no longer read: the listing shows the worst confusions."""

UNDEFINED = "-"

_CLASS_FIGURES = ("precision", "recall", "f1", "iou")
_COUNT_FIGURES = ("support", "predicted")

_REASONS = {
    "masked": "masked",
    "null_in_classification": "NULL in the classification only",
    "null_in_reference": "NULL in the reference only",
    "null_in_both": "NULL in both maps",
}


def as_json(report: dict) -> str:
    """The report as one indented JSON object; NaN is refused, since JSON has none."""
    return json.dumps(report, indent=2, allow_nan=False) + "\n"


def as_csv(report: dict) -> str:
    """The report as a tidy table: one figure a line in the columns metric, class, label, value.

    Figures of the whole map have no class and no label; undefined figures have no value. The
    confusion matrix is a table of its own, see `matrix_csv`.
    """
    rows: list[Sequence[object]] = [("metric", "class", "label", "value")]
    for metric, figure in report.items():
        if figure is None or isinstance(figure, int | float):
            rows.append((metric, None, None, figure))
    for reason, cells in report.get("left_out", {}).items():
        rows.append((f"left_out_{reason}", None, None, cells))
    for one in report["classes"]:
        for metric in (*_CLASS_FIGURES, *_COUNT_FIGURES):
            rows.append((metric, one["value"], one["label"], one[metric]))
    return _csv(rows)


def matrix_csv(report: dict) -> str:
    """The confusion matrix as a square table: reference classes across, mapped classes down.

    Its first column, `classification`, and its header hold the class values.
    """
    matrix = report["confusion_matrix"]
    rows = [["classification", *matrix["classes"]]]
    for value, counts in zip(matrix["classes"], matrix["counts"], strict=True):
        rows.append([value, *counts])
    return _csv(rows)


def plain(report: dict) -> str:
    """The report as a listing 80 columns wide.

    It reads like that of scikit-learn and r.kappa together: the confusion matrix (or, beyond 20
    classes, the worst confusions), a line for each class, their means, the summary. Long labels
    are shortened, undefined figures are "-".
    """
    many = len(report["classes"]) > MAX_MATRIX_CLASSES
    blocks = [
        _header(report),
        _worst_confusions(report) if many else _matrix(report),
        _class_table(report),
        _summary(report),
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def _header(report: dict) -> list[str]:
    """What was compared and how many cells were counted and left out."""
    names = [name for name in ("classification", "reference") if name in report]
    lines = [f"{name.capitalize() + ':':<16}{_clean(report[name])}" for name in names]
    lines.append(f"{'Cells counted:':<16}{report['pixels']}")
    for reason, cells in report.get("left_out", {}).items():
        if cells:
            lines.append(f"{'Left out:':<16}{cells} {_REASONS[reason]}")
    return lines


def _matrix(report: dict) -> list[str]:
    """The matrix with totals, folded into panels of as many columns as fit."""
    values = report["confusion_matrix"]["classes"]
    counts = report["confusion_matrix"]["counts"]
    table = [[*row, sum(row)] for row in counts]
    table.append([sum(column) for column in zip(*table, strict=True)])
    heads = [*map(str, values), "Total"]
    width = max(len(str(entry)) for entry in [table[-1][-1], *heads]) + 2
    names = _shortened([*_names(report), "Total"], 24)
    name_width = max(map(_columns, names))
    per_panel = max(1, (WIDTH - name_width) // width)
    lines = ["CONFUSION MATRIX (rows: classification, columns: reference)"]
    for start in range(0, len(heads), per_panel):
        part = slice(start, start + per_panel)
        lines += ["", " " * name_width + _cells(heads[part], width)]
        lines += [
            _padded(name, name_width) + _cells(row[part], width)
            for name, row in zip(names, table, strict=True)
        ]
    return lines


def _worst_confusions(report: dict) -> list[str]:
    """The largest counts off the diagonal, with their share of the reference class."""
    matrix = report["confusion_matrix"]["counts"]
    names = _shortened(_names(report), 28)
    wrong = [
        (cells, row, column)
        for row, counts in enumerate(matrix)
        for column, cells in enumerate(counts)
        if row != column and cells
    ]
    wrong.sort(key=lambda one: (-one[0], one[1], one[2]))
    lines = [
        "WORST CONFUSIONS (too many classes for the matrix: see its CSV table)",
        "",
        f"{'reference':<30}{'classification':<30}{'cells':>11}{'share':>9}",
    ]
    for cells, row, column in wrong[:MAX_MATRIX_CLASSES]:
        share = cells / report["classes"][column]["support"]
        pair = _padded(names[column], 30) + _padded(names[row], 30)
        lines.append(f"{pair}{cells:>11}{share:>9.4f}")
    return lines


def _class_table(report: dict) -> list[str]:
    """One line for each class, then the macro and the weighted mean."""
    count_width = max(10, len(str(report["pixels"])) + 1)
    name_width = WIDTH - 2 * count_width - 37
    names = _shortened([*_names(report), "Macro mean", "Weighted mean"], name_width)
    name_width = max(map(_columns, names))
    heads = [
        ("precision", "recall", "F1", "IoU", "support", "predicted"),
        ("(user's)", "(prod.'s)", "", "", "", ""),
    ]
    figures = [[one[metric] for metric in _CLASS_FIGURES] for one in report["classes"]]
    counts = [[one[metric] for metric in _COUNT_FIGURES] for one in report["classes"]]
    macro = ("precision_macro", "recall_macro", "f1_macro", "mean_iou")
    weighted = [f"{metric}_weighted" for metric in _CLASS_FIGURES]
    figures += [[report[key] for key in keys] for keys in (macro, weighted)]
    counts += [[report["pixels"]] * 2] * 2
    rows = [
        f"{_figure(a):>11}{_figure(b):>10}{_figure(c):>8}{_figure(d):>8}" + _cells(two, count_width)
        for (a, b, c, d), two in zip(figures, counts, strict=True)
    ]
    lines = ["ACCURACY BY CLASS", ""]
    lines += [
        f"{'':{name_width}}{a:>11}{b:>10}{c:>8}{d:>8}{e:>{count_width}}{f:>{count_width}}".rstrip()
        for a, b, c, d, e, f in heads
    ]
    lines += [_padded(name, name_width) + row for name, row in zip(names, rows, strict=True)]
    lines.insert(-2, "")
    return lines


def _summary(report: dict) -> list[str]:
    variance = report["kappa_variance"]
    error = ""
    if variance is not None:
        error = f"  (standard error {math.sqrt(variance):.3g}, variance {variance:.5g})"
    return [
        "SUMMARY",
        "",
        f"Overall accuracy         {_figure(report['overall_accuracy'])}",
        f"Kappa                    {_figure(report['kappa'])}{error}",
        f"Matthews correlation     {_figure(report['matthews_correlation'])}",
        f"Quantity disagreement    {_figure(report['quantity_disagreement'])}",
        f"Allocation disagreement  {_figure(report['allocation_disagreement'])}"
        f"  (exchange {_figure(report['exchange'])}, shift {_figure(report['shift'])})",
    ]


def _names(report: dict) -> list[str]:
    """Value and label of each class, the values right-aligned; no label that repeats it."""
    width = max(len(str(one["value"])) for one in report["classes"])
    return [
        f"{one['value']:>{width}} {'' if one['label'] == str(one['value']) else one['label']}"
        for one in report["classes"]
    ]


def _figure(figure: float | None) -> str:
    return UNDEFINED if figure is None else f"{figure:.4f}"


def _cells(entries: Iterable[object], width: int) -> str:
    return "".join(f"{entry:>{width}}" for entry in entries)


def _csv(rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def _clean(text: str) -> str:
    """The text without control characters, which would break the lines of a listing."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _columns(text: str) -> int:
    """Terminal columns of a text: East Asian wide letters take two, combining marks none."""
    return sum(
        0 if unicodedata.combining(letter) else 1 + (unicodedata.east_asian_width(letter) in "WF")
        for letter in text
    )


def _shortened(names: Iterable[str], width: int) -> list[str]:
    """The names, cut to `width` columns with two dots at the end of those that were longer."""
    short = []
    for name in map(_clean, names):
        cut = name.rstrip()
        while _columns(cut) > width - 2 and _columns(name.rstrip()) > width:
            cut = cut[:-1]
        short.append(cut if cut == name.rstrip() else cut + "..")
    return short


def _padded(text: str, width: int) -> str:
    return text + " " * (width - _columns(text))
