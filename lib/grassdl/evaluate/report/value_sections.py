# SPDX-License-Identifier: GPL-2.0-or-later
"""The sections of a report on values."""

from __future__ import annotations

from typing import Any

from ...core.value_accuracy import HEADLINE, TITLES
from .tables import COUNT, Cell, Part, Section, Table

BY_RANGE = "rmse mae bias"
"""Figures by range of the reference, those that are meaningful within a range."""


def value_headline(report: dict[str, Any]) -> list[tuple[str, Cell]]:
    """The headline figures."""
    whole = Part(report)
    return [(title, _whole(whole, key)) for key, title in HEADLINE.items()]


def value_sections(report: dict[str, Any]) -> list[Section]:
    """The sections."""
    whole = Part(report)
    return [_summary(whole), _ranges(whole), *([_areas(whole)] if report.get("areas") else [])]


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
    drawn = "{intervals.blocks:d} blocks of {intervals.block_size:d} x {intervals.block_size:d}"
    note = (
        "Neighbouring cells are not independent: the intervals are by block bootstrap, "
        f"{{intervals.replicates:d}} draws of {drawn} cells."
        if whole.get("intervals.rmse")
        else f"No intervals: {drawn} cells are too few for a bootstrap."
    )
    notes = [whole.words(note), whole.words("Bias is predicted minus reference.")]
    return Section("Summary", [Table(["Figure"], rows, notes)])


def _areas(whole: Part) -> Section:
    """Figures of each dataset."""
    rows = [
        (one.get("dataset"), [*one.cells(" ".join(HEADLINE)), one.cell("pixels", COUNT)])
        for one in whole.each("areas")
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
