# SPDX-License-Identifier: GPL-2.0-or-later
"""The sections of a report on values."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ...core.value_accuracy import HEADLINE, TITLES
from .network_sections import loss_chart
from .tables import CHANGE, COUNT, SCORE, Cell, Part, Row, Section, Table

SMALL, SMALL_DEVIATION = ".4g", 0.05
"""The format of figures in the units of values, and below which deviation of the reference it is
used: four decimals would show hardly more than 0."""

WITHOUT_UNITS = ("r2", "pearson", "concordance")

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


def _form(part: Part, key: str) -> str:
    """The format of a figure."""
    deviation = Part(part.report).get("reference_deviation")
    small = key not in WITHOUT_UNITS and deviation and deviation < SMALL_DEVIATION
    return SMALL if small else SCORE


def _cells(part: Part, keys: Iterable[str]) -> list[Cell]:
    return [part.cell(key, _form(part, key)) for key in keys]


def _whole(whole: Part, key: str) -> Cell:
    form = _form(whole, key)
    return Cell(whole.figure(key, form), whole.interval(f"intervals.{key}", form))


def _summary(whole: Part) -> Section:
    """All figures, mean and deviation of both maps, and how the intervals were computed."""
    rows = [(title, [_whole(whole, key)]) for key, title in TITLES.items()]
    further = {
        "Mean of the reference": "reference_mean",
        "Mean of the predicted values": "predicted_mean",
        "Deviation of the reference": "reference_deviation",
        "Deviation of the predicted values": "predicted_deviation",
    }
    rows += [(title, _cells(whole, [key])) for title, key in further.items()]
    notes = [whole.words(_intervals(whole)), whole.words("Bias is predicted minus reference.")]
    if whole.get("units"):
        notes.append([f"All figures but R2 and both correlations are in {whole.get('units')}."])
    return Section("Summary", [Table(["Figure"], rows, notes)])


def _intervals(whole: Part) -> str:
    """How the intervals were computed, or why there are none."""
    size = whole.get("intervals.block_size")
    drawn = "{intervals.blocks:d} points"
    lead = "The points were drawn one by one: the intervals are by bootstrap"
    if whole.get("strata"):
        lead = "Points count what they represent of their strata: the intervals are by bootstrap "
        lead += "within these"
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
        form = _form(found, key)
        both = [found.cell(f"{which}.{key}", form) for which in ("classification", "compare")]
        rows.append((title, [*both, found.cell(f"difference.{key}", f"+{form}")]))
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
    form = _form(found, "rmse")
    rows: list[Row] = []
    for (name, loss), band in zip(losses, bands, strict=True):
        rises = [band.cell(f"rmse_increase{which}", f"+{form}") for which in ("", "_at_mean")]
        rows.append((name, [loss, rises[0], band.cell("r2_loss_at_mean", CHANGE), rises[1]]))
    lead = found.words(
        f"What R2, of {{r2}}, loses and by how much RMSE, of {{rmse:{form}}}, rises where a band "
        "is permuted among the cells ({repeats:d} times, with the interval of the mean) or has its "
        "mean everywhere. Bands that tell the same stand in for each other."
    )
    heads = ["R2, permuted", "RMSE, permuted", "R2, at its mean", "RMSE, at its mean"]
    chart = loss_chart("Loss of R2 by permuted band", losses)
    return Section("Importance of the bands", [Table(heads, rows, corner="band")], [lead], [chart])


def _areas(found: Part) -> Section:
    """Figures of each dataset."""
    rows = [
        (one.get("dataset"), [*_cells(one, HEADLINE), one.cell("pixels", COUNT)])
        for one in found.each()
    ]
    return Section("By dataset", [Table([*HEADLINE.values(), "Cells"], rows, corner="Dataset")])


def _ranges(whole: Part) -> Section:
    """Figures by range of the reference."""
    rows = [
        (one.get("label"), [*_cells(one, BY_RANGE.split()), one.cell("pixels", COUNT)])
        for one in whole.each("ranges")
    ]
    heads = [*(TITLES[key] for key in BY_RANGE.split()), "Cells"]
    return Section("By range of the reference", [Table(heads, rows, corner="Reference")])
