# SPDX-License-Identifier: GPL-2.0-or-later
"""Compared cells on which the model of a map was trained, and whose scores are too high."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np

from ..core.readers import CellSet, RowReader
from ..dataset.areas import Ground
from ..dataset.seen import SEEN_SPLITS, Places, leak, sentence
from ..dataset.windows import Windows
from ..model.card import ModelCard
from .metrics.class_rows import strips
from .provenance import maps_used, model_of

COMPARED_CELLS, COMPARED_POINTS = "compared cells", "compared points"
"""Where the leaks of a map are."""

HOW_TO_HOLD_BACK = (
    "Option dataset, with the dataset of the training, scores the map on its test patches only"
)


class Points(Protocol):
    """Sample points by the cells that they lie in."""

    rows: np.ndarray
    cols: np.ndarray


class Maps(Protocol):
    """The part of `gis.inputs.evaluation_maps.EvaluationMaps` that is used here."""

    names: dict[str, str]
    classification: RowReader
    compare: RowReader | None
    reference: RowReader | None
    points: Points | None
    inside: CellSet | None

    def description(self, name: str = "classification") -> dict[str, str]: ...

    def place(self) -> dict[str, Any]: ...

    def at_points(self, name: str) -> tuple[np.ndarray, np.ndarray]: ...


def leaks_of_map(maps: Maps) -> dict[str, Any]:
    """Compared cells or points that lie in patches of the models that made the maps.

    A map's history names its model. Patches whose location is not in the model card are left out:
    a region that contains them need not compare their cells.

    Returns:
        `leaks`, objects as `dataset.seen.leaks` has them, whose `patches` are cells or points;
        nothing where no model is known.
    """
    descriptions = {
        key: maps.description(key) for key in ("classification", "compare") if key in maps.names
    }
    cards = {key: model_of(metadata) for key, metadata in descriptions.items()}
    if not any(cards.values()):
        return {}
    found = []
    for key, card in cards.items():
        # Leaks of a model are listed once, also if it made both maps.
        if card is not None and (key == "classification" or card != cards["classification"]):
            found += _leaks(maps, key, card, descriptions[key])
    return {"leaks": found}


def _leaks(
    maps: Maps, key: str, card: ModelCard, metadata: Mapping[str, str]
) -> list[dict[str, Any]]:
    """The leaks of one of the maps, whose model is known."""
    place = maps.place()
    found = []
    for seen_as in SEEN_SPLITS:
        known = [
            Places.of_area(area, seen_as)
            for area in card.seen_areas
            if "places" in area
            and _ground(place, area, metadata).is_shared_with(Ground.from_json(area))
        ]
        windows = Windows.of(known, place["region"])
        if not windows:
            continue
        count = _points_inside if maps.points else _cells_inside
        inside, total = count(maps, key, windows)
        if inside:
            where = COMPARED_POINTS if maps.points else COMPARED_CELLS
            found.append(leak(card.name, seen_as, where, inside, total, True))
    return found


def _ground(
    place: Mapping[str, object], area: dict[str, Any], metadata: Mapping[str, str]
) -> Ground:
    """The ground of the evaluation, by the classified maps that the model was trained on."""
    used = maps_used(metadata)
    maps = {name for name in area.get("maps", ()) if {name, name.split("@")[0]} & used}
    return Ground(str(place["crs"]), str(place["project"]), frozenset(maps))


def _cells_inside(maps: Maps, key: str, windows: Windows) -> tuple[int, int]:
    """Of the cells with a class in map and reference those in windows, and all."""
    classified, reference = getattr(maps, key), maps.reference
    assert reference is not None, "where there are no points, there is a raster map"
    inside = total = 0
    for row, count in strips(classified.rows, classified.cols):
        compared = ~(classified.read(row, count)[1] | reference.read(row, count)[1])
        total += int(np.count_nonzero(compared))
        inside += int(np.count_nonzero(compared & windows.contains(row, count)))
    return inside, total


def _points_inside(maps: Maps, key: str, windows: Windows) -> tuple[int, int]:
    """As `_cells_inside`, for sample points."""
    assert maps.points is not None
    compared = ~maps.at_points(key)[1]
    seen = windows.contains_cells(maps.points.rows[compared], maps.points.cols[compared])
    return int(np.count_nonzero(seen)), len(seen)


def tell(report: dict[str, Any], warn: Callable[[str], None]) -> None:
    """Warn of the leaks of a report."""
    found = report.get("leaks", ())
    for one in found:
        warn(sentence(one))
    if any(one["where"] == COMPARED_CELLS for one in found) and "within" not in report:
        warn(HOW_TO_HOLD_BACK)
