# SPDX-License-Identifier: GPL-2.0-or-later
"""The maps of an evaluation: found, checked, opened in the region, and closed at the end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from typing import Any

import grass.script as gs
import numpy as np

from ...core.class_rules import BACKGROUND_LABEL
from ...core.classes import MapClass
from ...core.options import whole
from ...core.readers import CellSet, RowReader, RowsWithin
from ...core.target import CLASSES
from ...core.text import listed, one_line
from ..raster.categories import labelled_values, labels_of, map_classes
from ..raster.info import (
    find_raster,
    info_of,
    mask_name,
    probability_map,
    probability_maps,
    require_integer,
    values_in_region,
)
from ..raster.region import Region
from ..raster.rows import MapRows
from ..session.mapset import provenance
from ..session.messages import Progress
from ..session.modules import run_module
from ..session.output_names import require_own_format
from ..session.temporary_maps import remove_debris, remove_maps, temporary_name
from ..vector.area_objects import AreaObjects
from ..vector.attributes import class_by_category, class_labels, layer_number, require_vector
from ..vector.numbered_areas import numbered_areas
from ..vector.sample_points import SamplePoints, sample_points, values_at
from ..vector.sites import TrainingSites, read_areas, too_small
from .labels import overlaps

TEMPORARY_PREFIX = "i_dl_evaluate_tmp"

CLASS_COLUMN = "value"
"""Column with the class value in the vector maps of i.dl.predict."""


@dataclass(frozen=True)
class Reference:
    """The reference of an evaluation.

    Attributes:
        name: Fully qualified name of the map that the user gave.
        raster: Name of the raster map that holds it, or None if it consists of points.
        points: The reference as points, or None.
        labels: Name of the raster map that has its labels, or None if there is none.
        background: Class value of its cells without class, or None.
    """

    name: str
    raster: str | None = None
    points: SamplePoints | None = None
    labels: str | None = None
    background: int | None = None


class EvaluationMaps:
    """The maps of `grassdl.evaluate.map_assessment`.

    Attributes:
        names: Fully qualified names by option: classification, reference, compare, segments,
            strata.
        classification: Rows of the map that is assessed.
        compare: Rows of the second map, or None.
        segments: Rows of the map of segments, or None.
        strata: Rows of the map of the strata in which points were drawn, or None.
        reference: Rows of the reference, or None if it consists of points.
        mask: Rows of the raster mask, or None.
        points: The reference as points, or None.
        inside: The cells that are scored, see `restrict_to`; None for all.
        mapped_objects: The objects of the classification; None for its connected areas.
        reference_objects: Those of the reference, likewise.
        reference_raster: Name of the raster map that holds the reference, or None.
        kind: `CLASSES` or `VALUE`, what the maps hold.

    Args:
        names: See above.
        reference: The reference.
        opened: Closes the maps.
        kind: See above.
        objects: The objects of classification and reference.
    """

    def __init__(
        self,
        names: Mapping[str, str],
        reference: Reference,
        opened: ExitStack,
        kind: str = CLASSES,
        objects: tuple[AreaObjects | None, AreaObjects | None] = (None, None),
    ):
        self.kind = kind
        self.names = dict(names)
        self.reference_raster = reference.raster
        self.points = reference.points
        self._told = reference
        self._opened = opened
        self.inside: CellSet | None = None
        self.mapped_objects, self.reference_objects = objects
        self.classification: RowReader = self._open(names["classification"])
        self.compare: RowReader | None
        self.compare, self.segments, self.strata = (
            self._open(names[key]) if key in names else None
            for key in ("compare", "segments", "strata")
        )
        self.reference: RowReader | None = (
            self._open(reference.raster) if reference.raster else None
        )
        mask = mask_name()
        self.mask = self._open(mask) if mask else None

    def restrict_to(self, inside: CellSet) -> None:
        """Score a subset of the cells: elsewhere all maps of classes are NULL."""
        self.inside = inside
        self.classification = RowsWithin(self.classification, inside)
        if self.compare is not None:
            self.compare = RowsWithin(self.compare, inside)
        if self.reference is not None:
            self.reference = RowsWithin(self.reference, inside)

    def classes(self, values: Iterable[int]) -> list[MapClass]:
        """Labels and colours of class values: the reference's, then the classification's."""
        classification = self.names["classification"]
        labelled = self._told.labels or classification
        return [
            replace(one, label=BACKGROUND_LABEL)
            if one.value == self._told.background and one.label == str(one.value)
            else one
            for one in map_classes(labelled, values, fallback=classification)
        ]

    def labels(self, values: Iterable[int]) -> dict[str, dict[int, str]]:
        """The labels that class values have in each of the raster maps, the reference first."""
        names = [self._told.labels, self.names["classification"], self.names.get("compare")]
        return {name: labels_of(name, values) for name in names if name}

    def warn(self, sentence: str) -> None:
        """Warn the user."""
        gs.warning(sentence)

    @property
    def units(self) -> str:
        """Units of the values of the classification, or ""."""
        return one_line(info_of(self.names["classification"]).units)

    @property
    def reference_values(self) -> np.ndarray:
        """Class values of the points of the reference."""
        assert self.points is not None
        return self.points.values

    def progress(self, task: str) -> Progress:
        """Report a task, and the share of the region's rows that is done."""
        gs.message(f"{task}...")
        return Progress(self.classification.rows)

    def at_points(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Values of the classification, or of another map of `names`, at the points, and at which
        of them it is NULL."""
        assert self.points is not None
        return values_at(getattr(self, name), self.points)

    def mapped_areas(self, where_compared: bool = False) -> dict[int, float]:
        """Square metres of each class of the classification in the region.

        Args:
            where_compared: Only where the second map has a class, too.
        """
        names = [self.names[key] for key in ("classification", "compare")[: 1 + where_compared]]
        listed = gs.read_command(
            "r.stats", flags="an", input=",".join(names), separator="comma", quiet=True
        )
        areas: dict[int, float] = {}
        for line in listed.splitlines():
            value, *_, area = line.split(",")
            areas[int(value)] = areas.get(int(value), 0.0) + float(area)
        return areas

    def probabilities(
        self, prefix: str, values: Iterable[int], mapped: Iterable[int]
    ) -> list[MapRows | None]:
        """Rows of the maps PREFIX_VALUE, None where a class of the reference has none.

        After those of `values` come those of classes that no cell has, if they are among the
        classification's categories and the maps exist: their probabilities are part of the sum.

        Args:
            prefix: With `@mapset` or without.
            values: The class values.
            mapped: Those of the classification, whose maps of probabilities must exist.

        Raises:
            ValueError: The map of one of the classification's classes is missing.
        """
        probability_maps(prefix, mapped)
        found = {value: find_raster(probability_map(prefix, value)) for value in values}
        without = [str(value) for value, raster in found.items() if raster is None]
        if without:
            self.warn(
                f"Classes of the reference without a map {probability_map(prefix, 'VALUE')}: "
                f"{listed(without)}; their probability counts as 0"
            )
        others = set(labelled_values(self.names["classification"])) - set(found)
        rasters = [find_raster(probability_map(prefix, value)) for value in sorted(others)]
        return [
            *(self._open(raster) if raster else None for raster in found.values()),
            *(self._open(raster) for raster in rasters if raster),
        ]

    def description(self, name: str = "classification") -> dict[str, str]:
        """What the metadata of the classification, or of another map of `names`, contain about its
        origin: title, sources, history."""
        told = gs.parse_command("r.info", flags="e", map=self.names[name])
        keys = ("title", "description", "source1", "source2", "comments", "creator")
        found = {key: one_line(told.get(key) or "").strip('"') for key in keys}
        return {key: text for key, text in found.items() if text}

    def place(self) -> dict[str, Any]:
        """Location of the cells: `crs`, `project` and `region`, see `dataset.seen`."""
        return {**provenance(), "region": Region.current().to_json()}

    def _open(self, raster: str) -> MapRows:
        return self._opened.enter_context(closing(MapRows(raster)))


def class_maps(options: Mapping[str, str], opened: ExitStack) -> EvaluationMaps:
    """Maps of classes and their reference.

    Args:
        options: Those of the module.
        opened: Closes the maps and removes temporary ones.

    Raises:
        ValueError: One is missing or of the wrong kind; see `class_by_category` and
            `sample_points` for vector maps.
    """
    if options["residuals"]:
        raise ValueError(
            f"Option residuals is for maps of values (floating point type), and "
            f"<{options['classification']}> holds classes: leave it out, or use compare and "
            "difference"
        )
    if options["strata"]:
        raise ValueError(
            "Option strata is for maps of values: the strata of a sample for classes are the "
            "mapped classes, leave strata out"
        )
    names = {
        key: require_integer(options[key]) for key in ("classification", "compare") if options[key]
    }
    if options["segments"]:
        names["segments"] = require_integer(options["segments"], "segment ids")
    objects = _objects(options, names["classification"], opened)
    reference = _reference(options, names["classification"], opened)
    names["reference"] = reference.name
    if options["object_areas"]:
        names["object_areas"] = require_vector(options["object_areas"])
    return EvaluationMaps(names, reference, opened, CLASSES, objects)


def _objects(
    options: Mapping[str, str], classification: str, opened: ExitStack
) -> tuple[AreaObjects | None, AreaObjects | None]:
    """The objects of the options object_areas and areas; None without such areas."""
    if not options["objects"]:
        return None, None
    vectors = {"object_areas": ("1", CLASS_COLUMN), "areas": (options["layer"], options["column"])}
    found: list[AreaObjects | None] = []
    for key, (layer, column) in vectors.items():
        if not options[key]:
            found.append(None)
            continue
        name = require_vector(options[key])
        class_of: dict[int, int] | None = {}
        # A map of objects in which there is none has no table either.
        if key == "areas" or not _is_empty(name):
            layer = str(layer_number(name, layer))
            class_of = _class_of(name, layer, column, classification)
            _check_areas(name, class_of)
        areas = opened.enter_context(numbered_areas(name, layer, TEMPORARY_PREFIX, f"_{key}"))
        found.append(opened.enter_context(closing(AreaObjects(areas, class_of))))
    mapped, reference = found
    return mapped, reference


def _reference(options: Mapping[str, str], classification: str, opened: ExitStack) -> Reference:
    """The reference, whose temporary maps exist until `opened` is closed."""
    background = whole(options, "background", 0) if options["background"] else None
    if options["reference"]:
        name = raster = labels = require_integer(options["reference"])
    else:
        labels = None
        name = require_vector(options["points"] or options["areas"])
        layer = str(layer_number(name, options["layer"]))
        class_of = _class_of(name, layer, options["column"], classification)
        if options["points"]:
            points = sample_points(name, layer, class_of, Region.current())
            return Reference(name, points=points)
        _warn_of_areas(name, layer, class_of, classification)
        raster = opened.enter_context(_rasterized_areas(name, layer, class_of))
    if background is not None:
        raster = opened.enter_context(_with_background(raster, name, background))
    return Reference(name, raster, labels=labels, background=background)


def _class_of(vector: str, layer: str, column: str, classification: str) -> dict[int, int] | None:
    """Class value of each category; None without a column."""
    if not column:
        return None
    labels = class_labels(classification)
    return class_by_category(vector, layer, column, labels, classification)


def reference_areas(vector: str, layer: str, region: Region) -> TrainingSites:
    """The areas of a vector map that is the reference, see `read_areas`.

    Raises:
        ValueError: There are none.
    """
    sites = read_areas(vector, int(layer), region)
    if not sites.categories:
        raise ValueError(
            f"Vector map <{vector}> has no areas with a category in layer {layer}: use points= for "
            "points, or name another layer"
        )
    return sites


def _warn_of_areas(
    vector: str, layer: str, class_of: Mapping[int, int] | None, classification: str
) -> None:
    """Warn of areas that count for one class and belong to others as well, or for no cell.

    Raises:
        ValueError: There are none.
    """
    region = Region.current()
    sites = reference_areas(vector, layer, region)
    if class_of is None:
        class_of = {category: category for own in sites.categories for category in own}
    labels = labels_of(classification, set(class_of.values()))
    table = {
        category: MapClass(value, labels.get(value, str(value)), "")
        for category, value in class_of.items()
    }
    for sentence in too_small(sites, table, region, vector) + overlaps(sites, table):
        gs.warning(sentence)


@contextmanager
def _with_background(raster: str, name: str, value: int) -> Iterator[str]:
    """A temporary copy of a reference whose NULL cells have a class; the mask still hides cells.

    Args:
        raster: The raster map.
        name: Its name for the user.
        value: The class value.

    Raises:
        ValueError: All cells are NULL, so that all would be background.
    """
    require_own_format("raster")
    if not values_in_region(raster):
        raise ValueError(f"<{name}> has no class in the current region: check region and mask")
    remove_debris(TEMPORARY_PREFIX)
    filled = temporary_name(TEMPORARY_PREFIX, "_background")
    try:
        expression = f'{filled} = if(isnull("{raster}"), {value}, "{raster}")'
        run_module("r.mapcalc", expression=expression)
        yield filled
    finally:
        remove_maps([filled])


def _is_empty(vector: str) -> bool:
    """Whether a map has no feature of any kind."""
    topology = gs.vector_info_topo(vector)
    return not any(topology[kind] for kind in ("areas", "points", "lines", "centroids"))


def _check_areas(vector: str, class_of: Mapping[int, int] | None) -> None:
    """Refuse a map without areas, or whose areas have no class."""
    if not gs.vector_info_topo(vector)["areas"]:
        raise ValueError(f"Vector map <{vector}> has no areas: use points= for points")
    if class_of == {}:
        raise ValueError(f"No area of <{vector}> has a class")


@contextmanager
def _rasterized_areas(vector: str, layer: str, class_of: dict[int, int] | None) -> Iterator[str]:
    """A temporary raster map of the areas' classes; cells outside of them are NULL."""
    _check_areas(vector, class_of)
    require_own_format("raster")
    remove_debris(TEMPORARY_PREFIX)
    raster = temporary_name(TEMPORARY_PREFIX)
    by_category = f"{raster}_cat"
    try:
        run_module("v.to.rast", input=vector, layer=layer, type="area", output=raster, use="cat")
        if class_of is not None:
            run_module("g.rename", raster=f"{raster},{by_category}")
            # Categories without a rule become NULL.
            rules = "".join(f"{category} = {value}\n" for category, value in class_of.items())
            run_module("r.reclass", stdin=rules, input=by_category, output=raster, rules="-")
        yield raster
    finally:
        # A map must be removed after those that are reclassed from it.
        remove_maps([raster])
        remove_maps([by_category])
