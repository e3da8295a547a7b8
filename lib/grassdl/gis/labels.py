# SPDX-License-Identifier: GPL-2.0-or-later
"""Labels to learn from: a raster map of classes, or training areas of a vector map."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager

import grass.script as gs
import numpy as np

from ..classes import MAX_CLASSES, MAX_VALUE, UNLABELLED_INDEX, ClassScheme, MapClass
from .categories import map_classes, spare_colors
from .raster_rows import RasterRows, is_null
from .rasters import remove_debris, remove_rasters, require_integer
from .session import run_module

TEMPORARY_PREFIX = "i_dl_patches_tmp"

BACKGROUND_LABEL = "background"


class Labels:
    """Label codes of the process's region as a `grassdl.patches.survey.LabelReader`.

    Args:
        raster: Integer raster map.
        class_of: Class value of every category of the map that means a class.
        classes: The classes.
        background: Class value of all other cells; None leaves them unlabelled.
    """

    def __init__(
        self, raster: str, class_of: dict[int, int], classes: ClassScheme, background: int | None
    ):
        self.classes = classes
        self._rows = RasterRows(raster)
        self._categories = np.array(sorted(class_of), np.int64)
        by_category = [class_of[category] for category in sorted(class_of)]
        self._indices = classes.index_of(np.array(by_category, np.int64))
        self._otherwise = (
            UNLABELLED_INDEX
            if background is None
            else int(classes.index_of(np.array([background]))[0])
        )

    def read(self, row: int, rows: int) -> np.ndarray:
        """Codes (rows, cols) uint8: class index or UNLABELLED_INDEX."""
        values = self._rows.read(row, rows)
        if not len(self._categories):
            return np.full(values.shape, self._otherwise, np.uint8)
        place = np.minimum(np.searchsorted(self._categories, values), len(self._categories) - 1)
        known = (self._categories[place] == values) & ~is_null(values)
        return np.where(known, self._indices[place], self._otherwise).astype(np.uint8)

    def close(self) -> None:
        """Close the map."""
        self._rows.close()


def labels_from_options(options: dict[str, str]) -> AbstractContextManager[Labels]:
    """Labels by the options labels, or training, layer and column, and background."""
    background = int(options["background"]) if options["background"] else None
    if options["labels"]:
        return closing(raster_labels(options["labels"], background))
    return vector_labels(options["training"], options["layer"], options["column"], background)


def raster_labels(raster: str, background: int | None) -> Labels:
    """Labels from a raster map: its categories are the class values.

    Raises:
        ValueError: The map is missing, of floating type, holds values below 0, or too few or
            too many classes in the region.
    """
    name = require_integer(raster)
    values = _values_in_region(name)
    if not values:
        raise ValueError(f"Labels <{name}> have no class in the region: check g.region and r.mask")
    _check_values(values, name)
    found = map_classes(name, values)
    return Labels(name, {v: v for v in values}, _scheme(found, background, name), background)


@contextmanager
def vector_labels(vector: str, layer: str, column: str, background: int | None) -> Iterator[Labels]:
    """Labels from training areas; a temporary raster map lives as long as the block.

    Args:
        vector: Vector map with areas.
        layer: Its layer.
        column: Column with the class: integers are class values; texts become the values
            1, 2, ... in sorted order. "" takes the categories themselves.
        background: Class value of cells outside all areas; None leaves them unlabelled.

    Raises:
        ValueError: Map, layer or column is missing, no area lies in the region, or background
            is the number of a text.
    """
    name = gs.find_file(vector, element="vector").get("fullname")
    if not name:
        raise ValueError(f"Vector map <{vector}> not found")
    if not gs.vector_info_topo(name)["areas"]:
        raise ValueError(f"Vector map <{name}> has no areas to train from")
    table = _class_table(name, layer, column) if column else None
    _check_background(background, table or {})
    remove_debris(TEMPORARY_PREFIX)
    raster = f"{TEMPORARY_PREFIX}_{os.getpid()}"
    try:
        run_module("v.to.rast", input=name, layer=layer, type="area", output=raster, use="cat")
        present = _values_in_region(raster)
        if table is None:
            table = {category: MapClass(category, str(category), "") for category in present}
        present = [category for category in present if category in table]
        if not present:
            raise ValueError(f"No training area of <{name}> with a class lies in the region")
        class_of = {category: table[category].value for category in present}
        _check_values(sorted(set(class_of.values())), name)
        found = {table[category] for category in present}
        labels = Labels(raster, class_of, _scheme(found, background, name), background)
        try:
            yield labels
        finally:
            labels.close()
    finally:
        remove_rasters([raster])


def _class_table(vector: str, layer: str, column: str) -> dict[int, MapClass]:
    """Class of every category that has one."""
    connections = gs.vector_db(vector)
    if not layer.isdigit() or int(layer) not in connections:
        raise ValueError(f"Vector map <{vector}> has no table in layer {layer}")
    columns = gs.vector_columns(vector, int(layer))
    if column not in columns:
        raise ValueError(
            f"Vector map <{vector}> has no column <{column}>, there are: {', '.join(columns)}"
        )
    key = connections[int(layer)]["key"]
    listed = gs.read_command(
        "v.db.select",
        map=vector,
        layer=layer,
        columns=f"{key},{column}",
        format="csv",
        encoding=None,
        quiet=True,
    )
    # UTF-8 whatever the locale says: batch jobs often run in the C locale.
    text = listed.decode("utf-8", errors="replace")
    rows = list(csv.reader(io.StringIO(text)))[1:]
    pairs = {int(category): text.strip() for category, text in rows if text.strip()}
    kind = columns[column]["type"]
    if kind in ("INTEGER", "SMALLINT", "BIGINT"):
        return {c: MapClass(int(text), text, "") for c, text in pairs.items()}
    if kind in ("CHARACTER", "TEXT", "VARCHAR"):
        order = {text: place for place, text in enumerate(sorted(set(pairs.values())), start=1)}
        return {c: MapClass(order[text], text, "") for c, text in pairs.items()}
    raise ValueError(
        f"Column <{column}> of <{vector}> is of type {kind}: classes are integers or texts"
    )


def _check_background(background: int | None, table: dict[int, MapClass]) -> None:
    """Refuse a background that would fall together with a text that got the same number."""
    for one in table.values():
        if one.value == background and one.label != str(background):
            raise ValueError(
                f"background={background} is the value of class <{one.label}> (texts have the "
                "values 1, 2, ...): choose another one, such as 0"
            )


def _values_in_region(raster: str) -> list[int]:
    listed = gs.read_command("r.stats", flags="n", input=raster, quiet=True)
    return sorted(int(line) for line in listed.split())


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
    found: set[MapClass] | list[MapClass], background: int | None, name: str
) -> ClassScheme:
    """The classes with the background's, each with a colour."""
    classes = {one.value: one for one in found}
    if background is not None and background not in classes:
        classes[background] = MapClass(background, BACKGROUND_LABEL, "")
    spare = spare_colors(taken={one.color for one in classes.values()})
    complete = [
        one if one.color else MapClass(one.value, one.label, next(spare))
        for _, one in sorted(classes.items())
    ]
    try:
        return ClassScheme(complete)
    except ValueError as error:
        raise ValueError(f"Labels <{name}> in the region: {error}") from None
