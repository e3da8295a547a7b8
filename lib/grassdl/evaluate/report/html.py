# SPDX-License-Identifier: GPL-2.0-or-later
"""The report as one HTML file that needs nothing else: no network, no script.

Every figure stands in a `data` element with its full value and its place in the JSON report, so
that what is read and what is computed with cannot differ.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from html import escape

from ...core.classes import MapClass
from ..settings import STRATIFIED
from .html_parts import class_name, figure, interval, section, table, text
from .html_sections import sections
from .html_style import STYLE
from .thumbnails import NOT_COMPARED, RIGHT, WRONG

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
"""Whatever a label may try, the browser loads nothing and runs nothing."""

MAX_MATRIX_CLASSES = 40
"""With more classes the matrix is left to its CSV table."""

_CAPTIONS = {
    "classification": "Classification",
    "reference": "Reference",
    "errors": "Errors",
}
_DESIGNS = {
    "census": "a census: every cell that both have",
    "random": "a random sample",
    "stratified": "a random sample in each mapped class",
}
_REASONS = {
    "masked": "masked",
    "null_in_classification": "NULL in the classification",
    "null_in_reference": "NULL in the reference",
    "null_in_both": "NULL in both",
    "null": "NULL in a band",
    "unlabelled": "unlabelled",
}


def page(
    report: dict,
    classes: Sequence[MapClass],
    pictures: Mapping[str, bytes],
    description: Mapping[str, str],
) -> str:
    """The report as a page.

    Args:
        report: What `assess` returns.
        classes: The classes of the pictures.
        pictures: PNG files as `overview` makes them; none for patches.
        description: What is known about the making of the classification.
    """
    title = f"Accuracy of {report['classification']}"
    body = [
        f"<h1>{text(title)}</h1>",
        _lead(report),
        _cards(report),
        *([section("Maps", _maps(classes, pictures))] if pictures else []),
        section("Confusion matrix", _matrix(report)),
        section("Accuracy by class", _classes(report)),
        section("All classes", _summary(report)),
        *sections(report),
        section("How the classification was made", _description(description)),
    ]
    return "\n".join(
        [
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{escape(POLICY)}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{text(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>",
            *body,
            "</body>\n</html>\n",
        ]
    )


def _lead(report: dict) -> str:
    counted = figure(report, "pixels", "d")
    left_out = [
        f"{figure(report, f'left_out.{reason}', 'd')} {_REASONS[reason]}"
        for reason, cells in report["left_out"].items()
        if cells
    ]
    told = f" Left out: {', '.join(left_out)}." if left_out else ""
    if "background" in report:
        told += f" Cells without a reference class count as class {report['background']}."
    return (
        f"<p>Measured against <b>{text(report['reference'])}</b>, "
        f"{_DESIGNS[report['design']]}; {counted} counted.{told}</p>"
    )


def _cards(report: dict) -> str:
    """The figures that are asked for first; those of a sample are adjusted to the mapped areas."""
    shown = [
        ("Overall accuracy", "overall_accuracy"),
        ("Kappa", "kappa"),
        ("Macro F1", "f1_macro"),
        ("Mean IoU", "mean_iou"),
    ]
    of_sample = ", of the sample" if report["design"] == STRATIFIED else ""
    cards = [
        _card(name + of_sample, figure(report, key), interval(report, f"intervals.{key}"))
        for name, key in shown
    ]
    if "area_adjusted" in report:
        key = "area_adjusted.overall_accuracy"
        bounds = interval(report, f"{key}_interval")
        cards.insert(0, _card("Overall accuracy, area-adjusted", figure(report, key), bounds))
    return f'<div class="cards">{"".join(cards)}</div>'


def _card(name: str, big: str, bounds: str) -> str:
    below = f'<span class="soft">95 %: {bounds}</span>' if bounds else ""
    return (
        f'<div class="card"><span class="name">{name}</span><span class="big">{big}</span>'
        f"{below}</div>"
    )


def _maps(classes: Sequence[MapClass], pictures: Mapping[str, bytes]) -> str:
    shown = [
        f'<figure><img alt="{_CAPTIONS[name]}" src="data:image/png;base64,'
        f'{base64.b64encode(content).decode()}"><figcaption>{_CAPTIONS[name]}</figcaption></figure>'
        for name, content in pictures.items()
    ]
    entries = [(one.color.replace(":", " "), one.full_name) for one in classes]
    legend = _legend(entries)
    if "errors" in pictures:
        colors = [" ".join(map(str, color)) for color in (RIGHT, WRONG, NOT_COMPARED)]
        legend += _legend(zip(colors, ("right", "wrong", "not compared"), strict=True))
    return f'<div class="maps">{"".join(shown)}</div>{legend}'


def _legend(entries: Iterable[tuple[str, str]]) -> str:
    items = (
        f'<li><span style="background: rgb({escape(color)})"></span>{text(name)}</li>'
        for color, name in entries
    )
    return f'<ul class="legend">{"".join(items)}</ul>'


def _matrix(report: dict) -> str:
    """Counts, shaded by their share of the reference class."""
    classes = report["classes"]
    if len(classes) > MAX_MATRIX_CLASSES:
        return f"<p>{len(classes)} classes are too many to show: see the option matrix.</p>"
    rows = []
    for row, one in enumerate(classes):
        cells = []
        for column, other in enumerate(classes):
            count = report["confusion_matrix"]["counts"][row][column]
            share = count / other["support"] if other["support"] else 0
            shown = figure(report, f"confusion_matrix.counts.{row}.{column}", "d")
            cells.append((shown, f'class="share" style="--share: {share:.3f}"'))
        rows.append(
            (class_name(one), [*cells, (figure(report, f"classes.{row}.predicted", "d"), "")])
        )
    totals = [(figure(report, f"classes.{n}.support", "d"), "") for n in range(len(classes))]
    rows.append(("Total", [*totals, (figure(report, "pixels", "d"), "")]))
    heads = [*(text(str(one["value"])) for one in classes), "Total"]
    note = "Rows are the classification, columns the reference; shaded by share of the column."
    return table(heads, rows, note)


def _classes(report: dict) -> str:
    figures = ("precision", "recall", "f1", "iou")
    rows = []
    for place, one in enumerate(report["classes"]):
        cells = []
        for key in figures:
            bounds = interval(report, f"intervals.classes.{place}.{key}")
            below = f'<span class="range">{bounds}</span>' if bounds else ""
            cells.append((figure(report, f"classes.{place}.{key}") + below, ""))
        for key in ("support", "predicted"):
            cells.append((figure(report, f"classes.{place}.{key}", "d"), ""))
        rows.append((class_name(one), cells))
    for name, keys in (
        ("Macro mean", ("precision_macro", "recall_macro", "f1_macro", "mean_iou")),
        ("Weighted mean", tuple(f"{key}_weighted" for key in figures)),
    ):
        cells = [(figure(report, key), "") for key in keys]
        rows.append((name, [*cells, ("", ""), ("", "")]))
    heads = ["Precision (user's)", "Recall (producer's)", "F1", "IoU", "Support", "Predicted"]
    note = "Support is the number of reference cells, predicted that of mapped cells."
    return table(heads, rows, note)


def _summary(report: dict) -> str:
    shown = {
        "Overall accuracy": "overall_accuracy",
        "Kappa": "kappa",
        "Matthews correlation": "matthews_correlation",
        "Weighted F1": "f1_weighted",
        "Quantity disagreement": "quantity_disagreement",
        "Allocation disagreement": "allocation_disagreement",
        "of it exchange": "exchange",
        "of it shift": "shift",
    }
    rows = [
        (name, [(figure(report, key), ""), (interval(report, f"intervals.{key}"), "")])
        for name, key in shown.items()
    ]
    return table(["Figure", "95 % interval"], rows, _interval_note(report))


def _interval_note(report: dict) -> str:
    note = ""
    if report["design"] == STRATIFIED:
        note = "Of the sample as it was drawn; for the map see the area-adjusted figures. "
    if "intervals" in report:
        blocks, size = (figure(report, f"intervals.{key}", "d") for key in ("blocks", "block_size"))
        note = (
            f"Intervals by block bootstrap: {blocks} blocks of {size} x {size} cells drawn again, "
            "since neighbouring cells are not independent. "
        )
    if report["kappa_interval"] is not None:
        variance = figure(report, "kappa_variance", ".5g")
        bounds = interval(report, "kappa_interval")
        note += (
            f"Were cells independent, kappa would have the variance {variance} and the interval "
            f"{bounds}."
        )
    return note


def _description(description: Mapping[str, str]) -> str:
    if not description:
        return "<p>The map tells nothing about it.</p>"
    items = (f"<dt>{text(key)}</dt><dd>{text(value)}</dd>" for key, value in description.items())
    return f"<dl>{''.join(items)}</dl>"
