# SPDX-License-Identifier: GPL-2.0-or-later
"""The report of `assess` as a listing to read."""

from __future__ import annotations

import math

from ..settings import STRATIFIED
from .text_columns import WIDTH, aligned, clean, columns, figure_text, padded, shortened
from .text_sections import interval_text, sections

MAX_MATRIX_CLASSES = 20
"""With more classes a matrix is no longer read: the listing shows the worst confusions."""

_CLASS_FIGURES = ("precision", "recall", "f1", "iou")
_COUNT_FIGURES = ("support", "predicted")

_REASONS = {
    "masked": "masked",
    "null_in_classification": "NULL in the classification only",
    "null_in_reference": "NULL in the reference only",
    "null_in_both": "NULL in both maps",
    "null": "NULL in a band",
    "unlabelled": "unlabelled",
}


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
        *sections(report),
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def _header(report: dict) -> list[str]:
    """What was compared and how many cells were counted and left out."""
    names = [name for name in ("classification", "reference", "compare") if name in report]
    lines = [f"{name.capitalize() + ':':<16}{clean(report[name])}" for name in names]
    if "background" in report:
        lines.append(f"{'Background:':<16}{report['background']} where the reference has no class")
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
    names = shortened([*_names(report), "Total"], 24)
    name_width = max(map(columns, names))
    per_panel = max(1, (WIDTH - name_width) // width)
    lines = ["CONFUSION MATRIX (rows: classification, columns: reference)"]
    for start in range(0, len(heads), per_panel):
        part = slice(start, start + per_panel)
        lines += ["", " " * name_width + aligned(heads[part], width)]
        lines += [
            padded(name, name_width) + aligned(row[part], width)
            for name, row in zip(names, table, strict=True)
        ]
    return lines


def _worst_confusions(report: dict) -> list[str]:
    """The largest counts off the diagonal, with their share of the reference class."""
    matrix = report["confusion_matrix"]["counts"]
    names = shortened(_names(report), 28)
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
        pair = padded(names[column], 30) + padded(names[row], 30)
        lines.append(f"{pair}{cells:>11}{share:>9.4f}")
    return lines


def _class_table(report: dict) -> list[str]:
    """One line for each class, then the macro and the weighted mean."""
    count_width = max(10, len(str(report["pixels"])) + 1)
    name_width = WIDTH - 2 * count_width - 37
    names = shortened([*_names(report), "Macro mean", "Weighted mean"], name_width)
    name_width = max(map(columns, names))
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
        f"{figure_text(a):>11}{figure_text(b):>10}{figure_text(c):>8}{figure_text(d):>8}"
        + aligned(two, count_width)
        for (a, b, c, d), two in zip(figures, counts, strict=True)
    ]
    lines = ["ACCURACY BY CLASS", ""]
    lines += [
        f"{'':{name_width}}{a:>11}{b:>10}{c:>8}{d:>8}{e:>{count_width}}{f:>{count_width}}".rstrip()
        for a, b, c, d, e, f in heads
    ]
    lines += [padded(name, name_width) + row for name, row in zip(names, rows, strict=True)]
    lines.insert(-2, "")
    return lines


def _summary(report: dict) -> list[str]:
    """The figures of the whole map; with their intervals where the report has them."""
    lines = ["SUMMARY", ""]
    intervals = report.get("intervals", {})
    for key, name in (
        ("overall_accuracy", "Overall accuracy"),
        ("kappa", "Kappa"),
        ("matthews_correlation", "Matthews correlation"),
        ("f1_macro", "Macro F1"),
        ("mean_iou", "Mean IoU"),
        ("quantity_disagreement", "Quantity disagreement"),
        ("allocation_disagreement", "Allocation disagreement"),
    ):
        bounds = interval_text(intervals[key]) if intervals.get(key) else ""
        lines.append(f"{name:25}{figure_text(report[key])}  {bounds}".rstrip())
    exchange, shift = (figure_text(report[key]) for key in ("exchange", "shift"))
    lines.append(f"{'':25}made of exchange {exchange} and shift {shift}")
    if report.get("design") == STRATIFIED:
        lines += ["", "Of the sample as it was drawn; for the map see the area-adjusted figures"]
    variance, bounds = report["kappa_variance"], report["kappa_interval"]
    if variance is not None:
        lines += [
            "",
            f"Were cells independent: kappa's standard error {math.sqrt(variance):.3g}, "
            f"variance {variance:.5g},",
            f"95 % interval {interval_text(bounds)}",
        ]
    return lines


def _names(report: dict) -> list[str]:
    """Value and label of each class, the values right-aligned; no label that repeats it."""
    width = max(len(str(one["value"])) for one in report["classes"])
    return [
        f"{one['value']:>{width}} {'' if one['label'] == str(one['value']) else one['label']}"
        for one in report["classes"]
    ]
