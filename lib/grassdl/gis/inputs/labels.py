# SPDX-License-Identifier: GPL-2.0-or-later
"""Labels to learn from: a raster map of classes, segments of known class, areas or points."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial

import grass.script as gs
import numpy as np

from ...core.classes import (
    MAX_CLASSES,
    MAX_VALUE,
    UNLABELLED_INDEX,
    ClassScheme,
    MapClass,
    classes_of_texts,
)
from ...core.colors import spare_colors
from ...core.options import number, whole
from ..raster.categories import map_classes
from ..raster.class_codes import CategoryCodes, PointCodes, ValueCodes, few_values
from ..raster.info import require_integer, values_in_region
from ..raster.region import Region
from ..session.modules import run_module
from ..session.output_names import require_own_format
from ..session.temporary_maps import remove_debris, remove_maps, temporary_name
from ..vector.attributes import class_texts, layer_number, require_vector
from ..vector.sites import TrainingSites, read_areas, read_points, too_small
from .segment_labels import class_by_segment, segment_sites

TEMPORARY_PREFIX = "i_dl_patches_tmp"

BACKGROUND_LABEL = "background"


@dataclass(frozen=True)
class Labels:
    """What to learn from, in the process's region.

    Attributes:
        classes: The classes.
        background: Class index of cells that nothing else labels; None leaves them unlabelled.
        places: Row and column (n, 2), in cells, of every training area's or segment's centre or
            point that has a class; None where the labels are a raster map.
        notes: Sentences about the training map that its user should know.
        index_of: Class index by code of `LabelSource.codes`, (256,) uint8; None where the codes
            are the indices.
    """

    classes: ClassScheme
    background: int | None
    places: np.ndarray | None = None
    notes: list[str] = field(default_factory=list)
    index_of: np.ndarray | None = None


@dataclass(frozen=True)
class LabelSource:
    """Labels that are yet to be read.

    Attributes:
        codes: A code of every cell below NULL_INDEX, UNLABELLED_INDEX where there is no label.
        labels: Gives the labels, once it is known which codes occur.
    """

    codes: CategoryCodes | PointCodes | ValueCodes
    labels: Callable[[np.ndarray], Labels]


def labels_from_options(
    options: dict[str, str], region: Region
) -> AbstractContextManager[LabelSource]:
    """Labels by the options labels, or segments and segment_classes, or training, layer, column
    and radius, and background."""
    background = whole(options, "background", 0) if options["background"] else None
    if options["labels"]:
        return raster_labels(options["labels"], background)
    if options["segments"]:
        return segment_labels(options["segments"], options["segment_classes"], background)
    return vector_labels(
        options["training"],
        options["layer"],
        options["column"],
        number(options, "radius", lowest=0) if options["radius"] else None,
        background,
        region,
    )


@contextmanager
def raster_labels(raster: str, background: int | None) -> Iterator[LabelSource]:
    """Labels from a raster map: its categories are the class values.

    Raises:
        ValueError: The map is missing, of floating type, holds values below 0, or too few or
            too many classes in the region; some of it when its cells have been read.
    """
    name = require_integer(raster)
    if few_values(name):
        with closing(ValueCodes(name, labels_null=background is not None)) as codes:
            yield LabelSource(codes, partial(_labels_of_values, name, background, codes))
        return
    values = values_in_region(name)
    classes = _classes_of_map(name, values, background)
    with closing(_codes_of(name, {value: value for value in values}, classes, background)) as codes:
        yield _known_labels(codes, Labels(classes, _background_index(classes, background)))


def _classes_of_map(name: str, values: list[int], background: int | None) -> ClassScheme:
    """The classes of a raster map that has these values in the region."""
    if not values:
        raise ValueError(f"Labels <{name}> have no class in the region: check g.region and r.mask")
    _check_values(values, name)
    return _scheme(map_classes(name, values), background, name)


def _labels_of_values(
    name: str, background: int | None, codes: ValueCodes, present: np.ndarray
) -> Labels:
    """The labels of a raster map of which these codes occur."""
    present = present[present < codes.number]
    values = (present + codes.lowest).tolist()
    classes = _classes_of_map(name, values, background)
    as_they_are = np.arange(UNLABELLED_INDEX + 1, dtype=np.uint8)
    index_of = as_they_are.copy()
    index_of[present] = classes.index_of(np.array(values))
    otherwise = _background_index(classes, background)
    if otherwise is not None:
        index_of[codes.number] = otherwise
    same = np.array_equal(index_of, as_they_are)
    return Labels(classes, otherwise, index_of=None if same else index_of)


def _known_labels(codes: CategoryCodes | PointCodes, labels: Labels) -> LabelSource:
    """Labels that are known before they are read: the codes are the class indices."""
    return LabelSource(codes, lambda _: labels)


@contextmanager
def segment_labels(raster: str, path: str, background: int | None) -> Iterator[LabelSource]:
    """Labels from segments and the table of those that have a class.

    Args:
        raster: Integer raster map of segments.
        path: Table as `class_by_segment` reads it: integers are class values; other texts become
            the values 1, 2, ... in sorted order.
        background: Class value of all other cells; None leaves them unlabelled.

    Raises:
        ValueError: Map or table is missing or damaged, no segment of the table lies in the region,
            or background is the number of a text.
    """
    name = require_integer(raster, "segment ids")
    table = classes_of_texts(class_by_segment(path))
    _check_background(background, table)
    sites = segment_sites(name, np.array(sorted(table), np.int64))
    present = sites.ids.tolist()
    table = _known(table, present, name, "segment")
    classes = _scheme({table[one] for one in present}, background, name)
    class_of = {one: table[one].value for one in present}
    lost = len(table) - len(present)
    notes = [f"Segments of <{path}> that <{name}> lacks in the region: {lost} of {len(table)}"]
    with closing(_codes_of(name, class_of, classes, background)) as codes:
        otherwise = _background_index(classes, background)
        yield _known_labels(codes, Labels(classes, otherwise, sites.places, notes if lost else []))


@contextmanager
def vector_labels(
    vector: str,
    layer: str,
    column: str,
    radius: float | None,
    background: int | None,
    region: Region,
) -> Iterator[LabelSource]:
    """Labels from training areas, or from points where the map has no areas.

    Args:
        vector: Vector map with areas or points.
        layer: Its layer, by number or name.
        column: Column with the class: integers, also as texts, are class values; other texts
            become the values 1, 2, ... in sorted order. "" takes the categories themselves.
        radius: Distance in map units up to which cells have the class of a point; None takes the
            cell that it lies in.
        background: Class value of all other cells; None leaves them unlabelled.
        region: The region.

    Raises:
        ValueError: Map, layer or column is missing, no area or point lies in the region,
            background is the number of a text, or a radius is given with areas.
    """
    name = require_vector(vector)
    topology = gs.vector_info_topo(name)
    if not topology["areas"] and not topology["points"]:
        raise ValueError(f"Vector map <{name}> has no areas and no points to train from")
    if topology["areas"] and radius is not None:
        raise ValueError(f"Option radius goes with points, but <{name}> has areas")
    layer = str(layer_number(name, layer))
    table = classes_of_texts(class_texts(name, layer, column)) if column else None
    _check_background(background, table or {})
    opened = (
        _area_labels(name, layer, table, background, region)
        if topology["areas"]
        else nullcontext(_point_labels(name, layer, table, radius or 0, background, region))
    )
    with opened as labels:
        yield labels


@contextmanager
def _area_labels(
    name: str,
    layer: str,
    table: dict[int, MapClass] | None,
    background: int | None,
    region: Region,
) -> Iterator[LabelSource]:
    """Labels from areas; a temporary raster map lives as long as the block."""
    require_own_format("raster")
    remove_debris(TEMPORARY_PREFIX)
    raster = temporary_name(TEMPORARY_PREFIX)
    try:
        run_module("v.to.rast", input=name, layer=layer, type="area", output=raster, use="cat")
        present = values_in_region(raster)
        sites = read_areas(name, int(layer), region)
        lost = too_small(sites, _all_or(table, sites), region, name)
        table = _known(table, present, name, "area", lost)
        classes = _scheme({table[one] for one in present if one in table}, background, name, lost)
        class_of = {one: table[one].value for one in present if one in table}
        with closing(_codes_of(raster, class_of, classes, background)) as codes:
            labels = Labels(
                classes,
                _background_index(classes, background),
                region.cells_of(_objects(sites, table, background).places),
                lost + overlaps(sites, table),
            )
            yield _known_labels(codes, labels)
    finally:
        remove_maps([raster])


def _point_labels(
    name: str,
    layer: str,
    table: dict[int, MapClass] | None,
    radius: float,
    background: int | None,
    region: Region,
) -> LabelSource:
    """Labels from points, and the cells around them."""
    sites = read_points(name, layer)
    cells = region.cells_of(sites.places)
    inside = region.has(cells)
    present = sorted({one[0] for one, here in zip(sites.categories, inside, strict=True) if here})
    table = _known(table, present, name, "point")
    classes = _scheme({table[one] for one in present if one in table}, background, name)
    # A point beyond the region may reach into it, but brings no class of its own.
    known = set(classes.values.tolist())
    kept = _classed(sites, {one: found for one, found in table.items() if found.value in known})
    values = np.array([table[one[0]].value for one in kept.categories])
    otherwise = _background_index(classes, background)
    codes = PointCodes(
        region,
        kept.places,
        classes.index_of(values),
        radius,
        UNLABELLED_INDEX if otherwise is None else otherwise,
    )
    return _known_labels(
        codes, Labels(classes, otherwise, region.cells_of(_objects(kept, table, background).places))
    )


def _categories_as_classes(categories: Iterable[int]) -> dict[int, MapClass]:
    return {category: MapClass(category, str(category), "") for category in categories}


def _all_or(table: dict[int, MapClass] | None, sites: TrainingSites) -> dict[int, MapClass]:
    """The class of every category that has one; without a table the sites' categories."""
    return _categories_as_classes(own[0] for own in sites.categories) if table is None else table


def _known(
    table: dict[int, MapClass] | None,
    present: list[int],
    name: str,
    kind: str,
    lost: Sequence[str] = (),
) -> dict[int, MapClass]:
    """The class of every category that has one; without a table the categories themselves.

    Args:
        table: The classes, or None.
        present: Categories in the region.
        name: Name of the map.
        kind: What has the categories.
        lost: Sentences about what labels nothing.
    """
    if table is None:
        table = _categories_as_classes(present)
    values = [table[category].value for category in present if category in table]
    if not values:
        told = f"No training {kind} of <{name}> with a class lies in the region"
        raise ValueError(". ".join([told, *lost]))
    _check_values(sorted(set(values)), name)
    return table


def _classed(sites: TrainingSites, table: dict[int, MapClass]) -> TrainingSites:
    """The sites that have a class; of several categories the first counts, as for v.to.rast."""
    kept = [place for place, own in enumerate(sites.categories) if own[0] in table]
    return sites.chosen(kept)


def _objects(
    sites: TrainingSites, table: dict[int, MapClass], background: int | None
) -> TrainingSites:
    """The sites whose cells are of a class that is not the background's."""
    kept = [
        place
        for place, own in enumerate(sites.categories)
        if sites.label_cells[place] and own[0] in table and table[own[0]].value != background
    ]
    return sites.chosen(kept)


def overlaps(sites: TrainingSites, table: Mapping[int, MapClass]) -> list[str]:
    """A sentence about areas that belong to several classes, if there are any.

    Args:
        sites: The areas.
        table: Class of every category that has one.
    """
    several = [
        [table[one].label for one in own if one in table]
        for own in sites.categories
        if len({table[one] for one in own if one in table}) > 1
    ]
    if not several:
        return []
    pairs = sorted({f"<{labels[0]}> before <{labels[1]}>" for labels in several})
    listed = ", ".join(pairs[:3]) + (", ..." if len(pairs) > 3 else "")
    return [
        f"Areas that belong to several classes, since polygons overlap: {len(several)}; "
        f"the first category counts there: {listed}"
    ]


def _codes_of(
    raster: str, class_of: dict[int, int], classes: ClassScheme, background: int | None
) -> CategoryCodes:
    indices = classes.index_of(np.array(list(class_of.values()), np.int64))
    otherwise = _background_index(classes, background)
    return CategoryCodes(
        raster,
        dict(zip(class_of, indices.tolist(), strict=True)),
        UNLABELLED_INDEX if otherwise is None else otherwise,
    )


def _background_index(classes: ClassScheme, background: int | None) -> int | None:
    if background is None:
        return None
    return int(classes.index_of(np.array([background]))[0])


def _check_background(background: int | None, table: dict[int, MapClass]) -> None:
    """Refuse a background that would fall together with a text that got the same number."""
    for one in table.values():
        if one.value == background and one.label != str(background):
            raise ValueError(
                f"background={background} is the value of class <{one.label}> (texts have the "
                "values 1, 2, ...): choose another one, such as 0"
            )


def _check_values(values: list[int], name: str) -> None:
    if values[0] < 0 or values[-1] > MAX_VALUE:
        wrong = values[0] if values[0] < 0 else values[-1]
        raise ValueError(
            f"Labels <{name}> hold the class value {wrong}: values run from 0 to {MAX_VALUE}"
        )
    if len(values) > MAX_CLASSES:
        raise ValueError(
            f"Labels <{name}> hold {len(values)} classes in the region, "
            f"at most {MAX_CLASSES} are possible"
        )


def _scheme(
    found: set[MapClass] | list[MapClass],
    background: int | None,
    name: str,
    lost: Sequence[str] = (),
) -> ClassScheme:
    """The classes with the background's, each with a colour.

    Args:
        found: The classes.
        background: Value of that of all other cells, or None.
        name: Name of the map.
        lost: Sentences about what labels nothing, which may be why classes are missing.
    """
    classes = {one.value: one for one in found}
    if background is not None and background not in classes:
        classes[background] = MapClass(background, BACKGROUND_LABEL, "")
    spare = spare_colors(taken={one.color for one in classes.values()})
    complete = [
        one if one.color else replace(one, color=next(spare)) for _, one in sorted(classes.items())
    ]
    try:
        return ClassScheme(complete)
    except ValueError as error:
        told = f"Labels <{name}> in the region: {error}"
        if len(complete) == 1 and background is None and not lost:
            told += (
                ", which all labelled cells have: enlarge the region, or give background= if all "
                "other cells are a class"
            )
        raise ValueError(". ".join([told, *lost])) from None
