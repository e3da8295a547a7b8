# SPDX-License-Identifier: GPL-2.0-or-later
"""The scores of the members of an ensemble, and their mean, deviation and median."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import mean, median, stdev
from typing import Any

from ..core.target import CLASSES
from ..model.card import ModelCard
from .score_lines import HEADLINES

SUMMARIES: dict[str, Callable[[Sequence[float]], float]] = {
    "mean": mean,
    "standard deviation": stdev,
    "median": median,
}

Figures = Mapping[str, float | None]
Summary = dict[str, dict[str, dict[str, float | None]]]


def heads(card: ModelCard) -> dict[str, str]:
    """Short column heads by figure."""
    titles = HEADLINES.of(card.target)
    return {name: title.removeprefix("Overall ") for name, title in titles.items()}


def summary(
    members: Sequence[Mapping[str, Any]], names: Iterable[str] = tuple(HEADLINES.named(CLASSES))
) -> Summary:
    """Mean, sample standard deviation (n - 1) and median of the members' figures.

    Args:
        members: Each with the figures under "validation" and "test", or None there.
        names: Of the figures, see `heads`.

    Returns:
        Figures by split and summary; None where one member's is not defined.
    """
    return {
        split: {
            name: {figure: _summarised(members, split, figure, of) for figure in names}
            for name, of in SUMMARIES.items()
        }
        for split in ("validation", "test")
    }


def _summarised(
    members: Sequence[Mapping[str, Any]],
    split: str,
    figure: str,
    of: Callable[[Sequence[float]], float],
) -> float | None:
    found = [(one[split] or {}).get(figure) for one in members]
    known = [one for one in found if one is not None]
    return of(known) if len(known) == len(found) else None


Row = tuple[str, list[float | None], list[float | None]]
"""A name, and the figures of `heads` by the validation and the test patches."""


def rows_of(card: ModelCard) -> list[Row]:
    """Rows of a table of an ensemble's members, of their summaries, and of the ensemble itself."""
    training = card.training
    found = [(one["name"], one["validation"], one["test"]) for one in training["members"]]
    kinds = training["summary"]
    found += [(name, kinds["validation"][name], kinds["test"][name]) for name in SUMMARIES]
    found.append(("ensemble", None, card.test))
    order = list(heads(card))
    return [(name, *(_in_order(figures, order) for figures in both)) for name, *both in found]


def _in_order(figures: Figures | None, order: Sequence[str]) -> list[float | None]:
    return [(figures or {}).get(name) for name in order]


def table(card: ModelCard) -> list[str]:
    """The lines of a table of `rows_of`, of at most 92 columns."""
    rows = rows_of(card)
    wide = max(len(name) for name, *_ in rows)
    title = card.training["validated_on"]
    columns = "".join(f"{head:>9}" for head in heads(card).values())
    lines = [f"{'':{wide}}{title:>36}{'test':>36}", f"{'':{wide}}{columns}{columns}"]
    return [*lines, *(f"{name:{wide}}{_cells(val)}{_cells(test)}" for name, val, test in rows)]


def _cells(figures: list[float | None]) -> str:
    """The figures of a row, a dash where there is none."""
    return "".join(f"{'-':>9}" if one is None else f"{one:9.4f}" for one in figures)
