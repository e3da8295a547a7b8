# SPDX-License-Identifier: GPL-2.0-or-later
"""The parts of the HTML report that not every evaluation has."""

from __future__ import annotations

from ...dataset.seen import sentence
from .html_parts import class_name, figure, interval, p_value, section, table, text

PLOT_PX = 240
MARGIN_PX = 40


def sections(report: dict) -> list[str]:
    """The parts that the report has: areas, comparison, borders, objects, segments and so on."""
    parts = (
        ("area_adjusted", "Area-adjusted accuracy and areas", _areas),
        ("comparison", "Comparison of two classifications", _comparison),
        ("borders", "Borders", _borders),
        ("objects", "Objects", _objects),
        ("segments", "Segments", _segments),
        ("calibration", "Calibration of the probabilities", _calibration),
        ("areas", "By dataset", _patch_areas),
        ("leaks", "Leaks: what the model has seen", _leaks),
    )
    return [section(title, content(report)) for key, title, content in parts if report.get(key)]


def _with_range(report: dict, path: str, form: str = ".4f") -> tuple[str, str]:
    bounds = interval(report, f"{path}_interval", form)
    below = f'<span class="range">{bounds}</span>' if bounds else ""
    return figure(report, path, form) + below, ""


def _areas(report: dict) -> str:
    found = report["area_adjusted"]
    rows = []
    for place, one in enumerate(found["classes"]):
        path = f"area_adjusted.classes.{place}"
        cells = [(figure(report, f"{path}.points", "d"), "")]
        cells += [
            _with_range(report, f"{path}.{key}") for key in ("users_accuracy", "producers_accuracy")
        ]
        cells.append((figure(report, f"{path}.mapped_ha", ".2f"), ""))
        cells.append(_with_range(report, f"{path}.area_ha", ".2f"))
        rows.append((class_name(one), cells))
    heads = ["Points", "User's accuracy", "Producer's accuracy", "Mapped (ha)", "Estimated (ha)"]
    note = "Weighted by mapped areas, with 95 % intervals (Olofsson et al. 2014)."
    if found["sample_size"]["points"] is not None:
        error = figure(report, "area_adjusted.sample_size.standard_error", "g")
        points = figure(report, "area_adjusted.sample_size.points", "d")
        note += f" A standard error of {error} of the overall accuracy needs {points} points."
    return table(heads, rows, note + _without_points(found))


def _comparison(report: dict) -> str:
    names = [text(report[key]) for key in ("classification", "compare")]
    rows = []
    for name, key in (
        ("Overall accuracy", "overall_accuracy"),
        ("Kappa", "kappa"),
        ("Macro F1", "f1_macro"),
        ("Mean IoU", "mean_iou"),
    ):
        both = [
            _with_range(report, f"comparison.{which}.{key}")
            for which in ("classification", "compare")
        ]
        change = _with_range(report, f"comparison.difference.{key}", "+.4f")
        rows.append((name, [*both, change]))
    for place, one in enumerate(report["comparison"]["classes"]):
        path = f"comparison.classes.{place}.f1"
        both = [(figure(report, f"{path}_{key}"), "") for key in ("classification", "compare")]
        change = _with_range(report, f"{path}_difference", "+.4f")
        rows.append((f"F1 of {class_name(one)}", [*both, change]))
    pixels, first, second = (
        figure(report, f"comparison.{key}", "d")
        for key in ("pixels", "only_classification_right", "only_compare_right")
    )
    note = (
        f"On {pixels} cells that both maps and the reference have: {first} are right in the "
        f"first map only, {second} in the second only. {_tests(report)}"
    )
    compared = table([*names, "Difference"], rows, note)
    by_sample = "accuracy_difference" in report["comparison"]
    return compared + (_second_map(report) if by_sample else "")


def _tests(report: dict) -> str:
    """What the tests of the difference tell, and what they suppose."""
    found = report["comparison"]
    kappa = p_value(report, "comparison.kappa_difference.p_value")
    if not found.get("weighted_by_area"):
        mcnemar = p_value(report, "comparison.mcnemar.p_value")
        return (
            f"{mcnemar} by McNemar's test, {kappa} for the difference of the kappas; both take "
            "cells as independent."
        )
    accuracy = p_value(report, "comparison.accuracy_difference.p_value")
    return (
        "Figures are weighted by the areas of the first map's classes, with 95 % intervals "
        f"(Stehman 2014). {accuracy} for the difference of the overall accuracies, {kappa} for "
        f"that of the kappas.{_without_points(found)}"
    )


def _second_map(report: dict) -> str:
    """User's and producer's accuracy of the second map of a sample."""
    rows = [
        (
            class_name(one),
            [
                _with_range(report, f"comparison.classes.{place}.{key}_accuracy_compare")
                for key in ("users", "producers")
            ],
        )
        for place, one in enumerate(report["comparison"]["classes"])
    ]
    note = f"Accuracy of {text(report['compare'])} by class, with 95 % intervals."
    return table(["User's accuracy", "Producer's accuracy"], rows, note)


def _without_points(found: dict) -> str:
    if not found["classes_without_points"]:
        return ""
    without = ", ".join(map(str, found["classes_without_points"]))
    return f" No point lies in mapped class {without}: nothing can be told about the whole."


def _borders(report: dict) -> str:
    tables = []
    for place, found in enumerate(report["borders"]):
        path = f"borders.{place}"
        rows = [
            (
                class_name(one),
                [
                    (figure(report, f"{path}.classes.{number}.{key}"), "")
                    for key in ("precision", "recall", "f1")
                ],
            )
            for number, one in enumerate(found["classes"])
        ]
        mean = (figure(report, f"{path}.f1_macro"), "")
        rows.append(("Macro mean", [("", ""), ("", ""), mean]))
        distance = figure(report, f"{path}.distance", "g")
        note = f"Border cells count as met up to this distance in cells: {distance}."
        tables.append(table(["Precision", "Recall", "F1"], rows, note))
    return "\n".join(tables)


def _objects(report: dict) -> str:
    rows = []
    for place, one in enumerate(report["objects"]):
        path = f"objects.{place}"
        cells = [(figure(report, f"{path}.{key}"), "") for key in ("precision", "recall", "f1")]
        cells += [
            (figure(report, f"{path}.{key}", "d"), "")
            for key in ("predicted", "support", "matched")
        ]
        rows.append((class_name(one), [*cells, (figure(report, f"{path}.area_bias", "+.4f"), "")]))
    heads = ["Precision", "Recall", "F1", "Mapped", "Reference", "Matched", "Area bias"]
    note = "Connected areas match where their intersection over union is above 0.5."
    return table(heads, rows, note)


def _segments(report: dict) -> str:
    shown = {
        "Segments of the right majority class": "accuracy",
        "The same, weighted by cells": "accuracy_weighted",
        "Right cells": "pixel_accuracy",
        "Right cells with one class per segment": "pixel_accuracy_by_segment",
        "Difference": "pixel_accuracy_difference",
    }
    rows = [(name, [(figure(report, f"segments.{key}"), "")]) for name, key in shown.items()]
    segments, pixels = (figure(report, f"segments.{key}", "d") for key in ("segments", "pixels"))
    note = f"{segments} segments of {pixels} cells that both maps have."
    tables = [table(["Share"], rows, note)]
    rows = [
        (
            f"Within {_distance(report, place)} cells",
            [
                (figure(report, f"segments.borders.{place}.{key}"), "")
                for key in ("f1_macro", "f1_macro_by_segment")
            ],
        )
        for place in range(len(report["segments"]["borders"]))
    ]
    note = "Macro F1 of border cells, as mapped and where cells have the class of their segment."
    tables.append(table(["As mapped", "By segment"], rows, note))
    rows = [
        (
            name,
            [
                (figure(report, f"segments.segmentation.{key}{suffix}"), "")
                for key in ("over", "under", "distance_d")
            ],
        )
        for name, suffix in (("By reference object", ""), ("Weighted by cells", "_weighted"))
    ]
    objects = figure(report, "segments.segmentation.reference_objects", "d")
    note = (
        f"{objects} connected areas of the reference, each with the segment that has most of it "
        "(Clinton et al. 2010); 0 is best."
    )
    tables.append(table(["Over-segmentation", "Under-segmentation", "Distance D"], rows, note))
    return "\n".join(tables)


def _distance(report: dict, place: int) -> str:
    return figure(report, f"segments.borders.{place}.distance", "g")


def _calibration(report: dict) -> str:
    error = figure(report, "calibration.expected_calibration_error")
    brier = figure(report, "calibration.brier_score")
    bins = report["calibration"]["reliability"]
    keys = {
        "Cells": ("pixels", "d"),
        "Confidence": ("confidence", ".4f"),
        "Share right": ("accuracy", ".4f"),
    }
    rows = [
        (
            f"{one['from']:.2f} to {one['to']:.2f}",
            [
                (figure(report, f"calibration.reliability.{place}.{key}", form), "")
                for key, form in keys.values()
            ],
        )
        for place, one in enumerate(bins)
    ]
    without = ", ".join(map(str, report["calibration"]["classes_without_probability"]))
    told = f" Classes without probability count with 0: {without}." if without else ""
    lead = f"<p>Expected calibration error {error}, Brier score {brier}.{told}</p>"
    return lead + _curve(bins) + table(list(keys), rows, "Cells by the probability of their class.")


def _patch_areas(report: dict) -> str:
    keys = ("overall_accuracy", "kappa", "f1_macro", "mean_iou")
    rows = [
        (
            text(one["dataset"]),
            [
                *((figure(report, f"areas.{place}.{key}"), "") for key in keys),
                (figure(report, f"areas.{place}.pixels", "d"), ""),
            ],
        )
        for place, one in enumerate(report["areas"])
    ]
    return table(["Overall accuracy", "Kappa", "Macro F1", "Mean IoU", "Pixels"], rows)


def _leaks(report: dict) -> str:
    lines = []
    for place, one in enumerate(report["leaks"]):
        patches = figure(report, f"leaks.{place}.patches", "d")
        _, _, after = sentence(one).partition(" ")
        lines.append(f"<p>{patches} {text(after)}.</p>")
    return "".join(lines)


def _curve(bins: list[dict]) -> str:
    """The reliability curve; on the diagonal probabilities mean what they say."""
    left, bottom = MARGIN_PX, PLOT_PX + 10
    points = [
        (left + PLOT_PX * one["confidence"], bottom - PLOT_PX * one["accuracy"]) for one in bins
    ]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3"/>' for x, y in points)
    right, top = left + PLOT_PX, bottom - PLOT_PX
    return (
        f'<svg viewBox="0 0 {right + 20} {bottom + 40}" role="img" aria-label="Reliability curve">'
        f'<g fill="none" stroke="currentColor"><path d="M{left} {top}V{bottom}H{right}"/>'
        f'<path stroke-dasharray="4 4" opacity="0.6" d="M{left} {bottom}L{right} {top}"/></g>'
        f'<g fill="rgb(var(--accent))" stroke="rgb(var(--accent))">'
        f'<polyline fill="none" stroke-width="2" points="{line}"/>{dots}</g>'
        f'<text x="{left}" y="{bottom + 16}" text-anchor="middle">0</text>'
        f'<text x="{right}" y="{bottom + 16}" text-anchor="middle">1</text>'
        f'<text x="{left - 8}" y="{bottom}" text-anchor="end">0</text>'
        f'<text x="{left - 8}" y="{top + 8}" text-anchor="end">1</text>'
        f'<text x="{(left + right) / 2}" y="{bottom + 32}" text-anchor="middle">confidence</text>'
        f'<text x="14" y="{(top + bottom) / 2}" text-anchor="middle" '
        f'transform="rotate(-90 14 {(top + bottom) / 2})">share right</text></svg>'
    )
