# SPDX-License-Identifier: GPL-2.0-or-later
"""The parts of the listing that come after the summary, each if the report has it."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap

from ...dataset.seen import sentence
from .text_columns import (
    SMALLEST_P_VALUE,
    UNDEFINED,
    WIDTH,
    aligned,
    clean,
    columns,
    figure_text,
    padded,
    shortened,
)

NAME_WIDTH = 22
USERS, PRODUCERS = "user's accuracy", "producer's accuracy"


def sections(report: dict) -> list[list[str]]:
    """Lines of each part: intervals, areas, comparison, borders, objects, segments and so on."""
    parts = (
        ("intervals", _intervals),
        ("area_adjusted", _areas),
        ("comparison", _comparison),
        ("borders", _borders),
        ("objects", _objects),
        ("segments", _segments),
        ("calibration", _calibration),
        ("areas", _patch_areas),
        ("leaks", _leaks),
    )
    return [lines(report[key]) for key, lines in parts if report.get(key)]


def interval_text(bounds: Sequence[float] | None, digits: int = 4) -> str:
    """The interval in brackets."""
    if bounds is None:
        return UNDEFINED
    return f"[{bounds[0]:.{digits}f}, {bounds[1]:.{digits}f}]"


def class_names(classes: Sequence[dict], most: int = NAME_WIDTH) -> list[str]:
    """Value and label of each class, cut to so many columns and padded to the same width."""
    width = max(len(str(one["value"])) for one in classes)
    full = [
        f"{one['value']:>{width}} {'' if one['label'] == str(one['value']) else one['label']}"
        for one in classes
    ]
    short = shortened(full, most)
    return [padded(name, max(map(columns, short))) for name in short]


def _intervals(found: dict) -> list[str]:
    names = class_names(found["classes"])
    return [
        "95 % INTERVALS BY CLASS",
        "",
        " " * len(names[0]) + aligned(("precision", "recall", "F1", "IoU"), 14),
        *(
            name + aligned((_short(one[key]) for key in ("precision", "recall", "f1", "iou")), 14)
            for name, one in zip(names, found["classes"], strict=True)
        ),
        "",
        f"Intervals, also those of the summary: block bootstrap, {found['replicates']} draws of",
        f"{found['blocks']} blocks of {found['block_size']} x {found['block_size']} cells",
    ]


def _areas(found: dict) -> list[str]:
    """Area-adjusted accuracy, in two tables: accuracies, then areas."""
    names = class_names(found["classes"])
    margin = " " * columns(names[0])
    # Two ends of an interval with decimals take more than the line has.
    digits = 2 if found["mapped_ha"] < 1e5 else 0
    lines = [
        "AREA-ADJUSTED ACCURACY (Olofsson et al. 2014), with 95 % intervals",
        "",
        f"{margin}{'points':>8}{'user`s accuracy':>24}{'producer`s accuracy':>26}".replace(
            "`", "'"
        ),
    ]
    for name, one in zip(names, found["classes"], strict=True):
        users, producers = (
            f"{figure_text(one[key])} {_short(one[key + '_interval']):>11}"
            for key in ("users_accuracy", "producers_accuracy")
        )
        lines.append(f"{name}{one['points']:>8}{users:>24}{producers:>26}")
    lines += ["", f"{margin}{'mapped (ha)':>16}{'estimated (ha)':>18}{'95 % interval':>24}"]
    for name, one in zip(names, found["classes"], strict=True):
        area = UNDEFINED if one["area_ha"] is None else f"{one['area_ha']:.{digits}f}"
        bounds = interval_text(one["area_ha_interval"], digits)
        lines.append(f"{name}{one['mapped_ha']:>16.{digits}f}{area:>18}{bounds:>24}")
    overall = figure_text(found["overall_accuracy"])
    wanted = found["sample_size"]
    lines += [
        "",
        f"Overall accuracy  {overall}  {interval_text(found['overall_accuracy_interval'])}",
    ]
    if wanted["points"] is not None:
        lines.append(
            f"A standard error of {wanted['standard_error']:g} needs {wanted['points']} points"
        )
    return lines + _without_points(found)


def _comparison(found: dict) -> list[str]:
    first, second, difference = found["classification"], found["compare"], found["difference"]
    lines = [
        f"COMPARISON on {found['pixels']} cells that both maps and the reference have",
        *_weights(found),
        "",
        f"{'':24}{'classification':>15}{'compare':>10}{'difference':>12}{'95 % interval':>19}",
    ]
    for key, name in (
        ("overall_accuracy", "Overall accuracy"),
        ("kappa", "Kappa"),
        ("f1_macro", "Macro F1"),
        ("mean_iou", "Mean IoU"),
    ):
        lines.append(
            f"{name:24}{figure_text(first[key]):>15}{figure_text(second[key]):>10}"
            f"{_change(first[key], second[key]):>12}{_signed(difference[f'{key}_interval']):>19}"
        )
    for name, one in zip(class_names(found["classes"], 21), found["classes"], strict=True):
        before, after = one["f1_classification"], one["f1_compare"]
        by_sample = "f1_difference_interval" in one
        bounds = _signed(one["f1_difference_interval"]) if by_sample else ""
        lines.append(
            f"F1 {padded(name, 21)}{figure_text(before):>15}{figure_text(after):>10}"
            f"{_change(before, after):>12}{bounds:>19}".rstrip()
        )
    lines += [
        "",
        f"Only the classification is right  {found['only_classification_right']:>12}",
        f"Only the compared map is right    {found['only_compare_right']:>12}",
    ]
    if test := found["mcnemar"]:
        how = "exact" if test["exact"] else f"chi-squared {test['statistic']:.2f}"
        lines.append(f"McNemar's test                    {_probability(test['p_value'])} ({how})")
    else:
        lines += _z_test("Difference of overall accuracies  ", found["accuracy_difference"])
    lines += _z_test("Difference of kappas              ", found["kappa_difference"])
    if "accuracy_difference" in found:
        lines += _second_map(found["classes"])
    return lines


def _weights(found: dict) -> list[str]:
    """How the figures of a stratified sample were estimated, and what they lack."""
    if not found.get("weighted_by_area"):
        return []
    lines = ["Figures are weighted by the areas of the first map's classes (Stehman 2014)"]
    return lines + _without_points(found)


def _without_points(found: dict) -> list[str]:
    if not found["classes_without_points"]:
        return []
    without = ", ".join(map(str, found["classes_without_points"]))
    return shortened([f"No point lies in mapped class {without}: nothing can be told"], WIDTH)


def _z_test(name: str, test: dict) -> list[str]:
    if test["z"] is None:
        return []
    return [f"{name}{_probability(test['p_value'])} (z {test['z']:.2f})"]


def _second_map(classes: Sequence[dict]) -> list[str]:
    """User's and producer's accuracy of the compared map, with intervals."""
    names = class_names(classes)
    margin = " " * columns(names[0])
    lines = ["", f"{margin}{'compare: ' + USERS:>28}{PRODUCERS:>26}"]
    for name, one in zip(names, classes, strict=True):
        users, producers = (
            f"{figure_text(one[key])} {_short(one[key + '_interval']):>11}"
            for key in ("users_accuracy_compare", "producers_accuracy_compare")
        )
        lines.append(f"{name}{users:>28}{producers:>26}")
    return lines


def _cells(distance: float) -> str:
    return f"{distance:g} cell" + ("" if distance == 1 else "s")


def _borders(found: list[dict]) -> list[str]:
    lines = ["BORDERS (precision, recall and F1 of border cells)"]
    for at_distance in found:
        mean = figure_text(at_distance["f1_macro"])
        lines += ["", f"Within {_cells(at_distance['distance'])}: macro F1 {mean}", ""]
        names = class_names(at_distance["classes"])
        for name, one in zip(names, at_distance["classes"], strict=True):
            figures = (figure_text(one[key]) for key in ("precision", "recall", "f1"))
            lines.append(name + aligned(figures, 11))
    return lines


def _objects(found: list[dict]) -> list[str]:
    names = class_names(found, WIDTH - 66)
    heads = ("precision", "recall", "F1", "mapped", "reference", "area bias")
    lines = [
        "OBJECTS (connected areas that match at IoU above 0.5)",
        "",
        " " * columns(names[0]) + aligned(heads, 11),
    ]
    for name, one in zip(names, found, strict=True):
        figures = [figure_text(one[key]) for key in ("precision", "recall", "f1")]
        bias = UNDEFINED if one["area_bias"] is None else f"{100 * one['area_bias']:+.1f} %"
        lines.append(name + aligned((*figures, one["predicted"], one["support"], bias), 11))
    return lines


def _segments(found: dict) -> list[str]:
    lines = [
        f"SEGMENTS: {found['segments']} of {found['pixels']} cells that both maps have",
        "",
        f"Segments of the right majority class       {figure_text(found['accuracy'])}",
        f"the same, weighted by cells                {figure_text(found['accuracy_weighted'])}",
        f"Right cells                                {figure_text(found['pixel_accuracy'])}",
        "Right cells with one class per segment     "
        f"{figure_text(found['pixel_accuracy_by_segment'])}",
        "",
        f"{'Border F1 (macro)':24}" + aligned(("as mapped", "by segment", "difference"), 13),
    ]
    for one in found["borders"]:
        before, after = one["f1_macro"], one["f1_macro_by_segment"]
        figures = (figure_text(before), figure_text(after), _change(before, after))
        lines.append(f"{'within ' + _cells(one['distance']):24}" + aligned(figures, 13))
    fit = found["segmentation"]
    heads = ("over", "under", "distance D")
    lines += ["", f"{'Segmentation (0 is best)':24}" + aligned(heads, 13)]
    for name, suffix in (("by reference object", ""), ("weighted by cells", "_weighted")):
        figures = (figure_text(fit[key + suffix]) for key in ("over", "under", "distance_d"))
        lines.append(f"{name:24}" + aligned(figures, 13))
    return lines


def _calibration(found: dict) -> list[str]:
    lines = [
        f"CALIBRATION of the probabilities of {found['pixels']} cells",
        "",
        f"Expected calibration error  {found['expected_calibration_error']:.4f}",
        f"Brier score                 {found['brier_score']:.4f}",
        "",
        aligned(("confidence", "mean", "accuracy", "cells"), 14),
    ]
    if found["classes_without_probability"]:
        without = ", ".join(map(str, found["classes_without_probability"]))
        lines[1:1] = shortened([f"Classes without probability count with 0: {without}"], WIDTH)
    for one in found["reliability"]:
        bounds = f"{one['from']:.2f}-{one['to']:.2f}"
        figures = (bounds, figure_text(one["confidence"]), figure_text(one["accuracy"]))
        lines.append(aligned((*figures, one["pixels"]), 14))
    return lines


def _patch_areas(found: list[dict]) -> list[str]:
    names = shortened([one["dataset"] for one in found], WIDTH - 55)
    width = max(map(columns, names))
    lines = ["BY DATASET", "", " " * width + aligned(("accuracy", "kappa", "F1", "IoU"), 10)]
    lines[-1] += f"{'pixels':>14}"
    for name, one in zip(names, found, strict=True):
        keys = ("overall_accuracy", "kappa", "f1_macro", "mean_iou")
        figures = (figure_text(one[key]) for key in keys)
        lines.append(padded(name, width) + aligned(figures, 10) + f"{one['pixels']:>14}")
    return lines


def _leaks(found: list[dict]) -> list[str]:
    lines = ["LEAKS: what the model has seen", ""]
    for one in found:
        lines += wrap(clean(sentence(one)), WIDTH)
    return lines


def _short(bounds: Sequence[float] | None) -> str:
    return UNDEFINED if bounds is None else f"{bounds[0]:.3f}-{bounds[1]:.3f}"


def _change(before: float | None, after: float | None) -> str:
    return UNDEFINED if before is None or after is None else f"{after - before:+.4f}"


def _probability(p_value: float) -> str:
    known = p_value >= SMALLEST_P_VALUE
    return f"p = {p_value:.4g}" if known else f"p < {SMALLEST_P_VALUE:g}"


def _signed(bounds: Sequence[float] | None) -> str:
    return UNDEFINED if bounds is None else f"[{bounds[0]:+.4f}, {bounds[1]:+.4f}]"
