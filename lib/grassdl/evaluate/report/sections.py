# SPDX-License-Identifier: GPL-2.0-or-later
"""The sections of a report, built once from its JSON and written as text or as HTML."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from ...core.accuracy import HEADLINE
from ...core.target import CLASSES, ByTarget
from ...core.text import listed
from ...dataset.seen import sentence
from ..settings import STRATIFIED
from .classes import classes_of
from .network_sections import calibration, importance, thresholds
from .tables import CHANGE, COUNT, Bars, Cell, Part, Row, Section, Table, Words
from .value_sections import value_headline, value_sections

MOST_CONFUSIONS = 20
"""Lines of the table of the worst confusions."""

MOST_BARS = 60
"""Most bars of a chart."""

_DESIGNS = {
    "census": "a census: every cell that both have",
    "random": "a random sample",
    "stratified": "a random sample in each mapped class",
}
_REASONS = {
    "masked": "masked",
    "null_in_classification": "NULL in the classification only",
    "null_in_reference": "NULL in the reference only",
    "null_in_both": "NULL in both maps",
    "elsewhere": "outside these patches",
    "null": "NULL in a band",
    "unlabelled": "unlabelled",
}
_BOTH = {title: key for key, title in HEADLINE.items()}
_SUMMARY = {
    "Overall accuracy": "overall_accuracy",
    "Kappa": "kappa",
    "Matthews correlation": "matthews_correlation",
    "Macro F1": "f1_macro",
    "Weighted F1": "f1_weighted",
    "Mean IoU": "mean_iou",
    "Quantity disagreement": "quantity_disagreement",
    "Allocation disagreement": "allocation_disagreement",
    "of it exchange": "exchange",
    "of it shift": "shift",
}
_USERS_AND_PRODUCERS = ["User's accuracy", "Producer's accuracy"]


def facts(report: dict[str, Any]) -> list[tuple[str, Words]]:
    """What was compared and how many cells were counted and left out."""
    names = [name for name in ("classification", "reference", "compare") if name in report]
    found: list[tuple[str, Words]] = [(name.capitalize(), [report[name]]) for name in names]
    if "object_areas" in report:
        found.append(("Mapped objects", [f"areas of {report['object_areas']}"]))
    if "minsize" in report:
        found.append(("Objects counted", Part(report).words("from {minsize:d} cells on")))
    if "within" in report:
        found.append(("Scored on", [_patches(**report["within"])]))
    if "design" in report:
        found.append(("Design", [_DESIGNS[report["design"]]]))
    whole = Part(report)
    if "background" in report:
        where = whole.words("{background:d} where the reference has no class")
        found.append(("Background", where))
    found.append(("Cells counted", whole.words("{pixels:d}")))
    for reason, cells in report.get("left_out", {}).items():
        if cells:
            left_out = whole.words(f"{{left_out.{reason}:d}} {_REASONS[reason]}")
            found.append(("Left out", left_out))
    return found


def _patches(split: str, datasets: Sequence[str]) -> str:
    return f"{split} patches of dataset{'s' if len(datasets) > 1 else ''} {listed(datasets)} only"


def headline(report: dict[str, Any]) -> list[tuple[str, Cell]]:
    """The headline figures; those of a sample are adjusted to the mapped areas."""
    return _HEADLINES.named(report.get("target", CLASSES))(report)


def _class_headline(report: dict[str, Any]) -> list[tuple[str, Cell]]:
    whole = Part(report)
    of_sample = ", of the sample" if report["design"] == STRATIFIED else ""
    found = [(name + of_sample, _whole_map(whole, key)) for name, key in _BOTH.items()]
    if "area_adjusted" in report:
        adjusted = whole.cell("area_adjusted.overall_accuracy")
        found.insert(0, ("Overall accuracy, area-adjusted", adjusted))
    return found


def sections(report: dict[str, Any], most_classes: int) -> list[Section]:
    """The sections that the report has.

    Args:
        report: What `assess` or `score_patches` returns.
        most_classes: With more classes the worst confusions are listed instead of the matrix.
    """
    return _SECTIONS.named(report.get("target", CLASSES))(report, most_classes)


def _class_sections(report: dict[str, Any], most_classes: int) -> list[Section]:
    whole = Part(report)
    many = len(report["classes"]) > most_classes
    optional = {
        "area_adjusted": _areas,
        "comparison": _comparison,
        "borders": _borders,
        "objects": _objects,
        "segments": _segments,
        "calibration": calibration,
        "thresholds": thresholds,
        "importance": importance,
        "areas": _patch_areas,
        "leaks": _leaks,
    }
    return [
        _worst_confusions(whole) if many else _matrix(whole),
        _classes(whole),
        _summary(whole),
        *(build(whole.at(key)) for key, build in optional.items() if report.get(key)),
    ]


def _whole_map(whole: Part, key: str) -> Cell:
    """A figure of the whole map, with its interval from the part `intervals`."""
    return Cell(whole.figure(key), whole.interval(f"intervals.{key}"))


def _matrix(whole: Part) -> Section:
    """Counts, shaded by their share of the reference class."""
    classes = classes_of(whole)
    rows: list[Row] = []
    for row, (name, one) in enumerate(classes):
        cells = []
        for column, (_, other) in enumerate(classes):
            count = whole.figure(f"confusion_matrix.counts.{row}.{column}", COUNT)
            cells.append(Cell(count, share=(count.value or 0) / (other.get("support") or 1)))
        rows.append((name, [*cells, one.cell("predicted", COUNT)]))
    totals = [one.cell("support", COUNT) for _, one in classes]
    rows.append(("Total", [*totals, whole.cell("pixels", COUNT)]))
    heads = [*(str(one.get("value")) for _, one in classes), "Total"]
    note = whole.words("Rows are the classification, columns the reference.")
    return Section("Confusion matrix", [Table(heads, rows, [note])])


def _worst_confusions(whole: Part) -> Section:
    """The largest counts off the diagonal, with their share of the reference class."""
    names = [name for name, _ in classes_of(whole)]
    wrong = [
        (-cells, row, column)
        for row, counts in enumerate(whole.get("confusion_matrix.counts"))
        for column, cells in enumerate(counts)
        if row != column and cells
    ]
    rows: list[Row] = []
    for cells, row, column in sorted(wrong)[:MOST_CONFUSIONS]:
        count = whole.cell(f"confusion_matrix.counts.{row}.{column}", COUNT)
        share = -cells / whole.get(f"classes.{column}.support")
        rows.append((names[column], [Cell(names[row]), count, Cell(f"{share:.4f}")]))
    lead = whole.words(f"{len(names)} classes are too many to show: see the option matrix.")
    table = Table(["classification", "cells", "share"], rows, corner="reference")
    return Section("Worst confusions", [table] if rows else [], [lead])


def _classes(whole: Part) -> Section:
    figures = "precision recall f1 iou"
    rows: list[Row] = []
    for place, (name, one) in enumerate(classes_of(whole)):
        by_class = whole.at("intervals").at(f"classes.{place}")
        cells = [Cell(one.figure(key), by_class.interval(key)) for key in figures.split()]
        rows.append((name, [*cells, *one.cells("support predicted", COUNT)]))
    for name, keys in (
        ("Macro mean", "precision_macro recall_macro f1_macro mean_iou"),
        ("Weighted mean", " ".join(f"{key}_weighted" for key in figures.split())),
    ):
        rows.append((name, [*(Cell(whole.figure(key)) for key in keys.split()), Cell(), Cell()]))
    heads = ["Precision (user's)", "Recall (producer's)", "F1", "IoU", "Support", "Predicted"]
    note = whole.words("Support is the number of reference cells, predicted that of mapped cells.")
    return Section("Accuracy by class", [Table(heads, rows, [note])], charts=_f1_chart(whole))


def _f1_chart(whole: Part) -> list[Bars]:
    """F1 of each class as a bar with its interval; with too many classes no chart."""
    classes = classes_of(whole)
    rows = [
        (name, Cell(one.figure("f1"), whole.interval(f"intervals.classes.{place}.f1")))
        for place, (name, one) in enumerate(classes)
    ]
    return [Bars("F1 by class", rows)] if len(rows) <= MOST_BARS else []


def _summary(whole: Part) -> Section:
    """The figures of the whole map, and how their intervals were computed."""
    rows = [(name, [_whole_map(whole, key)]) for name, key in _SUMMARY.items()]
    notes = []
    if whole.get("design") == STRATIFIED:
        notes.append("Of the sample as it was drawn; for the map see the area-adjusted figures.")
    if whole.get("kappa_interval") is not None:
        error = math.sqrt(whole.get("kappa_variance"))
        notes.append(
            f"Were cells independent, kappa would have the variance {{kappa_variance:.5g}} "
            f"(standard error {error:.3g}) and the interval {{kappa_interval.0}} to "
            "{kappa_interval.1}."
        )
    if whole.get("intervals"):
        drawn = "{intervals.blocks:d} blocks of {intervals.block_size:d} x {intervals.block_size:d}"
        notes.append(
            "Neighbouring cells are not independent: the intervals are by block bootstrap, "
            f"{{intervals.replicates:d}} draws of {drawn} cells."
            if whole.get("intervals.overall_accuracy")
            else f"No intervals: {drawn} cells are too few for a bootstrap."
        )
    return Section("Summary", [Table(["Figure"], rows, [whole.words(one) for one in notes])])


def _areas(found: Part) -> Section:
    rows = [
        (
            name,
            [
                one.cell("points", COUNT),
                *one.cells("users_accuracy producers_accuracy"),
                *one.cells("mapped_ha area_ha", ".2f"),
            ],
        )
        for name, one in classes_of(found)
    ]
    notes = [found.words("Weighted by mapped areas, with 95 % intervals (Olofsson et al. 2014).")]
    if found.get("sample_size.points") is not None:
        notes.append(
            found.words(
                "A standard error of {sample_size.standard_error:g} of the overall accuracy needs "
                "{sample_size.points:d} points."
            )
        )
    heads = ["Points", *_USERS_AND_PRODUCERS, "Mapped (ha)", "Estimated (ha)"]
    overall = Table(["Figure"], [("Overall accuracy", [found.cell("overall_accuracy")])])
    by_class = Table(heads, rows, notes + _without_points(found))
    return Section("Area-adjusted accuracy and areas", [by_class, overall])


def _without_points(found: Part) -> list[Words]:
    values = ", ".join(map(str, found.get("classes_without_points")))
    return [[f"No point lies in mapped class {values}: its accuracy is unknown."]] if values else []


def _comparison(found: Part) -> Section:
    rows: list[Row] = []
    for name, key in _BOTH.items():
        both = [found.cell(f"{which}.{key}") for which in ("classification", "compare")]
        rows.append((name, [*both, found.cell(f"difference.{key}", CHANGE)]))
    for name, one in classes_of(found):
        both = one.cells("f1_classification f1_compare")
        rows.append((f"F1 {name}", [*both, one.cell("f1_difference", CHANGE)]))
    notes = [
        found.words(
            "On {pixels:d} cells that both maps and the reference have: "
            "{only_classification_right:d} are right in the classification only, "
            "{only_compare_right:d} in the compared map only."
        )
    ]
    if found.get("weighted_by_area"):
        weights = "Weighted by the areas of the first map's classes (Stehman 2014)."
        notes += [[weights], *_without_points(found)]
    tables = [Table(["Classification", "Compare", "Difference"], rows, notes), _tests(found)]
    if found.get("accuracy_difference"):
        keys = "users_accuracy_compare producers_accuracy_compare"
        second = [(name, one.cells(keys)) for name, one in classes_of(found)]
        note = found.words("Accuracy of the compared map by class.")
        tables.append(Table(_USERS_AND_PRODUCERS, second, [note]))
    return Section("Comparison of two classifications", [one for one in tables if one.rows])


def _tests(found: Part) -> Table:
    """Whether the maps differ."""
    rows: list[Row] = []
    if found.get("mcnemar"):
        statistic = found.cell("mcnemar.statistic", ".2f")
        how = Cell("exact") if found.get("mcnemar.exact") else statistic
        rows.append(("McNemar's test", [found.p_value("mcnemar.p_value"), how]))
    for name, key in (
        ("Difference of overall accuracies", "accuracy_difference"),
        ("Difference of kappas", "kappa_difference"),
    ):
        if found.get(f"{key}.z") is not None:
            cells = [found.p_value(f"{key}.p_value"), found.cell(f"{key}.z", ".2f")]
            rows.append((name, cells))
    notes = [] if found.get("weighted_by_area") else [["The tests take cells as independent."]]
    return Table(["p-value", "Statistic"], rows, notes)


def _borders(found: Part) -> Section:
    tables = []
    for at_distance in found.each():
        rows: list[Row] = [
            (name, one.cells("precision recall f1")) for name, one in classes_of(at_distance)
        ]
        rows.append(("Macro mean", [Cell(), Cell(), at_distance.cell("f1_macro")]))
        note = "Border cells count as met up to this distance in cells: {distance:g}."
        tables.append(Table(["Precision", "Recall", "F1"], rows, [at_distance.words(note)]))
    return Section("Borders of classes", tables)


def _objects(found: Part) -> Section:
    rows = [
        (
            name,
            [
                *one.cells("precision recall f1"),
                *one.cells("predicted support matched", COUNT),
                one.cell("area_bias", CHANGE),
            ],
        )
        for name, one in classes_of(found, "")
    ]
    heads = ["Precision", "Recall", "F1", "Mapped", "Reference", "Matched", "Area bias"]
    note = "Objects match where their intersection over union is above 0.5."
    counts = Table(heads, rows, [[note]])
    keys = "segmentation_quality recognition_quality panoptic_quality"
    means = "precision_50_95 recall_50_95 f1_50_95"
    rows = [(name, one.cells(f"{keys} {means}")) for name, one in classes_of(found, "")]
    notes = [
        ["SQ is the mean intersection over union of matches, RQ is F1, PQ their product."],
        ["Means over the thresholds 0.5, 0.55, ..., 0.95 of intersection over union."],
    ]
    heads = ["SQ", "RQ", "PQ", "Mean precision", "Mean recall", "Mean F1"]
    return Section("Objects of classes", [counts, Table(heads, rows, notes)])


def _segments(found: Part) -> Section:
    shown = {
        "Segments of the right majority class": "accuracy",
        "The same, weighted by cells": "accuracy_weighted",
        "Right cells": "pixel_accuracy",
        "Right cells with one class per segment": "pixel_accuracy_by_segment",
    }
    rows: list[Row] = [(name, [found.cell(key)]) for name, key in shown.items()]
    rows.append(("Difference", [found.cell("pixel_accuracy_difference", CHANGE)]))
    note = found.words("{segments:d} segments of {pixels:d} cells that both maps have.")
    tables = [Table(["Share"], rows, [note])]
    keys = ("f1_macro", "f1_macro_by_segment")
    rows = [
        (_within(one.get("distance")), [*one.cells(" ".join(keys)), _change(one, *keys)])
        for one in found.each("borders")
    ]
    note = "Macro F1 of border cells, as mapped and where cells have the class of their segment."
    tables.append(Table(["As mapped", "By segment", "Difference"], rows, [[note]]))
    rows = [
        (name, found.at("segmentation").cells(f"over{end} under{end} distance_d{end}"))
        for name, end in (("By reference object", ""), ("Weighted by cells", "_weighted"))
    ]
    note = found.words(
        "{segmentation.reference_objects:d} connected areas of the reference, each with the "
        "segment that has most of it (Clinton et al. 2010); 0 is best."
    )
    heads = ["Over-segmentation", "Under-segmentation", "Distance D"]
    return Section("Segments", [*tables, Table(heads, rows, [note])])


def _within(distance: float) -> str:
    return f"Within {distance:g} cell" + ("" if distance == 1 else "s")


def _change(part: Part, before: str, after: str) -> Cell:
    """The difference of two figures, which is not in the JSON."""
    both = [part.get(before), part.get(after)]
    return Cell("" if None in both else format(both[1] - both[0], CHANGE))


def _patch_areas(found: Part) -> Section:
    rows = [
        (one.get("dataset"), [*one.cells(" ".join(_BOTH.values())), one.cell("pixels", COUNT)])
        for one in found.each()
    ]
    return Section("By dataset", [Table([*_BOTH, "Pixels"], rows)])


def _leaks(found: Part) -> Section:
    """Leaks; each sentence begins with a number of patches or cells."""
    lead: list[Words] = []
    for one in found.each():
        _, _, after = sentence(one.get()).partition(" ")
        lead.append([one.figure("patches", COUNT), f" {after}."])
    return Section("Leaks: what the model has seen", lead=lead)


def _value_sections(report: dict[str, Any], most_classes: int) -> list[Section]:
    """The sections of a report on values, and those of any report."""
    found = value_sections(report)
    return found + ([_leaks(Part(report, "leaks"))] if report.get("leaks") else [])


_HEADLINES: ByTarget[Callable[[dict[str, Any]], list[tuple[str, Cell]]]] = ByTarget(
    classes=_class_headline, value=value_headline
)
_SECTIONS: ByTarget[Callable[[dict[str, Any], int], list[Section]]] = ByTarget(
    classes=_class_sections, value=_value_sections
)
