# SPDX-License-Identifier: GPL-2.0-or-later
"""The maps of an evaluation, of classes or of values by the type of the classification; and the
maps of values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager

import grass.script as gs

from ...core.classes import MapClass
from ...core.target import CLASSES, VALUE, ByTarget
from ..raster.info import info_of, require_integer, require_raster
from ..raster.region import Region
from ..session.output_names import require_own_format
from ..session.temporary_maps import remove_debris, remove_maps, temporary_name
from ..vector.attributes import layer_number, numbers_by_category, require_vector
from ..vector.sample_points import sample_points
from ..vector.sites import too_small
from .evaluation_maps import (
    TEMPORARY_PREFIX,
    EvaluationMaps,
    Reference,
    class_maps,
    reference_areas,
)
from .labels import overlaps
from .value_labels import rasterize_values

_OF_CLASSES = (
    "segments background distance objects probabilities wanted_precision wanted_recall matrix"
).split()
"""Options for maps of classes only."""


@contextmanager
def evaluation_maps(options: Mapping[str, str]) -> Iterator[EvaluationMaps]:
    """The maps that the options classification, reference, points, areas, compare and segments
    name; a classification of floating type holds values.

    Areas become a temporary raster map, which exists until the block ends.

    Raises:
        ValueError: One is missing or of the wrong kind; see `class_by_category`,
            `numbers_by_category` and `sample_points` for vector maps.
    """
    kind = VALUE if _is_floating(require_raster(options["classification"])) else CLASSES
    with ExitStack() as opened:
        yield _OPENED.named(kind)(options, opened)


def _is_floating(name: str) -> bool:
    return info_of(name).datatype != "CELL"


def _value_maps(options: Mapping[str, str], opened: ExitStack) -> EvaluationMaps:
    """Maps of values and their reference."""
    name = require_raster(options["classification"])
    _check_options(options, name)
    names = {"classification": name}
    if options["compare"]:
        names["compare"] = _require_values(options["compare"], "compare", name)
    if options["strata"]:
        names["strata"] = require_integer(options["strata"], "strata")
    reference = _reference(options, name, opened)
    names["reference"] = reference.name
    return EvaluationMaps(names, reference, opened, VALUE)


def _check_options(options: Mapping[str, str], name: str) -> None:
    """Refuse options for maps of classes."""
    for option in _OF_CLASSES:
        if options[option]:
            raise ValueError(
                f"Option {option} is for maps of classes, and <{name}> holds values (floating "
                f"point type): leave out {option}"
            )
    design = options["design"]
    if design in ("random", "stratified") and not options["points"]:
        raise ValueError(
            f"Of values, design={design} is for points: make points of the reference "
            "(r.to.vect type=point), or leave out design to compare every cell"
        )
    if design == "stratified" and not options["strata"]:
        raise ValueError(
            f"<{name}> holds values (floating point type), for which design=stratified needs "
            "strata, the raster map in whose categories the points were drawn"
        )


def _require_values(map_name: str, option: str, name: str) -> str:
    """The fully qualified name of a map of values.

    Raises:
        ValueError: It is missing, or of classes.
    """
    found = require_raster(map_name)
    if not _is_floating(found):
        raise ValueError(
            f"<{name}> holds values (floating point type), and {option} <{found}> classes "
            "(CELL): if it holds values, too, convert it with r.mapcalc's float()"
        )
    return found


def _reference(options: Mapping[str, str], name: str, opened: ExitStack) -> Reference:
    """The reference, whose temporary map exists until `opened` is closed."""
    if options["reference"]:
        raster = _require_values(options["reference"], "reference", name)
        return Reference(raster, raster)
    vector = require_vector(options["points"] or options["areas"])
    layer = str(layer_number(vector, options["layer"]))
    column = options["column"]
    if not column:
        raise ValueError(
            f"<{name}> holds values (floating point type): give column=, a column of numbers of "
            f"<{vector}>"
        )
    value_of = numbers_by_category(vector, layer, column)
    if options["points"]:
        points = sample_points(vector, layer, value_of, Region.current(), "value")
        return Reference(vector, points=points)
    _check_areas(vector, layer, column, value_of)
    return Reference(vector, opened.enter_context(_rasterized(vector, layer, column)))


def _check_areas(vector: str, layer: str, column: str, value_of: Mapping[int, float]) -> None:
    """Refuse a map without areas that have a value; warn of those that cover no cell centre."""
    region = Region.current()
    sites = reference_areas(vector, layer, region)
    if not value_of:
        raise ValueError(f"No area of <{vector}> has a number in column <{column}>")
    table = dict.fromkeys(value_of, MapClass(0, column, ""))
    values = {one: MapClass(0, f"{value:g}", "") for one, value in value_of.items()}
    lost = too_small(sites, table, region, vector, "column")
    for sentence in lost + overlaps(sites, values, "values"):
        gs.warning(sentence)


@contextmanager
def _rasterized(vector: str, layer: str, column: str) -> Iterator[str]:
    """A temporary raster map of the areas' values; cells outside of them are NULL."""
    require_own_format("raster")
    remove_debris(TEMPORARY_PREFIX)
    raster = temporary_name(TEMPORARY_PREFIX)
    try:
        rasterize_values(vector, layer, column, raster)
        yield raster
    finally:
        remove_maps([raster])


_OPENED: ByTarget[Callable[[Mapping[str, str], ExitStack], EvaluationMaps]] = ByTarget(
    classes=class_maps, value=_value_maps
)
