# SPDX-License-Identifier: GPL-2.0-or-later
"""Cells of a map on which its model was trained: their scores are too high."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np

from ..core.readers import RowReader
from ..dataset.areas import Ground
from ..dataset.seen import SEEN_SPLITS, Places, leak, sentence
from .metrics.class_rows import strips
from .provenance import maps_used, model_of


class Points(Protocol):
    """The cells of the region in which sample points lie."""

    rows: np.ndarray
    cols: np.ndarray


class Maps(Protocol):
    """What `gis.inputs.evaluation_maps.EvaluationMaps` gives of this."""

    classification: RowReader
    reference: RowReader | None
    points: Points | None

    def description(self) -> dict[str, str]: ...

    def place(self) -> dict[str, Any]: ...

    def at_points(self, name: str) -> tuple[np.ndarray, np.ndarray]: ...


def leaks_of_map(maps: Maps) -> dict[str, Any]:
    """Compared cells or points that lie in patches of the model that made the map.

    The map's history names the model. Patches whose places are not in the model card are left
    out: that a region holds them says nothing about the cells that are compared.

    Returns:
        `leaks`, objects as `dataset.seen.leaks` has them, whose `patches` are cells or points;
        nothing where the model is not known.
    """
    metadata = maps.description()
    card = model_of(metadata)
    if card is None:
        return {}
    place = maps.place()
    found = []
    for seen_as in SEEN_SPLITS:
        known = [
            Places.of_area(area, seen_as)
            for area in card.seen_areas
            if "places" in area
            and _ground(place, area, metadata).is_shared_with(Ground.from_json(area))
        ]
        windows = np.concatenate([np.zeros((0, 4), int), *(_windows(one, place) for one in known)])
        if not len(windows):
            continue
        if maps.points is not None:
            what, inside, total = _at_points(maps, maps.points, windows)
        else:
            what, inside, total = _cells(maps, windows)
        if inside:
            found.append(leak(card.name, seen_as, f"compared {what}", inside, total, True))
    return {"leaks": found}


def _ground(place: Mapping[str, Any], area: dict[str, Any], metadata: Mapping[str, str]) -> Ground:
    """The ground of the evaluation: the maps that were classified, as far as the model had them."""
    used = maps_used(metadata)
    maps = {name for name in area.get("maps", ()) if {name, name.split("@")[0]} & used}
    return Ground(str(place["crs"]), str(place["project"]), frozenset(maps))


def _windows(places: Places, place: Mapping[str, Any]) -> np.ndarray:
    """First and last row, first and last column (n, 4), last ones exclusive, of places in a region.

    A cell belongs to a place if its centre does.
    """
    region = place["region"]
    half = places.size / 2
    east, north = places.everywhere.T
    rows = [(region["north"] - north + side * half[1]) / region["nsres"] for side in (-1, 1)]
    cols = [(east - region["west"] + side * half[0]) / region["ewres"] for side in (-1, 1)]
    edges = np.ceil(np.stack([*rows, *cols], axis=-1) - 0.5).astype(int)
    limits = np.array([region["rows"]] * 2 + [region["cols"]] * 2)
    edges = np.clip(edges, 0, limits)
    return edges[(edges[:, 0] < edges[:, 1]) & (edges[:, 2] < edges[:, 3])]


def _cells(maps: Maps, windows: np.ndarray) -> tuple[str, int, int]:
    """Of the cells with a class in both maps those in the windows, and all."""
    assert maps.reference is not None
    rows, cols = maps.classification.rows, maps.classification.cols
    inside = total = 0
    for row, count in strips(rows, cols):
        compared = np.ones((count, cols), bool)
        for one in (maps.classification, maps.reference):
            compared &= ~one.read(row, count)[1]
        total += int(np.count_nonzero(compared))
        here = windows[(windows[:, 0] < row + count) & (windows[:, 1] > row)]
        seen = np.zeros_like(compared)
        for top, bottom, left, right in here.tolist():
            seen[max(top - row, 0) : bottom - row, left:right] = True
        inside += int(np.count_nonzero(compared & seen))
    return "cells", inside, total


def _at_points(maps: Maps, points: Points, windows: np.ndarray) -> tuple[str, int, int]:
    """The same for sample points."""
    compared = ~maps.at_points("classification")[1]
    rows, cols = points.rows[compared], points.cols[compared]
    seen = np.zeros(len(rows), bool)
    for top, bottom, left, right in windows.tolist():
        seen |= (rows >= top) & (rows < bottom) & (cols >= left) & (cols < right)
    return "points", int(np.count_nonzero(seen)), len(rows)


def tell(report: dict[str, Any], warn: Callable[[str], None]) -> None:
    """Warn of the leaks of a report."""
    for one in report.get("leaks", ()):
        warn(sentence(one))
