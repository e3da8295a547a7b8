# SPDX-License-Identifier: GPL-2.0-or-later
"""The sections of a report on values."""

from __future__ import annotations

from typing import Any

from ...core.value_accuracy import HEADLINE, TITLES
from .network_sections import loss_chart
from .tables import CHANGE, COUNT, Cell, Part, Row, Section, Table

BY_RANGE = "rmse mae bias"
"""Figures by range of the reference, those that are meaningful within a range."""


def value_headline(report: dict[str, Any]) -> list[tuple[str, Cell]]:
    """The headline figures."""
    whole = Part(report)
    return [(title, _whole(whole, key)) for key, title in HEADLINE.items()]


def value_sections(report: dict[str, Any]) -> list[Section]:
    """The sections."""
    whole = Part(report)
    optional = {"comparison": _comparison, "importance": _importance, "areas": _areas}
    return [
        _summary(whole),
        _ranges(whole),
        *(build(whole.at(key)) for key, build in optional.items() if report.get(key)),
    ]


def _whole(whole: Part, key: str) -> Cell:
    return Cell(whole.figure(key), whole.interval(f"intervals.{key}"))


def _summary(whole: Part) -> Section:
    """All figures, mean and deviation of both maps, and how the intervals were computed."""
    rows = [(title, [_whole(whole, key)]) for key, title in TITLES.items()]
    further = {
        "Mean of the reference": "reference_mean",
        "Mean of the predicted values": "predicted_mean",
        "Deviation of the reference": "reference_deviation",
        "Deviation of the predicted values": "predicted_deviation",
    }
    rows += [(title, [whole.cell(key)]) for title, key in further.items()]
    notes = [whole.words(_intervals(whole)), whole.words("Bias is predicted minus reference.")]
    return Section("Summary", [Table(["Figure"], rows, notes)])


def _intervals(whole: Part) -> str:
    """How the intervals were computed, or why there are none."""
    size = whole.get("intervals.block_size")
    drawn = "{intervals.blocks:d} points"
    lead = "The points were drawn one by one: the intervals are by bootstrap"
    if size is not None:
        drawn = "{intervals.blocks:d} blocks of {intervals.block_size:d} x "
        drawn += "{intervals.block_size:d} cells"
        lead = "Neighbouring cells are not independent: the intervals are by block bootstrap"
    if whole.get("intervals.rmse"):
        return f"{lead}, {{intervals.replicates:d}} draws of {drawn}."
    return f"No intervals: {drawn} are too few for a bootstrap."


def _comparison(found: Part) -> Section:
    """Two maps on the same cells."""
    rows: list[Row] = []
    for key, title in TITLES.items():
        both = [found.cell(f"{which}.{key}") for which in ("classification", "compare")]
        rows.append((title, [*both, found.cell(f"difference.{key}", CHANGE)]))
    note = found.words(
        "On {pixels:d} cells or points that both maps and the reference have: the classification "
        "is closer to the reference in {classification_closer:d}, the compared map in "
        "{compare_closer:d}."
    )
    table = Table(["Classification", "Compare", "Difference"], rows, [note])
    return Section("Comparison of two maps", [table])


def _importance(found: Part) -> Section:
    """The bands in the order of what R2 loses."""
    bands = sorted(found.each("bands"), key=lambda band: -(band.get("r2_loss") or 0))
    losses = [(band.get("band"), band.cell("r2_loss", CHANGE)) for band in bands]
    rows: list[Row] = [
        (name, [loss, *band.cells("rmse_increase r2_loss_at_mean rmse_increase_at_mean", CHANGE)])
        for (name, loss), band in zip(losses, bands, strict=True)
    ]
    lead = found.words(
        "What R2, of {r2}, loses and by how much RMSE, of {rmse}, rises where a band is permuted "
        "among the cells ({repeats:d} times, with the interval of the mean) or has its mean "
        "everywhere. Bands that tell the same stand in for each other."
    )
    heads = ["R2, permuted", "RMSE, permuted", "R2, at its mean", "RMSE, at its mean"]
    chart = loss_chart("Loss of R2 by permuted band", losses)
    return Section("Importance of the bands", [Table(heads, rows, corner="band")], [lead], [chart])


def _areas(found: Part) -> Section:
    """Figures of each dataset."""
    rows = [
        (one.get("dataset"), [*one.cells(" ".join(HEADLINE)), one.cell("pixels", COUNT)])
        for one in found.each()
    ]
    return Section("By dataset", [Table([*HEADLINE.values(), "Cells"], rows, corner="Dataset")])


def _ranges(whole: Part) -> Section:
    """Figures by range of the reference."""
    rows = [
        (one.get("label"), [*one.cells(BY_RANGE), one.cell("pixels", COUNT)])
        for one in whole.each("ranges")
    ]
    heads = [*(TITLES[key] for key in BY_RANGE.split()), "Cells"]
    return Section("By range of the reference", [Table(heads, rows, corner="Reference")])
