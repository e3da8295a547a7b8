# SPDX-License-Identifier: GPL-2.0-or-later
"""The maps of an evaluation: found, checked, opened in the region, and closed at the end."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager

import grass.script as gs
import numpy as np

from ..classes import MapClass
from .attributes import class_by_category, class_labels, require_vector
from .categories import map_classes
from .messages import Progress
from .raster_rows import RasterRows
from .rasters import mask_name, probability_maps, require_integer
from .region import Region
from .samples import SamplePoints, sample_points, values_at
from .session import run_module
from .temporary import remove_debris, remove_maps

TEMPORARY_PREFIX = "i_dl_evaluate_tmp"


class EvaluationMaps:
    """What `grassdl.evaluate.assess` asks for.

    Attributes:
        names: Fully qualified names by option: classification, reference, compare, segments.
        classification: Rows of the map that is assessed.
        compare: Rows of the second map, or None.
        segments: Rows of the map of segments, or None.
        reference: Rows of the reference, or None where it is made of points.
        mask: Rows of the raster mask, or None.
        points: The reference as points, or None.
        reference_raster: Name of the raster map that holds the reference, or None.

    Args:
        names: See above.
        reference_raster: See above.
        points: See above.
        opened: Closes the maps.
    """

    def __init__(
        self,
        names: Mapping[str, str],
        reference_raster: str | None,
        points: SamplePoints | None,
        opened: ExitStack,
    ):
        self.names = dict(names)
        self.reference_raster = reference_raster
        self.points = points
        self._opened = opened
        self.classification = self._open(names["classification"])
        self.compare = self._open(names["compare"]) if "compare" in names else None
        self.segments = self._open(names["segments"]) if "segments" in names else None
        self.reference = self._open(reference_raster) if reference_raster else None
        mask = mask_name()
        self.mask = self._open(mask) if mask else None

    def classes(self, values: Iterable[int]) -> list[MapClass]:
        """Labels and colours of class values: the reference's, then the classification's."""
        classification = self.names["classification"]
        if self.reference_raster == self.names["reference"]:
            return map_classes(self.reference_raster, values, fallback=classification)
        return map_classes(classification, values)

    @property
    def reference_values(self) -> np.ndarray | None:
        """Class values of the points, or None."""
        return None if self.points is None else self.points.values

    def progress(self, task: str) -> Progress:
        """Tell what is being done, and how much of the region's rows is done."""
        gs.message(f"{task}...")
        return Progress(self.classification.rows)

    def at_points(self, name: str) -> np.ndarray:
        """What the classification, or another map of `names`, holds at the points."""
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

    def probabilities(self, prefix: str, values: Iterable[int]) -> list[RasterRows]:
        """Rows of the maps PREFIX_VALUE.

        Raises:
            ValueError: One of them is missing.
        """
        return [self._open(raster) for raster in probability_maps(prefix, values)]

    def description(self) -> dict[str, str]:
        """What the classification's metadata tell about its making: title, sources, history."""
        told = gs.parse_command("r.info", flags="e", map=self.names["classification"])
        keys = ("title", "description", "source1", "source2", "comments", "creator")
        found = {key: (told.get(key) or "").strip().strip('"') for key in keys}
        return {key: text for key, text in found.items() if text}

    def _open(self, raster: str) -> RasterRows:
        return self._opened.enter_context(closing(RasterRows(raster)))


@contextmanager
def evaluation_maps(options: Mapping[str, str]) -> Iterator[EvaluationMaps]:
    """The maps that the options classification, reference, points, areas, compare and segments
    name.

    Areas become a temporary raster map, which lives as long as the block.

    Raises:
        ValueError: One is missing or of the wrong kind; see `class_by_category` and
            `sample_points` for vector maps.
    """
    names = {
        key: require_integer(options[key]) for key in ("classification", "compare") if options[key]
    }
    if options["segments"]:
        names["segments"] = require_integer(options["segments"], "segment ids")
    with ExitStack() as opened:
        raster = points = None
        if options["reference"]:
            raster = names["reference"] = require_integer(options["reference"])
        else:
            vector = names["reference"] = require_vector(options["points"] or options["areas"])
            class_of = _class_of(vector, options, names["classification"])
            if options["points"]:
                points = sample_points(vector, options["layer"], class_of, Region.current())
            else:
                raster = opened.enter_context(_rasterized_areas(vector, options["layer"], class_of))
        yield EvaluationMaps(names, raster, points, opened)


def _class_of(
    vector: str, options: Mapping[str, str], classification: str
) -> dict[int, int] | None:
    """Class value of each category; None without a column."""
    if not options["column"]:
        return None
    labels = class_labels(classification)
    return class_by_category(vector, options["layer"], options["column"], labels, classification)


@contextmanager
def _rasterized_areas(vector: str, layer: str, class_of: dict[int, int] | None) -> Iterator[str]:
    """A temporary raster map of the areas' classes; cells outside of them are NULL."""
    if not gs.vector_info_topo(vector)["areas"]:
        raise ValueError(f"Vector map <{vector}> has no areas: use points= for points")
    if class_of == {}:
        raise ValueError(f"No area of <{vector}> has a class")
    remove_debris(TEMPORARY_PREFIX)
    raster = f"{TEMPORARY_PREFIX}_{os.getpid()}"
    by_category = f"{raster}_cat"
    try:
        run_module("v.to.rast", input=vector, layer=layer, type="area", output=raster, use="cat")
        if class_of is not None:
            run_module("g.rename", raster=f"{raster},{by_category}")
            # Categories that the rules leave out become NULL.
            rules = "".join(f"{category} = {value}\n" for category, value in class_of.items())
            run_module("r.reclass", stdin=rules, input=by_category, output=raster, rules="-")
        yield raster
    finally:
        # A map of which another is a reclass cannot be removed before it.
        remove_maps([raster])
        remove_maps([by_category])
