# SPDX-License-Identifier: GPL-2.0-or-later
"""Labels that are values: of a raster map, or of a column of training areas or points."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from functools import partial

import numpy as np

from ...core.classes import MAX_CLASSES, MapClass
from ...core.options import whole
from ...core.target import VALUE
from ...core.text import one_line
from ...core.values import ValueTarget, range_edges
from ..raster.class_codes import PointCodes
from ..raster.info import info_of, require_raster
from ..raster.region import Region
from ..raster.value_rows import ValueRows
from ..session.modules import run_module
from ..session.output_names import require_own_format
from ..session.temporary_maps import remove_debris, remove_maps, temporary_name
from ..vector.attributes import numbers_by_category
from ..vector.sites import TrainingSites, read_areas, read_points, too_small
from .label_source import FoundLabels, Labels, LabelSource
from .training_map import TrainingMap

TEMPORARY_PREFIX = "i_dl_patches_tmp"

OF_CLASSES = ("segments", "class_values", "class_colors", "label_column", "value", "borders")
"""Options for classes only."""

SAMPLED_CELLS = 1_000_000
"""Cells from which the ranges are computed in which values are counted."""


def value_labels(options: Mapping[str, str], region: Region) -> AbstractContextManager[LabelSource]:
    """Labels by the options labels, or training and column, and by background.

    Raises:
        ValueError: A map or column is missing, or an option is for classes.
    """
    for name in OF_CLASSES:
        if options[name]:
            raise ValueError(f"Option {name} is for classes: leave it out with labels of values")
    otherwise = float(whole(options, "background", 0)) if options["background"] else np.nan
    if options["labels"]:
        return _raster_values(options["labels"], otherwise, options["target"] == VALUE)
    training = TrainingMap.from_options(options)
    if not training.column:
        raise ValueError(f"Option target={VALUE} with training needs column=, which holds numbers")
    table = numbers_by_category(training.name, training.layer, training.column)
    if not table:
        raise ValueError(f"Column <{training.column}> of <{training.name}> holds no number")
    opened = _area_values if training.has_areas else _point_values
    return opened(training, table, otherwise, region)


@contextmanager
def _raster_values(raster: str, otherwise: float, certain: bool) -> Iterator[LabelSource]:
    """Labels from a raster map.

    Args:
        raster: Its name.
        otherwise: Value of cells that are NULL in it.
        certain: Whether the user has stated that they are values.
    """
    name = require_raster(raster)
    target = ValueTarget(name.partition("@")[0], one_line(info_of(name).units))

    def labels(found: FoundLabels) -> Labels[ValueTarget]:
        values = found.sample(SAMPLED_CELLS)
        if not certain:
            _check_not_classes(values, name)
        return Labels(_ranged(target, values, name))

    with closing(ValueRows(name, otherwise)) as rows:
        yield LabelSource(rows, labels)


def _check_not_classes(values: np.ndarray, name: str) -> None:
    """Refuse a map of floating type that may hold classes.

    Raises:
        ValueError: There are few values, and all are whole numbers.
    """
    distinct = np.unique(values)
    if 0 < len(distinct) <= MAX_CLASSES and (distinct == np.round(distinct)).all():
        raise ValueError(
            f"Labels <{name}> are of floating type and hold {len(distinct)} whole numbers: for "
            "classes convert them, as with r.mapcalc's int(); for values give target=value"
        )


def _ranged(target: ValueTarget, values: np.ndarray, name: str) -> ValueTarget:
    """The target with the ranges in which its values are counted.

    Raises:
        ValueError: There are no values, or only one.
    """
    if not len(values):
        raise ValueError(f"Labels <{name}> have no value in the region: check g.region and r.mask")
    if values.min() == values.max():
        raise ValueError(
            f"Labels <{name}> hold the value {values[0]:g} only in the region: there is nothing "
            "to learn"
        )
    return ValueTarget(target.name, target.units, edges=range_edges(values))


@contextmanager
def _area_values(
    training: TrainingMap, table: Mapping[int, float], otherwise: float, region: Region
) -> Iterator[LabelSource]:
    """Labels from areas; a temporary raster map exists until the block ends."""
    require_own_format("raster")
    remove_debris(TEMPORARY_PREFIX)
    raster = temporary_name(TEMPORARY_PREFIX)
    name, column = training.name, training.column
    try:
        rasterize_values(name, training.layer, column, raster)
        sites = _with_value(read_areas(name, int(training.layer), region), table)
        values = dict.fromkeys(table, MapClass(0, column, ""))
        lost = too_small(sites, values, region, name, "column")
        places = region.cells_of(sites.chosen(np.flatnonzero(sites.label_cells).tolist()).places)
        with closing(ValueRows(raster, otherwise)) as rows:
            yield LabelSource(rows, partial(_of_sites, training, places, lost))
    finally:
        remove_maps([raster])


def rasterize_values(vector: str, layer: str, column: str, raster: str) -> None:
    """Make a raster map of areas whose column holds a number; all other cells are NULL."""
    # Without `where` an area whose column is empty has the value 0.
    run_module(
        "v.to.rast", input=vector, layer=layer, type="area", output=raster, use="attr",
        attribute_column=column, where=f"{column} is not null",
    )  # fmt: skip


@contextmanager
def _point_values(
    training: TrainingMap, table: Mapping[int, float], otherwise: float, region: Region
) -> Iterator[LabelSource]:
    """Labels from points, and the cells around them."""
    sites = _with_value(read_points(training.name, training.layer), table)
    values = np.array([table[own[0]] for own in sites.categories], ValueRows.coding.dtype)
    codes = PointCodes(region, sites.places, values, training.radius or 0, otherwise)
    places = region.cells_of(sites.places)
    yield LabelSource(codes, partial(_of_sites, training, places, []))


def _with_value(sites: TrainingSites, table: Mapping[int, float]) -> TrainingSites:
    """The sites that have a value; of several categories the first counts, as for v.to.rast."""
    kept = [place for place, own in enumerate(sites.categories) if own[0] in table]
    return sites.chosen(kept)


def _of_sites(
    training: TrainingMap, places: np.ndarray, notes: list[str], found: FoundLabels
) -> Labels[ValueTarget]:
    target = _ranged(ValueTarget(training.column), found.sample(SAMPLED_CELLS), training.name)
    return Labels(target, places=places, notes=notes)
