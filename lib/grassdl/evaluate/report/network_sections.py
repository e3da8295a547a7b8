# SPDX-License-Identifier: GPL-2.0-or-later
"""The sections on a network's probabilities and bands."""

from __future__ import annotations

from ...core.text import value_label
from .classes import classes_of
from .tables import CHANGE, COUNT, Bars, Cell, Curve, Part, Row, Section, Table


def calibration(found: Part) -> Section:
    rows = [
        (
            f"{one.get('from'):.2f} to {one.get('to'):.2f}",
            [one.cell("pixels", COUNT), *one.cells("confidence accuracy")],
        )
        for one in found.each("reliability")
    ]
    lead = [
        found.words(
            "Expected calibration error {expected_calibration_error}, Brier score {brier_score}, "
            "of {pixels:d} cells."
        )
    ]
    if without := ", ".join(map(str, found.get("classes_without_probability"))):
        lead.append([f"Classes without probability count with 0: {without}."])
    note = ["Cells by the probability of their class."]
    table = Table(["Cells", "Confidence", "Share right"], rows, [note])
    points = [(one.get("confidence"), one.get("accuracy")) for one in found.each("reliability")]
    names = ("Reliability curve", "confidence", "share right")
    curve = Curve(*names, points, dots=points, diagonal=True)
    return Section("Calibration of the probabilities", [table], lead, [curve])


def thresholds(found: Part) -> Section:
    """Thresholds of the probability of the second of two classes."""
    name = value_label(found.get("class.value"), found.get("class.label"))
    title = f"Thresholds for class {name}"
    if found.get("average_precision") is None:
        return Section(title, lead=[["No cell of the reference is of this class."]])
    shown = {"Highest F1": "highest_f1", "Stored in the model": "used"}
    shown |= {
        f"{what.capitalize()} of {found.get(f'wanted_{what}.wanted'):g}": f"wanted_{what}.found"
        for what in ("precision", "recall")
        if found.get(f"wanted_{what}")
    }
    rows: list[Row] = [
        (label, found.at(key).cells("threshold precision recall f1"))
        for label, key in shown.items()
        if key != "used" or found.get(key)
    ]
    share = found.get("support") / found.get("pixels")
    lead = found.words(
        "Average precision {average_precision}; by chance it would be the share of the class, "
        f"{share:.4f}. Cells belong to the class from the threshold of its probability on."
    )
    marks = [
        (label, found.get(f"{key}.recall"), found.get(f"{key}.precision"))
        for label, key in shown.items()
        if found.get(f"{key}.precision") is not None
    ]
    points = [(one.get("recall"), one.get("precision")) for one in found.each("curve")]
    curve = Curve("Precision-recall curve", "recall", "precision", points, marks=marks)
    table = Table(["Threshold", "Precision", "Recall", "F1"], rows)
    return Section(title, [table], [lead], [curve])


def importance(found: Part) -> Section:
    """The bands in the order of what macro F1 loses."""
    bands = sorted(found.each("bands"), key=lambda band: -(band.get("f1_macro_loss") or 0))
    losses = [(band.get("band"), band.cell("f1_macro_loss", CHANGE)) for band in bands]
    rows: list[Row] = [
        (name, [loss, band.cell("f1_macro_loss_at_mean", CHANGE)])
        for (name, loss), band in zip(losses, bands, strict=True)
    ]
    lead = found.words(
        "What F1 loses, of {f1_macro} in the mean of the classes, where a band is permuted among "
        "the cells ({repeats:d} times, with the interval of the mean) or has its mean everywhere. "
        "Bands that tell the same stand in for each other."
    )
    heads = ["Macro F1, permuted", "At its mean"]
    tables = [Table(heads, rows, corner="band"), _loss_by_class(bands)]
    chart = loss_chart("Loss of macro F1 by permuted band", losses)
    return Section("Importance of the bands", tables, [lead], [chart])


def _loss_by_class(bands: list[Part]) -> Table:
    """What F1 of each class loses where a band is permuted."""
    rows: list[Row] = [
        (band.get("band"), [one.cell("f1_loss", CHANGE) for one in band.each("classes")])
        for band in bands
    ]
    note = "What F1 of each class loses where the band is permuted."
    return Table([name for name, _ in classes_of(bands[0])], rows, [[note]], corner="band")


def loss_chart(title: str, losses: list[tuple[str, Cell]]) -> Bars:
    """Bars on a scale that holds all intervals."""
    figures = [
        figure.value or 0.0
        for _, cell in losses
        for figure in (cell.content, *(cell.interval or ()))
    ]
    low, high = min(0.0, *figures), max(0.0, *figures)
    return Bars(title, losses, low, high if high > low else 1.0)
