# SPDX-License-Identifier: GPL-2.0-or-later
"""The maps of a space time raster dataset, and the dates of the series that they form."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from .text import listed


@dataclass(frozen=True)
class Registered:
    """A map of a space time raster dataset.

    Attributes:
        name: The map, fully qualified.
        label: Its semantic label, or "".
        start: Its start time.
    """

    name: str
    label: str
    start: datetime


def by_start(strds: str, registered: Iterable[Registered]) -> dict[datetime, list[Registered]]:
    """The maps of each date in temporal order, those of a date in the order of their semantic
    labels.

    Args:
        strds: Name of the space time raster dataset.
        registered: Some of its maps, at least one.

    Raises:
        ValueError: There is one date only, the bands of dates differ, or two maps are of one band.
    """
    found: dict[datetime, list[Registered]] = {}
    for one in sorted(registered, key=lambda one: (one.start, _natural(one.label))):
        found.setdefault(one.start, []).append(one)
    first = next(iter(found))
    for start, maps in found.items():
        _check_bands(strds, start, maps)
        _check_alike(found[first], maps, first, start)
    if len(found) == 1:
        raise ValueError(
            f"Space time raster dataset <{strds}> has one date, {first}, among the chosen maps: a "
            "series has two or more; give the maps of one date by input"
        )
    return found


def check_order(names: Sequence[str], labels: Sequence[str]) -> None:
    """Refuse names of bands that are in another order than the labels that end like them.

    Args:
        names: Names of the bands of a date, such as vv and vh.
        labels: Semantic labels of its maps in their order, such as S1_VH and S1_VV.

    Raises:
        ValueError: They are.
    """

    def is_of(name: str, label: str) -> bool:
        return bool(name) and label.lower().endswith(name.lower())

    for name, own in zip(names, labels, strict=False):
        others = [one for one in labels if is_of(name, one)]
        if others and not is_of(name, own):
            raise ValueError(
                f"Option bands gives the name {name} to the maps of semantic label {own}, and "
                f"there are maps of {others[0]}: give names in the order of the labels, which "
                f"are {listed(labels)}"
            )


def _check_bands(strds: str, start: datetime, maps: Sequence[Registered]) -> None:
    """Refuse two maps of a band at one date."""
    labels = [one.label for one in maps]
    twice = [label for label in labels if labels.count(label) > 1]
    if twice:
        which = [one.name for one in maps if one.label == twice[0]]
        band = f"band {twice[0]}" if twice[0] else "no semantic label"
        raise ValueError(
            f"Space time raster dataset <{strds}> has {len(which)} maps of {band} on {start} "
            f"({listed(which)}): a date has one map, or maps of different semantic labels "
            "(r.semantic.label)"
        )


def _check_alike(
    expected: Sequence[Registered], given: Sequence[Registered], first: datetime, start: datetime
) -> None:
    """Refuse a date whose bands differ from those of the first."""
    wanted, labels = (sorted(one.label for one in some) for some in (expected, given))
    if wanted != labels:
        shown = [listed([one or "without label" for one in some]) for some in (wanted, labels)]
        raise ValueError(
            f"The dates of the series differ in bands: {first} has {shown[0]}, {start} has "
            f"{shown[1]}; choose dates of equal bands by where, or register a map of NULL for "
            "what is missing"
        )


def _natural(label: str) -> list[tuple[int, str]]:
    """A sort key by which S2_2 comes before S2_11."""
    return [(int(one), "") if one.isdigit() else (-1, one) for one in re.split(r"(\d+)", label)]
