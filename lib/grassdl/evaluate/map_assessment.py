# SPDX-License-Identifier: GPL-2.0-or-later
"""The evaluation of a class map as one JSON object."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

import numpy as np

from ..core import accuracy
from ..core.classes import MapClass
from ..core.readers import ObjectReader, RowReader
from ..core.text import listed
from .contradictions import contradictions
from .held_back import HeldBackCells
from .metrics.area_estimation import area_report
from .metrics.bootstrap import block_intervals
from .metrics.boundaries import border_report, count_borders
from .metrics.calibration import calibration_report, count_calibration
from .metrics.class_rows import ClassCodes, ClassRows
from .metrics.comparison import comparison_report, count_pairs
from .metrics.confusion_counts import Tally, tally, tally_points, usual_block_size
from .metrics.objects import ObjectMaps, match_objects, object_report
from .metrics.sample_comparison import (
    SampleCases,
    cases_of_cells,
    cases_of_points,
    sample_comparison,
)
from .metrics.segment_accuracy import segment_report
from .metrics.thresholds import ThresholdCounts, threshold_report
from .settings import CENSUS, STRATIFIED, Settings


class Maps(Protocol):
    """The maps of an evaluation, as `grassdl.gis.inputs.evaluation_maps.EvaluationMaps` gives them.

    `reference` is None where the reference is made of points, which alone have
    `reference_values`; `compare`, `segments`, `strata` and `mask` are None where there is none,
    `inside` where all cells are scored, `mapped_objects` and `reference_objects` where objects are
    connected areas. `units` are those of predicted values, or "".
    """

    kind: str
    names: dict[str, str]
    classification: RowReader
    compare: RowReader | None
    reference: RowReader | None
    segments: RowReader | None
    strata: RowReader | None
    mask: RowReader | None
    inside: HeldBackCells | None
    mapped_objects: ObjectReader | None
    reference_objects: ObjectReader | None

    @property
    def units(self) -> str: ...

    @property
    def reference_values(self) -> np.ndarray: ...

    def at_points(self, name: str) -> tuple[np.ndarray, np.ndarray]: ...

    def classes(self, values: Iterable[int]) -> list[MapClass]: ...

    def mapped_areas(self, where_compared: bool = False) -> dict[int, float]: ...

    def probabilities(
        self, prefix: str, values: Iterable[int], mapped: Iterable[int]
    ) -> Sequence[RowReader | None]: ...

    def labels(self, values: Iterable[int]) -> dict[str, dict[int, str]]: ...

    def warn(self, sentence: str) -> None: ...

    def description(self, name: str = "classification") -> dict[str, str]: ...

    def progress(self, task: str) -> Callable[[int], None]: ...


def assess(maps: Maps, settings: Settings) -> dict[str, Any]:
    """Evaluate a classification.

    Returns:
        The object of `accuracy.report` with what was compared, `within` which patches if not
        everywhere, and what was left out, and `intervals`,
        `area_adjusted`, `comparison`, `borders`, `objects`, `segments`, `calibration` and
        `thresholds` if they are requested.

    Raises:
        ValueError: Maps without common cells or classes, or without what an option needs.
    """
    table = _tally(maps, maps.classification, "classification", settings)
    classes = maps.classes(table.values)
    report = {
        **maps.names,
        **({} if settings.background is None else {"background": settings.background}),
        **({"minsize": settings.minsize} if settings.minsize > 1 else {}),
        **({} if maps.inside is None else {"within": maps.inside.to_json()}),
        "design": settings.design,
        **accuracy.report(table.counts, classes),
        "left_out": table.left_out.to_json(),
    }
    if settings.design == CENSUS:
        report["intervals"] = block_intervals(
            table.blocks, classes, table.block_size, settings.seed
        )
    else:
        report["area_adjusted"] = _area_adjusted(maps, table, settings)
    if maps.compare is not None:
        report["comparison"] = _comparison(maps, maps.compare, table, settings)
    # A comparison has the classes of all maps.
    compared = report.get("comparison", report)["classes"]
    for sentence in contradictions(maps.labels([one["value"] for one in compared])):
        maps.warn(sentence)
    return report | _by_cells(maps, table, classes, settings)


def _by_cells(
    maps: Maps, table: Tally, classes: list[MapClass], settings: Settings
) -> dict[str, Any]:
    """Borders, objects, segments and calibration, each in a further pass over the cells."""
    found: dict[str, object] = {}
    values = table.values
    places = [_place(value, values) for value in settings.objects]
    rasters: Sequence[RowReader | None] = ()
    if settings.probabilities:
        mapped = np.array(values)[table.counts.any(axis=1)].tolist()
        rasters = maps.probabilities(settings.probabilities, values, mapped)
    if settings.distances:
        counts = count_borders(
            _rows(maps, values), len(values), settings.distances, maps.progress("Comparing borders")
        )
        found["borders"] = border_report(counts, classes)
    if places:
        objects = ObjectMaps(maps.mapped_objects, maps.reference_objects, settings.minsize)
        matches = match_objects(
            _rows(maps, values), values, places, objects, maps.progress("Matching objects")
        )
        found["objects"] = [
            object_report(match, classes[place])
            for match, place in zip(matches, places, strict=True)
        ]
    if maps.segments is not None:
        rows = _rows(maps, values)
        of_segments = segment_report(rows, maps.segments, classes, maps.progress)
        found["segments"] = {"map": maps.names["segments"], **of_segments}
    if rasters:
        thresholds = _thresholds(rasters, values, settings)
        counted = count_calibration(
            _rows(maps, values), rasters, maps.progress("Reading probabilities"), thresholds
        )
        without = [one for one, raster in zip(values, rasters, strict=False) if raster is None]
        found["calibration"] = calibration_report(counted, without)
        if thresholds is not None:
            found["thresholds"] = threshold_report(thresholds, classes[1], settings.wanted)
    return found


def _thresholds(
    rasters: Sequence[RowReader | None], values: Sequence[int], settings: Settings
) -> ThresholdCounts | None:
    """Counts by probability of the second class, where the maps and the reference have two."""
    if len(rasters) == len(values) == 2 and None not in rasters:
        return ThresholdCounts()
    if settings.wanted:
        raise ValueError(
            "Thresholds of a wanted precision or recall are for two classes with maps of their "
            f"probabilities, found {len(rasters)}: leave out wanted_precision and wanted_recall"
        )
    return None


def _tally(maps: Maps, classification: RowReader, key: str, settings: Settings) -> Tally:
    """The counts of one of the maps against the reference."""
    names = maps.names[key], maps.names["reference"]
    if maps.reference is None:
        return tally_points(*maps.at_points(key), maps.reference_values, names)
    usual = usual_block_size(classification.rows, classification.cols)
    return tally(
        classification,
        maps.reference,
        maps.mask,
        names,
        settings.block_size or usual,
        maps.progress(f"Counting cells of <{names[0]}>"),
        maps.inside,
    )


def _area_adjusted(maps: Maps, table: Tally, settings: Settings) -> dict[str, Any]:
    """Estimates for all of the map, classes without sample points among it."""
    areas = maps.mapped_areas()
    values = sorted(set(table.values) | set(areas))
    places = [values.index(value) for value in table.values]
    counts = np.zeros((len(values), len(values)), np.int64)
    counts[np.ix_(places, places)] = table.counts
    mapped = np.array([areas.get(value, 0.0) for value in values])
    return area_report(counts, mapped, maps.classes(values), settings.wanted_error)


def _comparison(maps: Maps, compare: RowReader, table: Tally, settings: Settings) -> dict[str, Any]:
    """The second map against the first, in the classes of both."""
    other = _tally(maps, compare, "compare", settings)
    values = sorted(set(table.values) | set(other.values))
    if settings.design != CENSUS:
        return _comparison_by_sample(maps, compare, values, settings)
    rows = _rows(maps, values, compare)
    progress = maps.progress("Comparing the maps")
    pairs = count_pairs(rows, len(values), table.block_size, progress)
    return comparison_report(pairs, maps.classes(values), settings.seed)


def _comparison_by_sample(
    maps: Maps, compare: RowReader, values: list[int], settings: Settings
) -> dict[str, Any]:
    """As `_comparison`, for a reference that is a sample stratified by the first map."""
    areas = None
    if settings.design == STRATIFIED:
        mapped = maps.mapped_areas(where_compared=True)
        values = sorted({*values, *mapped})
        areas = np.array([mapped.get(value, 0.0) for value in values])
    return sample_comparison(_cases(maps, compare, values), maps.classes(values), areas)


def _cases(maps: Maps, compare: RowReader, values: list[int]) -> SampleCases:
    if maps.reference is not None:
        rows = _rows(maps, values, compare)
        return cases_of_cells(rows, maps.progress("Comparing the maps"))
    codes = ClassCodes(values, fixed=True)
    reference = maps.reference_values, np.zeros(len(maps.reference_values), bool)
    points = (maps.at_points("classification"), maps.at_points("compare"), reference)
    return cases_of_points(*(codes.encode(*one, "") for one in points))


def _rows(maps: Maps, values: list[int], *between: RowReader) -> ClassRows:
    """Classification, others and reference, which is a raster map where all cells are read."""
    assert maps.reference is not None
    return ClassRows([maps.classification, *between, maps.reference], values)


def _place(value: int, values: list[int]) -> int:
    """Index of a class whose objects are wanted.

    Raises:
        ValueError: It is in neither map.
    """
    if value not in values:
        raise ValueError(
            f"Class {value} of option objects occurs in neither map: there are {listed(values)}"
        )
    return values.index(value)
