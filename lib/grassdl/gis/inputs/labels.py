# SPDX-License-Identifier: GPL-2.0-or-later
"""Labels for training: a raster map of classes, segments of known class, areas or points."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from dataclasses import replace
from functools import partial

import numpy as np

from ...core.class_rules import ClassRules, renumbered
from ...core.classes import (
    MAX_CLASSES,
    MAX_VALUE,
    MOST_BORDER,
    UNLABELLED_INDEX,
    ClassScheme,
    MapClass,
)
from ...core.options import whole
from ...core.patch_classes import PatchClasses
from ...core.target import CLASSES, PATCH, VALUE, ByTarget, Target
from ...io.class_files import read_colors, read_labels
from ..raster.categories import map_classes
from ..raster.class_codes import BorderedCodes, CategoryCodes, PointCodes, ValueCodes, few_values
from ..raster.info import info_of, require_integer, require_raster, values_in_region
from ..raster.region import Region
from ..session.modules import run_module
from ..session.output_names import require_own_format
from ..session.temporary_maps import remove_debris, remove_maps, temporary_name
from ..vector.numbered_areas import NumberedAreas, numbered_areas
from ..vector.sites import TrainingSites, read_areas, read_points, too_small
from .label_source import FoundLabels, Labels, LabelSource
from .segment_labels import SegmentSites, central_sites, class_by_segment, segment_sites
from .training_map import TrainingMap
from .value_labels import value_labels

TEMPORARY_PREFIX = "i_dl_patches_tmp"


def labels_from_options(
    options: dict[str, str], region: Region
) -> AbstractContextManager[LabelSource]:
    """Labels by the option target: of values, of classes of cells or of patches; if it is empty, a
    raster map of floating type holds values."""
    kind = options["target"] or (VALUE if _is_floating(options["labels"]) else CLASSES)
    return _SOURCES.named(kind)(options, region)


def _is_floating(raster: str) -> bool:
    return bool(raster) and info_of(require_raster(raster)).datatype != "CELL"


def class_labels(options: dict[str, str], region: Region) -> AbstractContextManager[LabelSource]:
    """Labels by the options labels, or segments and segment_classes or value, or training and those
    that `TrainingMap` reads, and by background, borders, class_values and class_colors."""
    values, colors = options["class_values"], options["class_colors"]
    rules = ClassRules(
        read_labels(values) if values else {},
        read_colors(colors) if colors else {},
        values,
        whole(options, "background", 0) if options["background"] else None,
        whole(options, "borders", 1, MOST_BORDER) if options["borders"] else 0,
    )
    if options["labels"]:
        return raster_labels(options["labels"], rules)
    if options["segments"]:
        value = whole(options, "value", 0) if options["value"] else None
        sites = central_sites if options["target"] == PATCH else segment_sites
        return segment_labels(options["segments"], options["segment_classes"], value, rules, sites)
    return vector_labels(TrainingMap.from_options(options), rules, region)


@contextmanager
def patch_labels(options: dict[str, str], region: Region) -> Iterator[LabelSource]:
    """The same as classes of patches: of the object at the centre of each.

    Raises:
        ValueError: As `class_labels`; or the raster map of labels holds values.
    """
    if _is_floating(options["labels"]):
        raise ValueError(
            f"Labels <{options['labels']}> are of floating type, and target={PATCH} is for classes "
            "of patches: give an integer map, or target=value for values of cells"
        )
    with class_labels(options, region) as source:

        def labels(found: FoundLabels) -> Labels[Target]:
            of_cells = source.labels(found)
            return replace(of_cells, target=PatchClasses(of_cells.target.counted))

        yield replace(source, labels=labels)


@contextmanager
def raster_labels(raster: str, rules: ClassRules) -> Iterator[LabelSource]:
    """Labels from a raster map: its categories are the class values.

    Raises:
        ValueError: The map is missing, of floating type, holds values below 0, or too few or
            too many classes in the region; the latter when its cells have been read.
    """
    if rules.borders:
        raise ValueError(
            "Option borders needs objects, and a map of classes has none: give areas "
            "(training), or a raster map of objects (segments), or leave out borders"
        )
    name = require_integer(raster)
    if few_values(name):
        with closing(ValueCodes(name, labels_null=rules.background is not None)) as codes:
            yield LabelSource(codes, partial(_labels_of_values, name, rules, codes))
        return
    values = values_in_region(name)
    classes = _classes_of_map(name, values, rules)
    with closing(_codes_of(name, {value: value for value in values}, classes, rules, {})) as codes:
        yield _known_labels(codes, Labels(classes, rules.background_index(classes)))


_SOURCES: ByTarget[Callable[[dict[str, str], Region], AbstractContextManager[LabelSource]]]
_SOURCES = ByTarget(classes=class_labels, value=value_labels, patch=patch_labels)


def _classes_of_map(name: str, values: list[int], rules: ClassRules) -> ClassScheme:
    """The classes of a raster map that has these values in the region."""
    if not values:
        raise ValueError(f"Labels <{name}> have no class in the region: check g.region and r.mask")
    _check_values(values, name)
    return rules.scheme(map_classes(name, values), name)


def _labels_of_values(
    name: str, rules: ClassRules, codes: ValueCodes, found: FoundLabels
) -> Labels[ClassScheme]:
    """The labels of a raster map, by the codes that occur."""
    present = found.present[found.present < codes.number]
    values = (present + codes.lowest).tolist()
    classes = _classes_of_map(name, values, rules)
    as_they_are = np.arange(UNLABELLED_INDEX + 1, dtype=np.uint8)
    index_of = as_they_are.copy()
    index_of[present] = classes.index_of(np.array(values))
    otherwise = rules.background_index(classes)
    if otherwise is not None:
        index_of[codes.number] = otherwise
    same = np.array_equal(index_of, as_they_are)
    return Labels(classes, otherwise, index_of=None if same else index_of)


def _known_labels(codes: CategoryCodes | PointCodes, labels: Labels[ClassScheme]) -> LabelSource:
    """Labels that are known before they are read: the codes are the class indices."""
    return LabelSource(codes, lambda _: labels)


@contextmanager
def segment_labels(
    raster: str,
    path: str,
    value: int | None,
    rules: ClassRules,
    sites_of: Callable[[str, np.ndarray], SegmentSites] = segment_sites,
) -> Iterator[LabelSource]:
    """Labels from segments and the table of those that have a class.

    Args:
        raster: Integer raster map of segments, or of objects.
        path: Table as `class_by_segment` reads it: integers are class values; other texts become
            the values 1, 2, ... in sorted order, or those of the rules. Not read if there is a
            value.
        value: Class value of all of them; None where they have classes of their own.
        rules: The user's settings of classes.
        sites_of: Finds the centres of segments.

    Raises:
        ValueError: Map or table is missing or damaged, no segment of the table lies in the region,
            or background is the number of a text.
    """
    name = require_integer(raster, "segment ids")
    if value is None:
        table = rules.classes(class_by_segment(path))
    else:
        table = dict.fromkeys(values_in_region(name), MapClass(value, str(value), ""))
    rules.check_background(table)
    sites = sites_of(name, np.array(sorted(table), np.int64))
    present = sites.ids.tolist()
    if not present:
        raise ValueError(f"No training segment of <{name}> with a class lies in the region")
    _check_values(sorted({table[one].value for one in present}), name)
    classes = rules.scheme({table[one] for one in present}, name)
    class_of = {one: table[one].value for one in present}
    notes = renumbered(classes)
    lost = len(table) - len(present)
    if lost:
        notes.append(
            f"Segments of <{path}> that <{name}> lacks in the region: {lost} of {len(table)}"
        )
    object_of = {one: place for place, one in enumerate(present, start=1)}
    with closing(_codes_of(name, class_of, classes, rules, object_of)) as codes:
        otherwise = rules.background_index(classes)
        yield _known_labels(codes, Labels(classes, otherwise, sites.places, notes))


@contextmanager
def vector_labels(
    training: TrainingMap, rules: ClassRules, region: Region
) -> Iterator[LabelSource]:
    """Labels from training areas, or from points where the map has no areas.

    Args:
        training: The map.
        rules: The user's settings of classes.
        region: The region.

    Raises:
        ValueError: A column is missing, no area or point lies in the region, or background is the
            number of a text.
    """
    if rules.borders and not training.has_areas:
        raise ValueError(
            f"Option borders needs areas, and <{training.name}> has points: give a map of "
            "areas, or leave out borders"
        )
    table = training.table(rules)
    rules.check_background(table or {})
    opened = (
        _area_labels(training, table, rules, region)
        if training.has_areas
        else nullcontext(_point_labels(training, table, rules, region))
    )
    with opened as labels:
        yield labels


@contextmanager
def _area_labels(
    training: TrainingMap,
    table: dict[int, MapClass] | None,
    rules: ClassRules,
    region: Region,
) -> Iterator[LabelSource]:
    """Labels from areas; a temporary raster map exists until the block ends."""
    with _areas_as_cells(training, bool(rules.borders)) as cells:
        name, layer = training.name, training.layer
        numbers = [one for one in values_in_region(cells.raster) if one in cells.category_of]
        present = sorted({cells.category_of[one] for one in numbers})
        sites = read_areas(name, int(layer), region)
        lost = too_small(sites, _all_or(table, sites), region, name)
        table = _known(training, table, present, "area", lost)
        found = [one for one in present if one in table]
        classes = rules.scheme({table[one] for one in found}, name, lost)
        category_of = {one: cells.category_of[one] for one in numbers}
        class_of = {one: table[own].value for one, own in category_of.items() if own in table}
        with closing(_codes_of(cells.raster, class_of, classes, rules, cells.object_of)) as codes:
            labels = Labels(
                classes,
                rules.background_index(classes),
                region.cells_of(_objects(sites, table, rules.background).places),
                lost + overlaps(sites, table) + rules.doubts(classes, len(found)),
            )
            yield _known_labels(codes, labels)


@contextmanager
def _areas_as_cells(training: TrainingMap, as_objects: bool) -> Iterator[NumberedAreas]:
    """A temporary raster map of the areas: of their categories, or of a number for each of them."""
    if as_objects:
        with numbered_areas(training.name, training.layer, TEMPORARY_PREFIX) as cells:
            yield cells
        return
    require_own_format("raster")
    remove_debris(TEMPORARY_PREFIX)
    raster = temporary_name(TEMPORARY_PREFIX)
    try:
        run_module(
            "v.to.rast", input=training.name, layer=training.layer, type="area", output=raster,
            use="cat",
        )  # fmt: skip
        yield NumberedAreas(raster, {one: one for one in values_in_region(raster)}, {})
    finally:
        remove_maps([raster])


def _point_labels(
    training: TrainingMap,
    table: dict[int, MapClass] | None,
    rules: ClassRules,
    region: Region,
) -> LabelSource:
    """Labels from points, and the cells around them."""
    sites = read_points(training.name, training.layer)
    cells = region.cells_of(sites.places)
    inside = region.has(cells)
    present = sorted({one[0] for one, here in zip(sites.categories, inside, strict=True) if here})
    table = _known(training, table, present, "point")
    found = [one for one in present if one in table]
    classes = rules.scheme({table[one] for one in found}, training.name)
    # A point outside the region may label cells in it, but adds no class.
    known = set(classes.values.tolist())
    kept = _classed(sites, {key: one for key, one in table.items() if one.value in known})
    values = np.array([table[one[0]].value for one in kept.categories])
    otherwise = rules.background_index(classes)
    codes = PointCodes(
        region,
        kept.places,
        classes.index_of(values),
        training.radius or 0,
        UNLABELLED_INDEX if otherwise is None else otherwise,
    )
    places = region.cells_of(_objects(kept, table, rules.background).places)
    notes = rules.doubts(classes, len(found))
    return _known_labels(codes, Labels(classes, otherwise, places, notes))


def _categories_as_classes(categories: Iterable[int]) -> dict[int, MapClass]:
    return {category: MapClass(category, str(category), "") for category in categories}


def _all_or(table: dict[int, MapClass] | None, sites: TrainingSites) -> dict[int, MapClass]:
    """The class of every category that has one; without a table the sites' categories."""
    return _categories_as_classes(own[0] for own in sites.categories) if table is None else table


def _known(
    training: TrainingMap,
    table: dict[int, MapClass] | None,
    present: list[int],
    kind: str,
    lost: Sequence[str] = (),
) -> dict[int, MapClass]:
    """The class of every category that has one; without a table the categories themselves.

    Args:
        training: The map.
        table: The classes, or None.
        present: Categories in the region.
        kind: "area" or "point".
        lost: Sentences about labels without effect.
    """
    if table is None:
        table = training.colored(_categories_as_classes(present))
    values = [table[category].value for category in present if category in table]
    if not values:
        told = (
            f"No training {kind} of <{training.name}> with a class lies in the region (layer "
            f"{training.layer})"
        )
        raise ValueError(". ".join([told, *lost]))
    hint = ": numbers of objects are no classes, give column= with the class, or value="
    _check_values(sorted(set(values)), training.name, hint)
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


def overlaps(
    sites: TrainingSites, table: Mapping[int, MapClass], nouns: str = "classes"
) -> list[str]:
    """A sentence about areas that belong to several classes, if there are any.

    Args:
        sites: The areas.
        table: Class of every category that has one.
        nouns: What the values of the table are called.
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
        f"Areas that belong to several {nouns}, since polygons overlap: {len(several)}; "
        f"the first category counts there: {listed}"
    ]


def _codes_of(
    raster: str,
    class_of: dict[int, int],
    classes: ClassScheme,
    rules: ClassRules,
    object_of: Mapping[int, int],
) -> CategoryCodes:
    """Codes of categories, some of which are objects or parts of them."""
    indices = classes.index_of(np.array(list(class_of.values()), np.int64))
    code_of = dict(zip(class_of, indices.tolist(), strict=True))
    background = rules.background_index(classes)
    otherwise = UNLABELLED_INDEX if background is None else background
    border = classes.border_index
    if border is None:
        return CategoryCodes(raster, code_of, otherwise)
    objects = {one: object_of[one] for one, value in class_of.items() if value != rules.background}
    return BorderedCodes(raster, code_of, objects, otherwise, border, rules.borders)


def _check_values(values: list[int], name: str, hint: str = "") -> None:
    if values[0] < 0 or values[-1] > MAX_VALUE:
        wrong = values[0] if values[0] < 0 else values[-1]
        raise ValueError(
            f"Labels <{name}> hold the class value {wrong}: values run from 0 to {MAX_VALUE}"
        )
    if len(values) > MAX_CLASSES:
        raise ValueError(
            f"Labels <{name}> hold {len(values)} classes in the region, "
            f"at most {MAX_CLASSES} are possible{hint}"
        )
